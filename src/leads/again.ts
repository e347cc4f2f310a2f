/** The line that runs something again with more packages. */
import { shellQuote } from '../options/index.js';
import type { RunReport } from '../report/index.js';

/** A longer line is no help. */
const longest = 400;

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
  const at = own.indexOf('--with');
  const end = own.indexOf('--');
  const given = at >= 0 && (end < 0 || at < end) ? own[at + 1] : undefined;
  if (given !== undefined) own.splice(at, 2);
  const before = given === undefined || given === 'none' ? [] : [given];
  const all = [...before, ...packages].join(',');
  const line = ['wasbox', 'run', '--with', all, ...own].map(shellQuote).join(' ');
  return line.length > longest ? short : line;
}
