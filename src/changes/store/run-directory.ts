/**
 * One directory per run in the user's state directory.
 *
 *     $XDG_STATE_HOME/wasbox/runs/<id>/   run.json, lock, base, modes, layers/0/{upper,work}
 *                       …/trees/<n>/   base, modes, layers/0/{upper,work} of the nth `--cow` tree
 *                     …/saved/<id>/    the same, of a run that has ended and left changes
 *
 * All directories are 0700 and owned by the user. The process that uses a run holds flock(2) on `lock`.
 * A run that is running, being applied or being removed is in `runs`; a saved run is in `saved`. The
 * process that holds the lock moves it with one rename(2). A run in `runs` whose lock is free was
 * interrupted (or is from a version that kept all runs there); the next command recovers it. Finding
 * those needs no look at the saved runs, however many there are.
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
 * Takes a run's lock; undefined if another process has it, or if the run is still being created. A run
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
  // If another process removed the run meanwhile, this lock file is gone, too, and guards nothing.
  if (
    native.tryLock(fd) &&
    lstatAt(directory, lockName)?.ino === fstatSync(fd, { bigint: true }).ino
  )
    return fd;
  closeSync(fd);
  return undefined;
}

/**
 * Creates a run's lock and holds it before other processes can see it, so that a new run never looks
 * like one whose process died; undefined if another process was first.
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

/** Whether the run has a lock file; it is created right after the directory. */
export function hasLock(directory: number): boolean {
  return lstatAt(directory, lockName) !== undefined;
}

/** The directory that a run's directory is in. */
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

  /** Shared by all objects for the same run. */
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

/** The same run with another journal entry. */
export function withRecord(store: Store, run: Run, record: RunRecord): Run {
  return new HeldRun(store, record, held(run).hold);
}

/** Moves a run whose lock is held with one rename(2). */
export function moveRun(store: Store, run: Run, to: Place): void {
  const { hold } = held(run);
  if (hold.place === to) return;
  withFd(openOwn(store, hold.place, true), (from) =>
    moveRunDirectory(store, from, run.record.id, to),
  );
  hold.place = to;
}

/** Moves a run's directory out of the open directory `from`. */
export function moveRunDirectory(store: Store, from: number, id: string, to: Place): void {
  withFd(openOwn(store, to, true), (target) => renameNoReplace(store.native, from, id, id, target));
}

/** Whether a saved run already has this ID. */
export function isTaken(store: Store, id: string): boolean {
  return lstatSync(join(store.directory, 'saved', id), { throwIfNoEntry: false }) !== undefined;
}

/** Opens a run's directory by descriptor from its checked parent. */
export function openRunDirectory(store: Store, run: Run): number {
  return withFd(openRoot(store.native, dirname(run.directory)), (runs) =>
    openDirectory(store.native, runs, Buffer.from(run.record.id)),
  );
}

/**
 * Takes over a run from another wasbox process, with the lock that it holds.
 *
 * @throws ChangesError ERR_STATE_DIR if it does not exist or is damaged
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

/** The directories of an empty layer, deepest first; overlayfs creates the first. */
const known = ['layers/0/work/work', 'layers/0/work', 'layers/0/upper', 'layers/0', 'layers'].map(
  (path) => Buffer.from(path),
);

/** Removes the directories of an empty layer; stops at one that is not empty. */
function removeEmptyLayer(directory: number): void {
  try {
    for (const path of known) rmdirSync(at(directory, path));
  } catch {
    // Something else is in it; the caller removes the rest.
  }
}

interface Removal {
  readonly onProgress?: OnProgress | undefined;
  /** Whether its layer is empty, which saves reading it. @default false */
  readonly fresh?: boolean;
}

/** Removes a run completely and releases its lock. */
export function removeRun(store: Store, run: Run, removal?: Removal): void {
  try {
    // If this is interrupted, the rest is found there.
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
    // The journal entry goes first: without it, the run does not exist any more. The lock goes last: until
    // then, no other process takes the run for an interrupted one.
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
