/** Finds sessions of the command line for the verbs that use them. */
import type { Store } from '../changes/index.js';
import { LaunchError } from '../errors/index.js';
import { findSession, listSessions, type OwnedSession } from '../owner/index.js';
import { err, style } from './terminal.js';

/** Tells of owners that were killed: what they held is gone, what it changed is saved. */
export function tellStale(stale: readonly OwnedSession[]): void {
  for (const { name, id } of stale) {
    const saved = id === undefined ? '' : `; if it changed files: wasbox diff ${id}`;
    err(`${style(2, 'dim', 'wasbox:')} the process of session ${name} was killed${saved}\n`);
  }
}

/** @throws LaunchError ERR_SESSION_UNKNOWN */
export function requireSession(store: Store, text: string): OwnedSession {
  const { live, stale } = listSessions(store);
  tellStale(stale);
  const found = findSession(live, text);
  if (found !== undefined) return found;
  throw new LaunchError('ERR_SESSION_UNKNOWN', `no session ${JSON.stringify(text)} is running`, {
    hint: 'To list those that run: wasbox session ls\nTo start one: wasbox session start --name NAME',
  });
}
