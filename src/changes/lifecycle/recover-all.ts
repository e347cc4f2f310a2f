/**
 * Recovers what is in `runs`: interrupted runs, and ended ones from a version that kept those there, too.
 * Saved runs are not read.
 */
import { fstatSync } from 'node:fs';
import { ChangesError } from '../../errors/index.js';
import { errnoOf, names, withFd } from '../files/fdtree.js';
import type { RunRecord } from '../model/index.js';
import { isRunId } from '../store/id.js';
import { closeOpened, type Opened, openAt, removeOpened } from '../store/opened.js';
import { hasRecord, readRecord } from '../store/record.js';
import { hasLock, moveRunDirectory, type Place } from '../store/run-directory.js';
import { openOwn, type Store } from '../store/state-dir.js';
import { recoverRun } from './recover.js';

/** The IDs in a place, newest first. */
export function idsIn(store: Store, place: Place): string[] {
  const directory = openOwn(store, place, false);
  if (directory === undefined) return [];
  return withFd(directory, () =>
    names(directory)
      .map((name) => name.toString('latin1'))
      .filter(isRunId)
      .reverse(),
  );
}

/** Whether a run died before it had a journal entry: its lock is free, or was never created. */
function isAbandoned({ directory, lock }: Opened): boolean {
  if (lock !== undefined) return true;
  const minute = 60_000;
  return !hasLock(directory) && Date.now() - fstatSync(directory).mtimeMs > minute;
}

/** Recovers an opened run if it is not in use; undefined if there is nothing to keep. */
export function recoverOpened(store: Store, id: string, opened: Opened): RunRecord | undefined {
  const { native } = store;
  const { directory, lock } = opened;
  if (!hasRecord(directory)) {
    // Otherwise it is still being created.
    if (isAbandoned(opened)) removeOpened(store, id, opened);
    return undefined;
  }
  const record = readRecord(native, directory, id);
  if (lock === undefined) return record;
  const recovered = recoverRun(native, directory, record);
  if (recovered === undefined) removeOpened(store, id, opened);
  return recovered;
}

/** The entry of a run that cannot be recovered now, for example on a full disk. */
function asItIs(store: Store, id: string, { directory }: Opened): RunRecord | undefined {
  try {
    return interrupted(readRecord(store.native, directory, id));
  } catch (error) {
    if (error instanceof ChangesError) return undefined; // damaged
    throw error;
  }
}

/** A run that does not run any more is shown as interrupted. */
export const interrupted = (record: RunRecord): RunRecord =>
  record.status === 'running' ? { ...record, status: 'interrupted' } : record;

function recoverOne(store: Store, id: string): RunRecord | undefined {
  const opened = openAt(store, id, ['runs']);
  if (opened === undefined) return undefined;
  const { lock, directory, parent } = opened;
  try {
    let record: RunRecord | undefined;
    try {
      record = recoverOpened(store, id, opened);
    } catch (error) {
      // One unreadable layer must not hide the other runs.
      if (!(error instanceof ChangesError) && errnoOf(error) === '') throw error;
      record = asItIs(store, id, opened);
    }
    // If it was not recovered, the command that opens it does that. A damaged entry is not read again each
    // time.
    if (lock !== undefined && hasRecord(directory)) moveRunDirectory(store, parent, id, 'saved');
    return record;
  } finally {
    closeOpened(opened);
  }
}

/** Recovers what is in `runs`. Returns the runs in use and those that have ended. */
export function recoverRuns(store: Store): RunRecord[] {
  return idsIn(store, 'runs').flatMap((id) => {
    try {
      return recoverOne(store, id) ?? [];
    } catch (error) {
      // Removed meanwhile, not a run, or not readable now.
      if (!(error instanceof ChangesError) && errnoOf(error) === '') throw error;
      return [];
    }
  });
}
