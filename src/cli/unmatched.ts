/** Says which words of `diff` and `apply` name none of a run's changes. */
import { displayText } from '../text/index.js';
import { err } from './terminal.js';

/** @param maybeId an operand that may have been meant as a run */
export function tellUnmatched(
  words: readonly string[],
  id: string,
  maybeId: string | undefined,
): void {
  for (const word of words) {
    const what = word === maybeId ? 'not a run ID, and not a path' : 'not a path';
    err(`wasbox: ${displayText(word)}: ${what} that run ${id} changed\n`);
  }
  if (words.length === 0) return;
  const runs = words.some((word) => word === maybeId) ? 'saved runs: wasbox runs' : undefined;
  err(`  To list ${runs ?? `what it changed: wasbox diff ${id} --name-only`}\n`);
}
