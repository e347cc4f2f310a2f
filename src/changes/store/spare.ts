/**
 * Layers made ready beforehand, for a program that runs many sandboxes: to make and
 * remove a run's directory takes some file systems longer than a short payload.
 *
 *     $XDG_STATE_HOME/wasbox/spare/<id>/   lock, run.json, layers/0/{upper,work}
 *
 * A spare moves to `runs` with its journal entry written, and comes back from a run that changed
 * nothing. What the payload could reach, `upper`, is made anew each time, and what overlayfs left in
 * `work` is removed. The process holds each spare's lock; one without a holder was left behind by a
 * process that was killed, and goes with the next look at the runs. Where no run has come for a while,
 * all of them go, with the descriptors that they hold.
 */
import { closeSync } from 'node:fs';
import { errnoOf, RENAME_NOREPLACE, withFd } from '../files/fdtree.js';
import type { Run, RunRecord } from '../model/index.js';
import { newRunId } from './id.js';
import { isTaken, makeRun, removeRunDirectory } from './run-directory.js';
import { isUntouched, makeSpare, renew, type Spare, writeEntry } from './spare-layer.js';
import { sweepSpares } from './spare-sweep.js';
import { OwnDirectory, openOwn, type Store } from './state-dir.js';

/** Most spares of one process; more runs at a time than that make their own layers. */
const maxSpares = 32;
/** Milliseconds without a run after which none is kept: as long as a supervising thread waits. */
const patienceMs = 5000;

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
  #idle: NodeJS.Timeout | undefined;

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
    this.#letGoIn(patienceMs);
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
    this.#letGoIn(patienceMs);
    return true;
  }

  /** A program that has stopped running sandboxes gets its descriptors back, and its disk. */
  #letGoIn(ms: number): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#letOneGo(), ms);
    this.#idle.unref(); // a program that is done does not wait for it
  }

  /** One at a time: to remove a directory may take a while, and the program goes on meanwhile. */
  #letOneGo(): void {
    const released = [...this.#resting].find(([, isReleased]) => isReleased());
    const spare = this.#ready.pop() ?? released?.[0];
    if (spare !== undefined) this.#remove(spare);
    else if (this.#resting.size + this.#renewing.size === 0) {
      for (const directory of Object.values(this.#directories)) directory.close();
      return;
    }
    this.#letGoIn(spare === undefined ? patienceMs : 1);
  }

  /** Gives a spare a new id in the other directory; `prepare` comes just before it is seen there. */
  #move<T>(spare: Spare, to: 'runs' | 'spare', prepare: (id: string) => T): T {
    const { native } = this.#store;
    const { runs, spares } = this.#directories;
    const [source, target] = to === 'runs' ? [spares.fd, runs.fd] : [runs.fd, spares.fd];
    for (;;) {
      const id = newRunId(new Date());
      if (to === 'runs' && isTaken(this.#store, id)) continue;
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

  /** Not before the old mount is gone: two overlays must not share a work directory. */
  #renewReleased(): void {
    for (const [spare, isReleased] of this.#resting) {
      if (!isReleased()) continue;
      this.#resting.delete(spare);
      this.#renewing.add(spare);
      this.#renew(spare).catch(() => this.#remove(spare));
    }
  }

  async #renew(spare: Spare): Promise<void> {
    await renew(this.#store, spare);
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
      withFd(openOwn(this.#store, 'spare', true), (spares) =>
        removeRunDirectory(this.#store, spares, spare.id),
      );
    } catch {
      // Whoever looks at the runs next removes it: its lock is free from here on.
    }
    closeSync(spare.record);
    closeSync(spare.lock);
  }
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
