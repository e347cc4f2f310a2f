/** Prints the answer of `wasbox why`. Callers escape the lines. */
import { runOptionTable, shellQuote, withAdvice } from '../options/index.js';
import { butOf, type Lack, type RunReport, withoutOption } from '../report/index.js';
import { isOffered } from '../why/index.js';

/** Causes shown without `-v`. */
const shownLacks = 8;

export function outcomeText({ command, outcome }: RunReport): string {
  const what = command === '-c' ? 'the code' : command === '-' ? 'the script' : command;
  switch (outcome.kind) {
    case 'exited':
      return `${what} exited ${outcome.exitCode}`;
    case 'signaled':
      return `${what} was killed by ${outcome.signal}`;
    case 'timeout':
    case 'limit':
      return `${what} was killed by a limit`;
    default:
      return `${what} was not started`;
  }
}

/**
 * The words of `wasbox run` with the option of the nearest cause, or those of all of them; undefined if none
 * can be offered.
 */
export function fixedWords(
  words: readonly string[],
  lacks: readonly Lack[],
  all = false,
): string[] | undefined {
  const offered = lacks.filter(isOffered).flatMap(({ option }) => option ?? []);
  if (offered.length === 0) return undefined;
  return withAdvice(runOptionTable, words, all ? offered : offered.slice(0, 1));
}

/** Returns the fixed command as a line to copy. */
export function fixedCommand(words: readonly string[], lacks: readonly Lack[]): string | undefined {
  const fixed = fixedWords(words, lacks);
  return fixed === undefined ? undefined : ['wasbox run', ...fixed.map(shellQuote)].join(' ');
}

const optionLine = (lack: Lack): string =>
  lack.option === undefined ? withoutOption(lack.cause) : `${lack.option}${butOf(lack)}`;

/**
 * @param ended how the run ended
 * @param leads what the program may have lacked, by its own text
 */
export function lackLines(
  lacks: readonly Lack[],
  ended: string,
  {
    verbose,
    isWatched,
    leads,
  }: {
    readonly verbose: boolean;
    readonly isWatched: boolean;
    readonly leads: readonly string[];
  },
): string[] {
  if (lacks.length === 0 && leads.length > 0)
    return [`${ended}. What it may have lacked:`, ...leads.map((lead) => `  ${lead}`)];
  if (lacks.length === 0 && !isWatched) return [`${ended}. The sandbox blocked none of its calls`];
  if (lacks.length === 0) {
    const nothing = `${ended}. The sandbox blocked and hid nothing that it used`;
    if (/ exited 0\b/.test(ended)) return [nothing];
    return [
      `${nothing}:`,
      '  the cause is in the program, its arguments or its environment (--env)',
    ];
  }
  const shown = verbose ? lacks : lacks.slice(0, shownLacks);
  const rest = lacks.length - shown.length;
  return [
    `${ended}. What it lacked, nearest cause first:`,
    ...shown.flatMap((lack) => [
      `  ${lack.what}${lack.count > 1 ? ` ×${lack.count}` : ''}: ${lack.cause}`,
      `    ${optionLine(lack)}`,
    ]),
    ...(rest > 0 ? [`  and ${rest} more (-v lists them)`] : []),
    ...leads.map((lead) => `  ${lead}`),
  ];
}
