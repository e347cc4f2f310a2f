/** Discards saved runs. */
import { ChangesError } from '../../errors/index.js';
import { type OnProgress, type RunRecord, recordVersion } from '../model/index.js';
import { sweepFrozen } from '../store/frozen.js';
import { forgetSessionNames } from '../store/named.js';
import { closeOpened, openAt, removeOpened } from '../store/opened.js';
import { hasRecord, NewerRunError, readRecord } from '../store/record.js';
import { places } from '../store/run-directory.js';
import type { Store } from '../store/state-dir.js';
import { findId, runIds, type UnreadableRun, unknownRun } from './saved-runs.js';

export interface DiscardReport {
  readonly discarded: readonly RunRecord[];
  /** Runs that are still running, or in use by another wasbox process. */
  readonly busy: readonly RunRecord[];
  /**
   * Left alone, because this version cannot read them: those of a newer version always, damaged ones where they were
   * not named.
   */
  readonly unreadable: readonly UnreadableRun[];
}

/** Discards runs with their changes. Those in use, and those that cannot be read, are left alone. */
export function discardRuns(
  store: Store,
  ids: readonly string[] | 'all',
  onProgress?: OnProgress,
): DiscardReport {
  const discarding: Discarding = {
    ...{ discarded: [], busy: [], unreadable: [], onProgress },
    named: ids !== 'all',
  };
  const chosen = ids === 'all' ? runIds(store) : ids.map((id) => findId(store, id));
  for (const id of new Set(chosen)) {
    const found = discardOne(store, id, discarding);
    if (!found && ids !== 'all') throw unknownRun(`Run ${id} was not found.`);
  }
  forgetSessionNames(
    store,
    discarding.discarded.map(({ id }) => id),
  );
  sweepFrozen(store);
  return discarding;
}

interface Discarding {
  readonly discarded: RunRecord[];
  readonly busy: RunRecord[];
  readonly unreadable: UnreadableRun[];
  /** The user named the runs: then damaged ones are discarded, too. */
  readonly named: boolean;
  readonly onProgress: OnProgress | undefined;
}

/** Returns whether the run existed: another process may have discarded it meanwhile. */
function discardOne(
  store: Store,
  id: string,
  { discarded, busy, unreadable, named, onProgress }: Discarding,
): boolean {
  const opened = openAt(store, id, places);
  if (opened === undefined) return false;
  const { lock, directory } = opened;
  try {
    // Another process is removing or creating it.
    if (lock === undefined && !hasRecord(directory)) return false;
    const read = hasRecord(directory) ? recordOf(store, directory, id) : blankRecord(id);
    if (read === 'newer' || (read === 'damaged' && !named)) {
      unreadable.push({ id, newer: read === 'newer' });
      return true;
    }
    const record = read === 'damaged' ? blankRecord(id) : read;
    if (lock === undefined) {
      busy.push(record);
      return true;
    }
    removeOpened(store, id, opened, onProgress);
    discarded.push({ ...record, status: 'discarded' });
    return true;
  } finally {
    closeOpened(opened);
  }
}

function recordOf(store: Store, directory: number, id: string): RunRecord | 'newer' | 'damaged' {
  try {
    return readRecord(store.native, directory, id);
  } catch (error) {
    if (!(error instanceof ChangesError)) throw error;
    return error instanceof NewerRunError ? 'newer' : 'damaged';
  }
}

/** A run with a damaged entry can still be discarded. */
const blankRecord = (id: string): RunRecord => ({
  schemaVersion: recordVersion,
  id,
  command: '?',
  argv: [],
  workdir: { path: '/', dev: '0', ino: '0' },
  started: new Date(0).toISOString(),
  baselineNs: '0',
  status: 'interrupted',
  sizeBytes: 0,
  counts: { added: 0, modified: 0, deleted: 0 },
});
