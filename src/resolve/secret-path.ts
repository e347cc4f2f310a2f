/** Decides whether a path usually holds keys or tokens: then no advice opens it without a warning. */
import { parseGlob, startState, step } from '../options/index.js';
import { secretPatterns } from './visibility.js';

/** Why a path, or a directory that it is in, is a secret; undefined if neither is. */
export function secretOf(path: string): string | undefined {
  const names = path.split('/').filter((name) => name !== '');
  for (const { pattern, reason } of secretPatterns) {
    const glob = parseGlob(pattern);
    if (glob === undefined) continue;
    let state = startState;
    for (const name of names) {
      state = step(glob, state, name);
      if (state === -1) return reason;
      if (state === 0) break;
    }
  }
  return undefined;
}
