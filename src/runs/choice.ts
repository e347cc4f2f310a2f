/** Arguments of a kept run's methods: a slip must not apply more than was meant. */
import type { Conflicts } from '../changes/index.js';
import { misuse, UsageError } from '../errors/index.js';
import { alternatives, suggest } from '../options/index.js';

export interface ApplyChoice {
  /**
   * Paths relative to the run's `workdir`, as those of its changes are, or absolute, each with everything
   * below it. They do not count from the current directory. What another program would run by itself, such
   * as a git hook, is only applied if it is named itself.
   * @default all changes
   */
  readonly paths?: readonly string[] | undefined;
  /** Says what happens to paths that changed on the host as well. @default 'refuse' */
  readonly conflicts?: Conflicts | undefined;
  /**
   * Says whether to do large deletions, too: of more than 100 paths, or of more than 10 that are half of the directory.
   * They are refused otherwise, with the reason `many-deletions`.
   * @default false
   */
  readonly delete?: boolean | undefined;
  /**
   * Says whether to apply what there is of a run that was saved incompletely, without its deletions. All of its
   * changes are refused otherwise, with the reason `incomplete`.
   * @default false
   */
  readonly incomplete?: boolean | undefined;
  /** True to only tell what would be done. @default false */
  readonly dryRun?: boolean | undefined;
}

const conflictChoices = ['refuse', 'merge', 'markers', 'append', 'ours', 'theirs'] as const;
const known = ['paths', 'conflicts', 'delete', 'incomplete', 'dryRun'] as const;

const refuse = (message: string, hint?: string): UsageError =>
  new UsageError('ERR_OPTION_VALUE', message, { hint });

/** Paths as `apply`, `diff` and `patch` take them. @throws UsageError where they are none */
export function checkedPaths(call: string, paths: unknown): readonly string[] | undefined {
  if (paths === undefined) return undefined;
  if (!Array.isArray(paths)) {
    throw misuse(`${call}: paths must be an array of strings, such as ['dist']`);
  }
  const wrong = paths.find((path) => typeof path !== 'string' || path === '');
  if (wrong !== undefined || paths.includes(undefined)) {
    throw refuse(`${call}: not a path: ${JSON.stringify(wrong) ?? 'undefined'}`);
  }
  return paths as readonly string[];
}

/** @throws UsageError where it is no object; UsageError for a key or value that means nothing */
export function checkedChoice(given: unknown): ApplyChoice {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw misuse("apply(choice): choice must be an object, such as { paths: ['dist'] }");
  }
  const choice = given as Readonly<Record<string, unknown>>;
  const odd = Object.keys(choice).find((key) => !(known as readonly string[]).includes(key));
  if (odd !== undefined) {
    const near = suggest(odd, known);
    throw new UsageError('ERR_OPTION_UNKNOWN', `apply: unknown option "${odd}"`, {
      hint: near === undefined ? `Options: ${known.join(', ')}.` : `Did you mean ${near}?`,
    });
  }
  const { conflicts } = choice;
  if (conflicts !== undefined && !conflictChoices.includes(conflicts as Conflicts)) {
    throw refuse(
      `apply: conflicts: ${JSON.stringify(conflicts)}`,
      `Use ${alternatives(conflictChoices)}.`,
    );
  }
  const flag = (['delete', 'incomplete', 'dryRun'] as const).find(
    (name) => choice[name] !== undefined && typeof choice[name] !== 'boolean',
  );
  if (flag !== undefined) throw refuse(`apply: ${flag} must be true or false`);
  return { ...choice, paths: checkedPaths('apply', choice.paths) };
}
