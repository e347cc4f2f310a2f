/** `wasbox why --rerun`: offers the command with what it lacked, and runs it if the user says so. */
import { shellQuote } from '../options/index.js';
import type { Lack } from '../report/index.js';
import { displayText } from '../text/index.js';
import { isOffered } from '../why/index.js';
import { readLine } from './read-line.js';
import { canAsk, err, out, style } from './terminal.js';
import { fixedWords } from './why-text.js';

const commandText = (words: readonly string[]): string =>
  displayText(['wasbox run', ...words.map(shellQuote)].join(' '));

/** @returns the exit status of the run, or 0 where there was none */
export async function offer(words: readonly string[], lacks: readonly Lack[]): Promise<number> {
  const nearest = fixedWords(words, lacks);
  if (nearest === undefined) {
    out('No option can be offered: choose one of those above yourself.\n');
    return 0;
  }
  const every = fixedWords(words, lacks, true) ?? nearest;
  out(`\nTo run it with the nearest:\n  ${commandText(nearest)}\n`);
  const more = lacks.filter(isOffered).length > 1;
  if (more) out(`To run it with all of them:\n  ${commandText(every)}\n`);
  if (!canAsk()) return 0;
  const keys = more ? 'run it, y with the nearest, a with all of them' : 'run it';
  err(`${style(2, 'bold', keys)} [${more ? 'y/a/N' : 'y/N'}]? `);
  const answer = readLine()?.trim().toLowerCase();
  if (answer !== 'y' && !(more && answer === 'a')) return 0;
  const { runVerb } = await import('./run.js');
  return runVerb(answer === 'a' ? every : nearest);
}
