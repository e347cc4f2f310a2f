/**
 * Puts in order what lies in `runs`: what was cut short, and what a version left there
 * that kept ended runs in the same place. Saved runs are not looked at.
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

/** The ids in a place, newest first. */
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

/** A run that died before it had a journal entry: nobody holds its lock, or it never got one. */
function isAbandoned({ directory, lock }: Opened): boolean {
  if (lock !== undefined) return true;
  const minute = 60_000;
  return !hasLock(directory) && Date.now() - fstatSync(directory).mtimeMs > minute;
}

/** Puts an opened run in order, if nobody uses it; undefined where it is none, or none any more. */
export function recoverOpened(store: Store, id: string, opened: Opened): RunRecord | undefined {
  const { native } = store;
  const { directory, lock } = opened;
  if (!hasRecord(directory)) {
    // Else it is just being made.
    if (isAbandoned(opened)) removeOpened(store, id, opened);
    return undefined;
  }
  const record = readRecord(native, directory, id);
  if (lock === undefined) return record;
  const recovered = recoverRun(native, directory, record);
  if (recovered === undefined) removeOpened(store, id, opened);
  return recovered;
}

/** One that cannot be put in order now, for instance on a full disk: as it is. */
function asItIs(store: Store, id: string, { directory }: Opened): RunRecord | undefined {
  try {
    return interrupted(readRecord(store.native, directory, id));
  } catch (error) {
    if (error instanceof ChangesError) return undefined; // damaged
    throw error;
  }
}

/** What nobody runs any more does not say that it runs. */
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
      // One layer that cannot be read, whoever made it so, must not hide the others.
      if (!(error instanceof ChangesError) && errnoOf(error) === '') throw error;
      record = asItIs(store, id, opened);
    }
    // It is at rest, and is put in order, where that is left to do, by who opens it. A damaged entry
    // need not be read again each time.
    if (lock !== undefined && hasRecord(directory)) moveRunDirectory(store, parent, id, 'saved');
    return record;
  } finally {
    closeOpened(opened);
  }
}

/** Puts what lies in `runs` in order. Returns what is in use, and what was found to have ended. */
export function recoverRuns(store: Store): RunRecord[] {
  return idsIn(store, 'runs').flatMap((id) => {
    try {
      return recoverOne(store, id) ?? [];
    } catch (error) {
      // Removed meanwhile, something that is no run, or nothing that can be read now.
      if (!(error instanceof ChangesError) && errnoOf(error) === '') throw error;
      return [];
    }
  });
}
