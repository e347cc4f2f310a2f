/** The line that runs something again with more packages. */
import { runOptionTable, shellQuote, withAdvice } from '../options/index.js';
import type { RunReport } from '../report/index.js';

/** Takes what the leads of one run offer, for a line with all of it. */
export interface Offered {
  readonly packages: string[];
  /** Options with their values, as they are shown. */
  readonly options: string[];
  /** Variables among these that look like a secret. */
  readonly secrets: string[];
}

/** A longer line is no help. */
const longest = 400;

/** The values of `--with` among the words, and the words without them. */
function givenIn(own: readonly string[]): {
  readonly given: readonly string[];
  readonly others: readonly string[];
} {
  const end = own.indexOf('--');
  const [given, others]: [string[], string[]] = [[], []];
  for (let i = 0; i < own.length; i++) {
    const word = own[i] ?? '';
    const isAhead = end < 0 || i < end;
    if (isAhead && word === '--with') given.push(own[++i] ?? '');
    else if (isAhead && word.startsWith('--with=')) given.push(word.slice('--with='.length));
    else others.push(word);
  }
  return { given: given.filter((one) => one !== 'none'), others };
}

/** Names of the packages of `--with`, in lower case. */
export function namesGiven(words: readonly string[] | undefined): ReadonlySet<string> {
  const names = givenIn(words ?? []).given.flatMap((one) => one.split(','));
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
  const { given, others } = givenIn(own);
  const all = [...given, ...packages].join(',');
  const line = ['wasbox', 'run', '--with', all, ...others].map(shellQuote).join(' ');
  return line.length > longest ? short : line;
}

/** The line with all that was offered, where one lead alone would fail for another; undefined else. */
export function withAll(
  { packages, options }: Offered,
  words: readonly string[] | undefined,
  report: RunReport,
): string | undefined {
  const count = options.length + (packages.length > 0 ? 1 : 0);
  if (count < 2 || words === undefined) return undefined;
  const own = words[0] === 'run' ? words.slice(1) : words;
  const advised = withAdvice(runOptionTable, own, options);
  return packages.length > 0
    ? againWith(packages, advised, report)
    : ['wasbox', 'run', ...advised].map(shellQuote).join(' ');
}
