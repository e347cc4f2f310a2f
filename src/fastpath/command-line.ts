/** The words of a command line, of which the payload's arguments do not count: nothing that is resolved depends on them. */
import type { RunArguments } from '../options/index.js';
import type { SandboxSpec } from '../resolve/index.js';

export interface CommandLine {
  /** The words behind `wasbox`. */
  readonly argv: readonly string[];
  /**
   * How many of them, the last ones, are the payload's arguments behind a program or script that was named: they
   * are not part of the entry, which then serves others as well. Undefined where that is not known.
   */
  readonly argumentCount: number | undefined;
}

/**
 * Returns whether a start may hold a secret that an entry would keep in clear: the value of a variable, which the command
 * line or a profile gave, or code. Such a start is not recorded. Arguments are not part of an entry.
 */
export const mayHoldSecret = (options: RunArguments, spec: SandboxSpec): boolean =>
  spec.hasGivenEnv === true ||
  (argumentCount(options) === undefined &&
    (options.code !== undefined || (options.args ?? []).length > 0));

/** How many of the last words are the payload's arguments; undefined where options may stand among them. */
export const argumentCount = ({ command, code, args = [] }: RunArguments): number | undefined =>
  command === undefined || code !== undefined ? undefined : args.length;

/** {@link CommandLine.argumentCount}, where they are also the last words of what is executed. */
export function openCount(
  { argv, argumentCount: count }: CommandLine,
  executed: readonly string[],
): number | undefined {
  if (count === undefined || executed.length <= count) return undefined;
  const last = (words: readonly string[]) => words.slice(words.length - count);
  const given = last(argv);
  return last(executed).every((word, i) => word === given[i]) ? count : undefined;
}

/** The words that are executed, and the spec, without the payload's arguments. */
export const withoutArguments = (words: readonly string[], count = 0): readonly string[] =>
  words.slice(0, words.length - count);

export function specWithout(spec: SandboxSpec, count = 0): SandboxSpec {
  const { command } = spec;
  if (count === 0) return spec;
  return { ...spec, command: { ...command, argv: withoutArguments(command.argv, count) } };
}

/** The words of a command line that an entry for it is found by. */
export const entryWords = ({ argv, argumentCount = 0 }: CommandLine) =>
  withoutArguments(argv, argumentCount);
