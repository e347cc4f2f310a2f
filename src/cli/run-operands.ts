/** Reads the operands of the verbs for saved changes: a run, by its ID or the name of its session, and paths. */
import { idsBeginning, isRunId, type Store, savedSession } from '../changes/index.js';
import { ChangesError } from '../errors/index.js';
import { listSessions, type OwnedSession } from '../owner/index.js';
import { tellStale } from './session-find.js';

/** A session, by its name or the ID of its run; of one whose process was killed, only what it saved is left. */
function sessionNamed(
  store: Store,
  word: string,
): { session: OwnedSession; runs: boolean } | undefined {
  const { live, stale } = listSessions(store);
  tellStale(stale);
  const isIt = ({ name, id }: OwnedSession): boolean =>
    id !== undefined && (name === word || id === word);
  const [session] = [...live, ...stale].filter(isIt);
  return session && { session, runs: live.includes(session) };
}

export interface RunAndPaths {
  readonly id: string | undefined;
  readonly paths: readonly string[];
  /** The session whose run it is, where that goes on. */
  readonly session?: OwnedSession | undefined;
}

/**
 * Returns what `[ID] [PATH…]` means: a first operand that is neither a run ID nor the name of a session is a path of
 * the latest run.
 */
export function runAndPaths(store: Store, operands: readonly string[]): RunAndPaths {
  const [first, ...rest] = operands;
  if (first === undefined) return { id: undefined, paths: [] };
  const found = sessionNamed(store, first);
  if (found !== undefined) {
    const { session, runs } = found;
    return { id: session.id, paths: rest, session: runs ? session : undefined };
  }
  const isId = isRunId(first) || (idsBeginning(store, first) ?? []).length > 0;
  if (isId) return { id: first, paths: rest };
  const ended = savedSession(store, first);
  return ended ? { id: ended.id, paths: rest } : { id: undefined, paths: operands };
}

/** @throws ChangesError ERR_RUN_BUSY where the run is a session's that goes on */
export function refuseSession(session: OwnedSession | undefined): void {
  if (session === undefined) return;
  const { name } = session;
  throw new ChangesError('ERR_RUN_BUSY', `session ${name} still runs`, {
    hint: `To see what it has changed: wasbox diff ${name}\nTo end it: wasbox stop ${name}`,
  });
}

/** IDs of runs, where a word may be the name of a session. @throws ChangesError ERR_RUN_BUSY where that goes on */
export const runsNamed = (store: Store, words: readonly string[]): string[] =>
  words.map((word) => {
    const { id = word, session } = runAndPaths(store, [word]);
    refuseSession(session);
    return id;
  });
