/**
 * Stage: changes. Where runs are kept: one directory a run under the user's state directory.
 *
 *     $XDG_STATE_HOME/wasbox/runs/<id>/   run.json, lock, base, modes, layers/0/{upper,work}
 *                       …/trees/<n>/   base, modes, layers/0/{upper,work} of the nth `--cow` tree
 *
 * All of it is 0700 and the user's own. The process that uses a run holds flock(2) on `lock`; a run
 * that says `running` while nobody holds its lock was interrupted and is put in order by the next
 * call.
 */
import { closeSync, constants, fstatSync, openSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  at,
  errnoOf,
  lstatAt,
  names,
  openDirectory,
  openRoot,
  removeQuietly,
  renameFresh,
  withFd,
} from './fdtree.js';
import type { ChangesNative, OnProgress, Run, RunRecord, RunTree } from './model.js';
import { hasRecord, readRecord, recordName } from './record.js';
import { removeTree } from './remove.js';
import { treesOf } from './session.js';
import { openRuns, type Store, stateError } from './state-dir.js';

const lockName = Buffer.from('lock');
const newLockName = Buffer.from('lock.new');

/**
 * Takes a run's lock; undefined where somebody else has it, or where a run is just being made. A run
 * that lost its lock gets a new one.
 */
export function takeLock(native: ChangesNative, directory: number): number | undefined {
  let fd: number;
  try {
    fd = openSync(at(directory, lockName), constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return hasRecord(directory) ? makeLock(native, directory) : undefined;
  }
  // Whoever removed the run meanwhile also removed this lock: then it guards nothing.
  if (
    native.tryLock(fd) &&
    lstatAt(directory, lockName)?.ino === fstatSync(fd, { bigint: true }).ino
  )
    return fd;
  closeSync(fd);
  return undefined;
}

/**
 * Makes a run's lock and holds it before anybody sees it, so that a new run is never taken for one
 * whose process has died; undefined where somebody else was first.
 */
export function makeLock(native: ChangesNative, directory: number): number | undefined {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_CREAT;
  const fd = openSync(at(directory, newLockName), flags, 0o600);
  try {
    if (native.tryLock(fd)) {
      renameFresh(native, directory, newLockName, lockName);
      return fd;
    }
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' && errnoOf(error) !== 'ENOENT') throw error;
  }
  closeSync(fd);
  return undefined;
}

/** Whether the run has a lock at all; its maker makes it right after the directory. */
export function hasLock(directory: number): boolean {
  return lstatAt(directory, lockName) !== undefined;
}

export function makeRun(store: Store, record: RunRecord, lock: number): Run {
  const directory = join(store.directory, 'runs', record.id);
  const trees = treesOf(record).map((identity, index): RunTree => {
    const home = index === 0 ? directory : join(directory, 'trees', String(index));
    return { identity, layer: join(home, 'layers', '0') };
  });
  const layer = trees[0]?.layer ?? directory;
  let open = true;
  return {
    record,
    directory,
    upper: join(layer, 'upper'),
    work: join(layer, 'work'),
    trees,
    close() {
      if (open) closeSync(lock);
      open = false;
    },
  };
}

/** Opens a run's directory by descriptors from the checked `runs` directory. */
export function openRunDirectory(store: Store, run: Run): number {
  return withFd(openRoot(store.native, join(store.directory, 'runs')), (runs) =>
    openDirectory(store.native, runs, Buffer.from(run.record.id)),
  );
}

/**
 * Takes over a run that another process of ours has started, with the lock that it holds.
 *
 * @throws ChangesError ERR_STATE_DIR where it is not there, or damaged
 */
export function resumeRun(store: Store, id: string, lock: number): Run {
  const runs = openRuns(store, false);
  if (runs === undefined) throw stateError(store.directory, new Error('there are no runs'));
  const record = withFd(runs, () =>
    withFd(openDirectory(store.native, runs, Buffer.from(id)), (directory) =>
      readRecord(store.native, directory, id),
    ),
  );
  return makeRun(store, record, lock);
}

/** What there is in an untouched layer, the deepest first; overlayfs makes the first of them. */
const known = ['layers/0/work/work', 'layers/0/work', 'layers/0/upper', 'layers/0', 'layers'].map(
  (path) => Buffer.from(path),
);

/** Removes an untouched layer's directories; what is not empty stays. */
function removeFresh(directory: number): void {
  try {
    for (const path of known) rmdirSync(at(directory, path));
  } catch {
    // Something else is there, too: whoever removes the rest removes it.
  }
}

interface Removal {
  readonly onProgress?: OnProgress | undefined;
  /** Whether nothing was changed in its layer, which saves looking at what there is. @default false */
  readonly fresh?: boolean;
}

/** Removes a run whole and gives its lock back. */
export function removeRun(store: Store, run: Run, removal?: Removal): void {
  const runs = openRuns(store, false);
  try {
    if (runs !== undefined) removeRunDirectory(store, runs, run.record.id, removal);
  } finally {
    if (runs !== undefined) closeSync(runs);
    run.close();
  }
}

export function removeRunDirectory(
  store: Store,
  runs: number,
  id: string,
  { onProgress, fresh = false }: Removal = {},
): void {
  const name = Buffer.from(id);
  let done = 0;
  const onRemoved = onProgress && (() => onProgress({ stage: 'remove', done: done++ }));
  const directory = openDirectory(store.native, runs, name);
  try {
    // The journal entry goes first: without it there is no run any more, whatever else is left. The
    // lock goes last: until then nobody else takes the run for one that was interrupted.
    removeQuietly(directory, recordName);
    if (fresh) removeFresh(directory);
    for (const entry of names(directory)) {
      if (!entry.equals(lockName)) removeTree(store.native, directory, entry, onRemoved);
    }
    removeTree(store.native, directory, lockName);
  } finally {
    closeSync(directory);
  }
  rmdirSync(at(runs, name));
}
