/**
 * Stage: changes. Layers made ready beforehand, for a program that runs many sandboxes: to make and
 * remove a run's directory takes some file systems longer than a short payload.
 *
 *     $XDG_STATE_HOME/wasbox/spare/<id>/   lock, run.json, layers/0/{upper,work}
 *
 * A spare moves to `runs` with its journal entry written, and comes back from a run that changed
 * nothing. What the payload could reach, `upper`, is made anew each time, and what overlayfs left in
 * `work` is removed. The process holds each spare's lock; one without a holder was left behind by a
 * process that was killed, and goes with the next look at the runs.
 */
import {
  chmodSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs';
import { chmod, lstat, mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isNoise } from './attributes.js';
import { at, errnoOf, names, openDirectory, RENAME_NOREPLACE, withFd } from './fdtree.js';
import { isRunId, newRunId } from './id.js';
import type { Run, RunRecord } from './model.js';
import { hasLock, makeLock, makeRun, removeRunDirectory, takeLock } from './run-directory.js';
import { OwnDirectory, openSpares, type Store } from './state-dir.js';

/** Most spares of one process; more runs at a time than that make their own layers. */
const maxSpares = 32;

interface Spare {
  /** Its name in `spare`, or in `runs` while a run uses it. */
  id: string;
  readonly lock: number;
  /** `run.json`, open: written in place, so that the file system need not give its block back. */
  readonly record: number;
  /** Of `upper`, as it was made. */
  readonly mode: number;
  mtimeNs: bigint;
}

const recordName = Buffer.from('run.json');
const paths = (directory: string) => {
  const layer = join(directory, 'layers', '0');
  return { upper: join(layer, 'upper'), work: join(layer, 'work') };
};

/** The spares of this process in one state directory. */
class Spares {
  readonly #store: Store;
  readonly #ready: Spare[] = [];
  /** Those in `spare` that are not ready yet, and whether the kernel has unmounted them. */
  readonly #resting = new Map<Spare, () => boolean>();
  readonly #renewing = new Set<Spare>();
  readonly #directories: { readonly runs: OwnDirectory; readonly spares: OwnDirectory };
  readonly #used = new WeakMap<Run, Spare>();
  #count = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#directories = {
      runs: new OwnDirectory(store, 'runs'),
      spares: new OwnDirectory(store, 'spare'),
    };
    process.once('exit', () => {
      for (const spare of [...this.#ready.splice(0), ...this.#resting.keys(), ...this.#renewing])
        this.#remove(spare);
    });
  }

  take(mode: number, record: (id: string) => RunRecord): Run | undefined {
    // While the sandbox is made, this thread has nothing else to do.
    if (this.#ready.length > 0) setImmediate(() => this.#renewReleased());
    else this.#renewReleased();
    const index = this.#ready.findIndex((spare) => spare.mode === mode);
    const [spare] = index < 0 ? [] : this.#ready.splice(index, 1);
    if (spare === undefined) {
      if (this.#count < maxSpares) setImmediate(() => this.#add(mode));
      return undefined;
    }
    try {
      const entry = this.#move(spare, 'runs', (id) => writeEntry(spare, record(id)));
      const run = makeRun(this.#store, entry, spare.lock);
      this.#used.set(run, spare);
      return run;
    } catch (error) {
      this.#remove(spare);
      // Somebody removed the state directory: the run makes its own layer in a new one.
      if (errnoOf(error) !== 'ENOENT') throw error;
      return undefined;
    }
  }

  /** Takes a run's layer back if nothing was changed in it; says whether it did. */
  takeBack(run: Run, isReleased: () => boolean): boolean {
    const spare = this.#used.get(run);
    if (spare === undefined) return false;
    if (!isUntouched(this.#store, run, spare)) {
      this.release(run);
      return false;
    }
    this.#used.delete(run);
    this.#move(spare, 'spare', () => {});
    this.#resting.set(spare, isReleased);
    return true;
  }

  /** Gives a spare a new id in the other directory; `prepare` comes just before it is seen there. */
  #move<T>(spare: Spare, to: 'runs' | 'spare', prepare: (id: string) => T): T {
    const { native } = this.#store;
    const { runs, spares } = this.#directories;
    const [source, target] = to === 'runs' ? [spares.fd, runs.fd] : [runs.fd, spares.fd];
    for (;;) {
      const id = newRunId(new Date());
      const prepared = prepare(id);
      try {
        native.renameat2(source, spare.id, target, id, RENAME_NOREPLACE);
        spare.id = id;
        return prepared;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  /** Forgets a run that is kept or removed by itself. */
  release(run: Run): void {
    const spare = this.#used.get(run);
    if (spare === undefined) return;
    this.#used.delete(run);
    closeSync(spare.record);
    this.#count--;
  }

  #directory(spare: Spare): string {
    return join(this.#store.directory, 'spare', spare.id);
  }

  /** Not before the old mount is gone: two overlays must not share a work directory. */
  #renewReleased(): void {
    for (const [spare, isReleased] of this.#resting) {
      if (!isReleased()) continue;
      this.#resting.delete(spare);
      this.#renewing.add(spare);
      this.#renew(spare).catch(() => this.#remove(spare));
    }
  }

  /** Not on this thread: while the kernel takes the mount apart, removing what was below it waits. */
  async #renew(spare: Spare): Promise<void> {
    const { upper, work } = paths(this.#directory(spare));
    await rmdir(join(work, 'work'));
    await rmdir(upper);
    await mkdir(upper, { mode: 0o700 });
    await chmod(upper, spare.mode);
    spare.mtimeNs = (await lstat(upper, { bigint: true })).mtimeNs;
    this.#renewing.delete(spare);
    this.#ready.push(spare);
  }

  #add(mode: number): void {
    if (this.#count >= maxSpares) return;
    this.#count++;
    try {
      this.#ready.push(makeSpare(this.#store, mode));
    } catch (error) {
      // The next run makes its own layer, and tells what is wrong with the state directory.
      this.#count--;
      errnoOf(error);
    }
  }

  #remove(spare: Spare): void {
    this.#count--;
    this.#resting.delete(spare);
    this.#renewing.delete(spare);
    try {
      withFd(openSpares(this.#store, true) as number, (spares) =>
        removeRunDirectory(this.#store, spares, spare.id),
      );
    } catch {
      // Whoever looks at the runs next removes it: its lock is free from here on.
    }
    closeSync(spare.record);
    closeSync(spare.lock);
  }
}

function writeEntry(spare: Spare, record: RunRecord): RunRecord {
  const text = Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
  writeSync(spare.record, text, 0, text.length, 0);
  ftruncateSync(spare.record, text.length);
  return record;
}

function makeSpare(store: Store, mode: number): Spare {
  const { native } = store;
  return withFd(openSpares(store, true) as number, (spares) => {
    const id = newRunId(new Date());
    mkdirSync(at(spares, Buffer.from(id)), { mode: 0o700 });
    return withFd(openDirectory(native, spares, Buffer.from(id)), (directory) => {
      const lock = makeLock(native, directory);
      if (lock === undefined) throw new Error('a new layer is locked');
      const { upper, work } = paths(join(store.directory, 'spare', id));
      mkdirSync(upper, { recursive: true, mode: 0o700 });
      mkdirSync(work, { mode: 0o700 });
      chmodSync(upper, mode);
      const { mtimeNs } = lstatSync(upper, { bigint: true });
      const record = openSync(at(directory, recordName), 'wx+', 0o600);
      return { id, lock, record, mode, mtimeNs };
    });
  });
}

/**
 * Whether the payload left the layer as it was made. Its modification time alone would not do: the
 * payload can set it; without it, what was made and removed again would not be seen.
 */
function isUntouched(store: Store, { upper }: Run, spare: Spare): boolean {
  const stat = lstatSync(upper, { bigint: true });
  if (Number(stat.mode & 0o7777n) !== spare.mode || stat.mtimeNs !== spare.mtimeNs) return false;
  return withFd(openSync(upper, 'r'), (fd) => {
    return names(fd).length === 0 && store.native.flistxattr(fd).every(isNoise);
  });
}

const known = new Map<string, Spares>();

function sparesOf(store: Store): Spares {
  let spares = known.get(store.directory);
  if (spares === undefined) {
    spares = new Spares(store);
    known.set(store.directory, spares);
    sweepSpares(store);
  }
  return spares;
}

/**
 * A run with a layer made beforehand; undefined where none is ready, and then the next call may find
 * one. Not as root, whose layers belong to whom each run needs.
 *
 * @param mode of the working directory, which `upper` shows as its own
 * @param record makes the journal entry for an id
 */
export function takeSpare(
  store: Store,
  mode: number,
  record: (id: string) => RunRecord,
): Run | undefined {
  if (process.geteuid?.() === 0) return undefined;
  return sparesOf(store).take(mode, record);
}

/**
 * Takes the layer of a run that has ended back, if it was a spare and nothing changed in it; then the
 * run is over and nothing of it is kept.
 *
 * @param isReleased whether the kernel has unmounted it
 */
export function returnSpare(store: Store, run: Run, isReleased: () => boolean): boolean {
  return known.get(store.directory)?.takeBack(run, isReleased) ?? false;
}

/** Tells that a run which may have had a spare ends as any other. */
export function forgetSpare(store: Store, run: Run): void {
  known.get(store.directory)?.release(run);
}

/** Removes what processes that were killed have left. */
export function sweepSpares(store: Store): void {
  const spares = openSpares(store, false);
  if (spares === undefined) return;
  withFd(spares, () => {
    for (const name of names(spares)) {
      const id = name.toString('latin1');
      if (isRunId(id)) unlessGone(() => sweepOne(store, spares, id));
    }
  });
}

function unlessGone(use: () => void): void {
  try {
    use();
  } catch (error) {
    errnoOf(error); // removed meanwhile by another process, or not now
  }
}

function sweepOne(store: Store, spares: number, id: string): void {
  const directory = openDirectory(store.native, spares, Buffer.from(id));
  let lock: number | undefined;
  try {
    // Its maker makes the lock right after the directory.
    const minute = 60_000;
    const young = Date.now() - fstatSync(directory).mtimeMs < minute;
    if (!hasLock(directory) && young) return;
    lock = takeLock(store.native, directory);
    if (lock !== undefined) removeRunDirectory(store, spares, id);
  } finally {
    if (lock !== undefined) closeSync(lock);
    closeSync(directory);
  }
}
