/** The line that runs something again with more packages. */
import { shellQuote } from '../options/index.js';
import type { RunReport } from '../report/index.js';

/** A longer line is no help. */
const longest = 400;

/** The value of `--with` among the words, and where it is. */
function givenIn(own: readonly string[]): {
  readonly at: number;
  readonly value: string | undefined;
} {
  const at = own.indexOf('--with');
  const end = own.indexOf('--');
  return { at, value: at >= 0 && (end < 0 || at < end) ? own[at + 1] : undefined };
}

/** Names of the packages of `--with`, in lower case. */
export function namesGiven(words: readonly string[] | undefined): ReadonlySet<string> {
  const names = givenIn(words ?? []).value?.split(',') ?? [];
  return new Set(names.map((name) => /^@?[\w./-]+/.exec(name)?.[0]?.toLowerCase() ?? name));
}

/**
 * @param words what followed `wasbox`; undefined where that is not known
 */
export function againWith(
  packages: readonly string[],
  words: readonly string[] | undefined,
  { command }: Pick<RunReport, 'command'>,
): string {
  const short = `wasbox run --with ${shellQuote(packages.join(','))} … ${shellQuote(command)}`;
  if (words === undefined) return short;
  const own = words[0] === 'run' ? words.slice(1) : [...words];
  const { at, value: given } = givenIn(own);
  if (given !== undefined) own.splice(at, 2);
  const before = given === undefined || given === 'none' ? [] : [given];
  const all = [...before, ...packages].join(',');
  const line = ['wasbox', 'run', '--with', all, ...own].map(shellQuote).join(' ');
  return line.length > longest ? short : line;
}
