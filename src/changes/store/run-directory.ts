/**
 * Where runs are kept: one directory a run under the user's state directory.
 *
 *     $XDG_STATE_HOME/wasbox/runs/<id>/   run.json, lock, base, modes, layers/0/{upper,work}
 *                       …/trees/<n>/   base, modes, layers/0/{upper,work} of the nth `--cow` tree
 *                     …/saved/<id>/    the same, of a run that has ended and left changes
 *
 * All of it is 0700 and the user's own. The process that uses a run holds flock(2) on `lock`. What
 * runs, or is being applied or removed, lies in `runs`; what is at rest in `saved`. Whoever holds the
 * lock moves it, by one rename(2). A run in `runs` whose lock nobody holds was interrupted (or is one
 * of a version that kept all of them there), and is put in order by the next call: to find those, no
 * saved run is looked at, however many there are.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  at,
  errnoOf,
  lstatAt,
  names,
  openDirectory,
  openRoot,
  removeQuietly,
  renameNoReplace,
  withFd,
} from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import type { ChangesNative, OnProgress, Run, RunRecord, RunTree } from '../model/index.js';
import { unmadeRunId } from './id.js';
import { hasRecord, readRecord, recordName } from './record.js';
import { treesOf } from './session.js';
import { openOwn, type Store } from './state-dir.js';
import { stateError } from './state-error.js';

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
      renameNoReplace(native, directory, newLockName, lockName);
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

/** Where a run's directory lies. */
export type Place = 'runs' | 'saved';
export const places: readonly Place[] = ['runs', 'saved'];

/** The layer of one of a run's trees; the first is the working directory. */
const layerPath = (directory: string, index: number): string =>
  join(index === 0 ? directory : join(directory, 'trees', String(index)), 'layers', '0');

/** Where the layers of a run would be that is not made: zeros stand for its id. */
export const unmadeLayers = (store: { readonly directory: string }, count: number): string[] =>
  Array.from({ length: count }, (_, index) =>
    layerPath(join(store.directory, 'runs', unmadeRunId), index),
  );

/** A run whose lock is held; its paths follow it when it is moved. */
class HeldRun implements Run {
  readonly record: RunRecord;
  readonly #store: Store;
  readonly #hold: { readonly lock: number; place: Place; open: boolean };

  constructor(store: Store, record: RunRecord, hold: HeldRun['hold']) {
    this.record = record;
    this.#store = store;
    this.#hold = hold;
  }

  /** Shared with what is the same run under another record. */
  get hold(): { readonly lock: number; place: Place; open: boolean } {
    return this.#hold;
  }

  get directory(): string {
    return join(this.#store.directory, this.#hold.place, this.record.id);
  }

  get trees(): readonly RunTree[] {
    return treesOf(this.record).map(
      (identity, index): RunTree => ({ identity, layer: layerPath(this.directory, index) }),
    );
  }

  get upper(): string {
    return join(this.directory, 'layers', '0', 'upper');
  }

  get work(): string {
    return join(this.directory, 'layers', '0', 'work');
  }

  close(): void {
    if (this.#hold.open) closeSync(this.#hold.lock);
    this.#hold.open = false;
  }
}

export function makeRun(store: Store, record: RunRecord, lock: number, place: Place = 'runs'): Run {
  return new HeldRun(store, record, { lock, place, open: true });
}

const held = (run: Run): HeldRun => {
  if (run instanceof HeldRun) return run;
  throw new TypeError('no run of this store');
};

/** The same run, with another journal entry. */
export function withRecord(store: Store, run: Run, record: RunRecord): Run {
  return new HeldRun(store, record, held(run).hold);
}

/** Moves a run whose lock is held to where it belongs, with one rename(2). */
export function moveRun(store: Store, run: Run, to: Place): void {
  const { hold } = held(run);
  if (hold.place === to) return;
  withFd(openOwn(store, hold.place, true), (from) =>
    moveRunDirectory(store, from, run.record.id, to),
  );
  hold.place = to;
}

/** The same of a directory in the open `from`. */
export function moveRunDirectory(store: Store, from: number, id: string, to: Place): void {
  withFd(openOwn(store, to, true), (target) => renameNoReplace(store.native, from, id, id, target));
}

/** Whether a saved run has an id, which no other may have then. */
export function isTaken(store: Store, id: string): boolean {
  return lstatSync(join(store.directory, 'saved', id), { throwIfNoEntry: false }) !== undefined;
}

/** Opens a run's directory by descriptors from the checked directory that it lies in. */
export function openRunDirectory(store: Store, run: Run): number {
  return withFd(openRoot(store.native, dirname(run.directory)), (runs) =>
    openDirectory(store.native, runs, Buffer.from(run.record.id)),
  );
}

/**
 * Takes over a run that another process of ours has started, with the lock that it holds.
 *
 * @throws ChangesError ERR_STATE_DIR where it is not there, or damaged
 */
export function resumeRun(store: Store, id: string, lock: number): Run {
  const runs = openOwn(store, 'runs', false);
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
function removeEmptyLayer(directory: number): void {
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
  try {
    // There what is left of it is found, should this be cut short.
    moveRun(store, run, 'runs');
    withFd(openOwn(store, 'runs', true), (runs) =>
      removeRunDirectory(store, runs, run.record.id, removal),
    );
  } finally {
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
    if (fresh) removeEmptyLayer(directory);
    for (const entry of names(directory)) {
      if (!entry.equals(lockName)) removeTree(store.native, directory, entry, onRemoved);
    }
    removeTree(store.native, directory, lockName);
  } finally {
    closeSync(directory);
  }
  rmdirSync(at(runs, name));
}
