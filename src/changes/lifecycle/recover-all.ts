/**
 * Recovers what is in `runs`: interrupted runs, and ended ones from a version that kept those there, too.
 * Saved runs are not read.
 */
import { join } from 'node:path';
import { ChangesError } from '../../errors/index.js';
import { errnoOf } from '../files/fdtree.js';
import type { RunRecord } from '../model/index.js';
import { sweepFrozen } from '../store/frozen.js';
import { isEnding } from '../store/init-of-run.js';
import { closeOpened, type Opened, openAt, removeOpened } from '../store/opened.js';
import {
  capturePrivateRoot,
  endedPrivateRoot,
  hasPrivateRoot,
  leavePrivateRoot,
  removePrivateRoot,
} from '../store/private-root.js';
import { hasRecord, NewerRunError, readRecord, writeRecord } from '../store/record.js';
import { type Place, removeEmptied, removeRunDirectory } from '../store/run-directory.js';
import { idsIn } from '../store/run-ids.js';
import type { Store } from '../store/state-dir.js';
import { recoverRun } from './recover.js';
import { flattenDirectory } from './stack.js';

/**
 * Recovers an opened run if it is not in use; undefined if there is nothing to keep. Its status is `running` as long as it
 * is in use, or its init still ends the program: the process that has the lock then must leave it where it is.
 * @param elsewhere a directory in place of the working directory, for changes that were not compared yet
 */
export function recoverOpened(
  store: Store,
  id: string,
  opened: Opened,
  elsewhere?: string,
): RunRecord | undefined {
  const { native } = store;
  const { directory, lock } = opened;
  if (!hasRecord(directory)) {
    // Without the lock, its process is making it. With it, that process was killed or makes another.
    if (lock !== undefined) removeOpened(store, id, opened);
    return undefined;
  }
  const record = readRecord(native, directory, id);
  if (lock === undefined) return record;
  if (isEnding(native, directory)) return record;
  // A run that is dropped needs no look at its layers.
  const dropped = record.status === 'running' && record.discard === true;
  const path = join(store.directory, opened.place, id);
  const captured = dropped ? record : captureCopies(store, path, directory, record, elsewhere);
  if (record.status === 'running') removePrivateRoot(native, path);
  const flat = dropped ? record : flattenDirectory(store, directory, captured);
  const recovered = recoverRun(native, directory, flat);
  if (recovered === undefined) removeOpened(store, id, opened);
  return recovered;
}

/** Errors that another try may not meet. */
const passing: ReadonlySet<string> = new Set([
  ...['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR'],
  ...['ENOENT', 'ENOTDIR', 'ESTALE', 'ENOTCONN'], // a directory that was unmounted
]);

/**
 * Moves what an interrupted run changed in its copies to its layers. What was cut short before its copies were whole
 * changed nothing. What cannot be read stays where it is, and the run is incomplete.
 * @throws an error that another try may not meet, as where a directory is missing: it may be mounted again
 */
function captureCopies(
  { native }: Store,
  path: string,
  directory: number,
  record: RunRecord,
  elsewhere: string | undefined,
): RunRecord {
  if (record.status !== 'running' || !hasPrivateRoot(path)) return record;
  let whole = false;
  let readable = true;
  try {
    whole = capturePrivateRoot(native, path, record, { elsewhere });
  } catch (error) {
    if (error instanceof ChangesError || passing.has(errnoOf(error))) throw error;
    readable = false;
  }
  // The record is marked before the layers are all there is.
  const seen = whole ? record : { ...record, incomplete: true };
  if (!whole) writeRecord(native, directory, seen, true);
  if (readable) endedPrivateRoot(path);
  else leavePrivateRoot(path);
  return seen;
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
  const { lock, directory } = opened;
  try {
    let record: RunRecord | undefined;
    try {
      record = recoverOpened(store, id, opened);
    } catch (error) {
      // That version recovers it.
      if (error instanceof NewerRunError) return undefined;
      // One unreadable layer must not hide the other runs.
      if (!(error instanceof ChangesError) && errnoOf(error) === '') throw error;
      record = asItIs(store, id, opened);
    }
    // If it was not recovered, the command that opens it does that. A damaged entry is not read again each
    // time.
    if (lock !== undefined && hasRecord(directory) && record?.status !== 'running') {
      store.native.moveRun(store.directory, id, 'runs', 'saved');
    }
    return record;
  } finally {
    closeOpened(opened);
  }
}

/** Removes an empty layer that a process was preparing for the next run when it was killed. */
function sweepSpare(store: Store, id: string): void {
  const opened = openAt(store, id, ['spare']);
  if (opened === undefined) return;
  try {
    if (opened.lock !== undefined && !removeRunDirectory(store, opened.parent, id)) {
      opened.afterClose = () => removeEmptied(store, id, 'spare');
    }
  } finally {
    closeOpened(opened);
  }
}

/** Calls `use` with each ID in a place; skips what was removed meanwhile, is not a run, or is not readable now. */
function each<T>(store: Store, place: Place, use: (store: Store, id: string) => T): T[] {
  return idsIn(store, place).flatMap((id) => {
    try {
      return use(store, id);
    } catch (error) {
      if (!(error instanceof ChangesError) && errnoOf(error) === '') throw error;
      return [];
    }
  });
}

/** Recovers what is in `runs`. Returns the runs in use and those that have ended. */
export function recoverRuns(store: Store): RunRecord[] {
  each(store, 'spare', sweepSpare);
  const found = each(store, 'runs', recoverOne).filter((record) => record !== undefined);
  sweepFrozen(store);
  return found;
}
