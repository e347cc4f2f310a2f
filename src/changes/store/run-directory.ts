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
import { rmdirSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { monotonicMs } from '../../host/index.js';
import type { NativeRun, NativeRunEnd, NativeSandbox } from '../../native/index.js';
import { closeDescriptor } from '../../native/index.js';
import {
  at,
  createFile,
  errnoOf,
  lstatAt,
  names,
  openDirectory,
  openRoot,
  removeQuietly,
  withFd,
} from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import type { OnProgress, Run, RunRecord, RunTree } from '../model/index.js';
import { layerPath } from './layer-path.js';
import { hasEmptyHome, type NewRecord } from './new-record.js';
import { readRecord, recordName } from './record.js';
import { treesOf } from './session.js';
import { openOwn, type Store } from './state-dir.js';
import { stateError } from './state-error.js';

const lockName = Buffer.from('lock');
/** The name of a lock that is being made: addon/rundir/lock.c. */
const newLockName = Buffer.from('lock.new');
export const stackedName: Buffer = Buffer.from('stacked');

/** The directory that a run's directory is in; in `spare`, what a killed process left of an empty layer. */
export type Place = 'runs' | 'saved' | 'spare';
/** Where runs are found. */
export const places: readonly Place[] = ['runs', 'saved'];

interface Hold {
  readonly lock: number;
  place: Place;
  open: boolean;
  /** Set for a run that this process has made. */
  readonly made?: NativeRun | undefined;
  /** The time of that, by monotonicMs(). */
  readonly madeMs?: number | undefined;
  /** True if its layer is not the one that was made. */
  stacked?: boolean;
}

/** A run whose lock is held; its paths follow it when it is moved. */
class HeldRun implements Run {
  readonly record: RunRecord;
  readonly #store: Store;
  readonly #hold: Hold;

  constructor(store: Store, record: RunRecord, hold: Hold) {
    this.record = record;
    this.#store = store;
    this.#hold = hold;
  }

  /** Shared by all objects for the same run. */
  get hold(): Hold {
    return this.#hold;
  }

  get directory(): string {
    return join(this.#store.directory, this.#hold.place, this.record.id);
  }

  get trees(): readonly RunTree[] {
    const { directory } = this;
    return treesOf(this.record).map(
      (identity, index): RunTree => ({ identity, layer: layerPath(directory, index) }),
    );
  }

  get upper(): string {
    return join(this.directory, 'layers', '0', 'upper');
  }

  get work(): string {
    return join(this.directory, 'layers', '0', 'work');
  }

  noteInit(pid: number): void {
    const { open, made } = this.#hold;
    if (open && made === undefined)
      writeSync(this.#hold.lock, `${String(pid).padStart(10, '0')}\n`, 0);
  }

  close(): void {
    const { open, made, lock } = this.#hold;
    if (open && made !== undefined) this.#store.native.closeRun(lock);
    else if (open) closeDescriptor(lock);
    this.#hold.open = false;
  }
}

export function makeRun(store: Store, record: RunRecord, lock: number, place: Place = 'runs'): Run {
  return new HeldRun(store, record, { lock, place, open: true });
}

/** A run that this process has made. */
export function madeRun(store: Store, record: RunRecord, made: NativeRun): Run {
  return new HeldRun(store, record, {
    lock: made.lock,
    place: 'runs',
    open: true,
    made,
    madeMs: monotonicMs(),
  });
}

/** Returns for how many milliseconds a run that this process has made has been there; undefined for another. */
export function sinceMade(run: Run): number | undefined {
  const { madeMs } = held(run).hold;
  return madeMs === undefined ? undefined : monotonicMs() - madeMs;
}

/** Ends a run that this process has made and that has a layer, and one of an empty home at most. */
export function endOfMade(store: Store, run: Run): NativeRunEnd | undefined {
  const { made, open, stacked = false } = held(run).hold;
  if (stacked || made === undefined || !open) return undefined;
  const end = endOfUntouched(store, run.record);
  return end && { ...end, run: made };
}

/** Where to look for changes when such a run ends; undefined if it has other layers. */
export function endOfUntouched(
  { directory: state }: Store,
  record: NewRecord,
): Omit<NativeRunEnd, 'run'> | undefined {
  const { workdir, trees = [] } = record;
  const home = trees.length === 1 && hasEmptyHome(record) ? trees[0] : undefined;
  if (trees.length > 0 && home === undefined) return undefined;
  const placed = (home?.placed ?? []).map((path) => `${path}\0`).join('');
  return { state, workdir: workdir.path, placed };
}

/** Ends a run, if this process has made its layer and the payload left it as it was. */
export function endUntouched(store: Store, run: Run): boolean {
  const end = endOfMade(store, run);
  if (end === undefined) return false;
  if (!store.native.endUntouched(end.state, end.run, end.workdir, end.placed)) return false;
  held(run).hold.open = false; // the lock is closed
  return true;
}

/** How a sandbox ends the run that it wrote to, on another thread. */
export interface LayerEnd extends Pick<NativeSandbox, 'endUntouched' | 'endDiscarded'> {
  /** True if it ended the run by itself, whose layer was untouched; undefined where it was not asked to. */
  readonly ended?: boolean | undefined;
}

/** Does what {@link endUntouched} does, on another thread; the layer becomes the next run's. */
export async function endUntouchedSoon(store: Store, run: Run, layer: LayerEnd): Promise<boolean> {
  const end = endOfMade(store, run);
  if (end === undefined) return false;
  const { state, run: made, workdir, placed } = end;
  const ended = layer.ended ?? (await layer.endUntouched(state, made, workdir, placed));
  if (ended) held(run).hold.open = false; // the lock is closed
  return ended;
}

/** Does what {@link removeRun} does, on another thread where this process has made the layer. */
export async function removeRunSoon(store: Store, run: Run, end: LayerEnd): Promise<void> {
  const { hold } = held(run);
  const { made, open } = hold;
  if (made !== undefined && open) {
    const how = endOfMade(store, run);
    const { workdir, placed } = how ?? { workdir: run.record.workdir.path, placed: '' };
    if (await end.endDiscarded(store.directory, made, workdir, placed, how !== undefined)) {
      hold.open = false;
      return;
    }
  }
  removeRun(store, run);
}

/**
 * The run's layer is no more the one that was made: it is not given to another run. A file in its directory
 * says so to the addon, which ends the runs of worker threads.
 */
export function markStacked(store: Store, run: Run, directory: number): void {
  const { hold } = held(run);
  if (hold.stacked === true) return;
  hold.stacked = true;
  if (lstatAt(directory, stackedName) !== undefined) return;
  closeDescriptor(createFile(store.native, directory, stackedName));
}

/** The lock of a run that this process has made; undefined for one that it took over. */
export function lockOfMade(run: Run): number | undefined {
  return held(run).hold.made?.lock;
}

const held = (run: Run): HeldRun => {
  if (run instanceof HeldRun) return run;
  throw new TypeError('no run of this store');
};

/** Returns the same run with another journal entry. */
export function withRecord(store: Store, run: Run, record: RunRecord): Run {
  return new HeldRun(store, record, held(run).hold);
}

/** Moves a run whose lock is held with one rename(2). */
export function moveRun(store: Store, run: Run, to: Place): void {
  const { hold } = held(run);
  if (hold.place === to) return;
  store.native.moveRun(store.directory, run.record.id, hold.place, to);
  hold.place = to;
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

/** Removes a run completely and releases its lock. */
export function removeRun(store: Store, run: Run, onProgress?: OnProgress): void {
  let gone = true;
  try {
    // If this is interrupted, the rest is found there.
    moveRun(store, run, 'runs');
    gone = withFd(openOwn(store, 'runs', true), (runs) =>
      removeRunDirectory(store, runs, run.record.id, onProgress),
    );
  } finally {
    run.close();
  }
  if (!gone) removeEmptied(store, run.record.id);
}

/**
 * Removes a run on another thread: nothing of its layers is looked at. What is left where the process ends before it is
 * done, the next look at the runs removes.
 */
export async function removeRunApart(store: Store, run: Run): Promise<void> {
  const { native } = store;
  let gone = true;
  try {
    moveRun(store, run, 'runs');
    const runs = openOwn(store, 'runs', true);
    try {
      const name = Buffer.from(run.record.id);
      const directory = openDirectory(native, runs, name);
      try {
        removeQuietly(directory, recordName);
        const trees: Buffer[] = [];
        for (const entry of names(directory)) {
          if (lstatAt(directory, entry)?.isDirectory() === true) trees.push(entry);
          else if (!entry.equals(lockName)) removeQuietly(directory, entry);
        }
        await Promise.all(trees.map((tree) => native.removeTreeSoon(directory, tree)));
        gone = removeUnlocked(store, runs, name, directory);
      } finally {
        closeDescriptor(directory);
      }
    } finally {
      closeDescriptor(runs);
    }
  } finally {
    run.close();
  }
  if (!gone) removeEmptied(store, run.record.id);
}

/** @returns false if {@link removeEmptied} must follow when the lock is closed */
export function removeRunDirectory(
  store: Store,
  runs: number,
  id: string,
  onProgress?: OnProgress,
): boolean {
  const name = Buffer.from(id);
  let done = 0;
  const onRemoved =
    onProgress &&
    ((count: number): void => {
      done += count;
      onProgress({ stage: 'remove', done });
    });
  const directory = openDirectory(store.native, runs, name);
  try {
    // The journal entry goes first: without it, the run does not exist any more. The lock goes last: until
    // then, no other process takes the run for an interrupted one.
    removeQuietly(directory, recordName);
    for (const entry of names(directory)) {
      if (!entry.equals(lockName)) removeTree(store.native, directory, entry, onRemoved);
    }
    return removeUnlocked(store, runs, name, directory);
  } finally {
    closeDescriptor(directory);
  }
}

/**
 * Removes a lock and its directory, where nothing else is left. In between, another process that looks for interrupted
 * runs may make a lock: then that one removes the directory.
 */
function removeUnlocked({ native }: Store, runs: number, name: Buffer, directory: number): boolean {
  removeTree(native, directory, lockName);
  try {
    rmdirSync(at(runs, name));
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return true;
    if (code !== 'ENOTEMPTY') throw error;
    const isTaken = [newLockName, lockName].some((one) => lstatAt(directory, one) !== undefined);
    if (isTaken) return true;
    if (!names(directory).every((one) => stillOpen.test(one.toString('latin1')))) throw error;
    return false;
  }
  return true;
}

/** NFS, SMB and libfuse rename a file that is removed while it is open, and remove it when it is closed. */
const stillOpen = /^\.(nfs|smb|fuse_hidden)[0-9a-f]+$/i;

/** Removes the directory of a removed run whose lock has been closed. */
export function removeEmptied(store: Store, id: string, place: Place = 'runs'): void {
  try {
    withFd(openOwn(store, place, true), (parent) => rmdirSync(at(parent, Buffer.from(id))));
  } catch (error) {
    // Another process removes it, or the next look at the runs does.
    errnoOf(error);
  }
}
