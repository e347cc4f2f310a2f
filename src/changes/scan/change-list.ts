/** The list of changes of one tree, and what the host had at each path. */
import { ChangesError } from '../../errors/index.js';
import { namesOf, pathKey } from '../files/path.js';
import { stateDirectoryOf } from '../merged-tree/survey.js';
import { SystemPlaces } from '../merged-tree/system-path.js';
import { lookupsInAScan, type MergedTree } from '../merged-tree/tree.js';
import {
  type Change,
  type ChangeSummary,
  countChanges,
  type FileState,
  inodeKey,
} from '../model/index.js';
import { Base } from '../store/base.js';
import type { ScanContext } from './context.js';
import { Describer, type Difference } from './describe.js';
import type { Dropped } from './noise.js';

const defaultMaxAllPathBytes = 256 * 1024 * 1024;

/** The list of changes would need too much memory. */
export class TooManyChangesError extends ChangesError {
  /** Counts the changes found so far. */
  readonly summary: ChangeSummary;

  constructor(id: string, seen: readonly Change[]) {
    super('ERR_STATE_DIR', `Run ${id} changed too many paths to list.`, {
      hint: `The changes are still saved. To discard them: wasbox discard ${id}`,
    });
    this.summary = countChanges(seen);
  }
}

export class ChangeList {
  readonly #context: ScanContext;
  readonly #base: Base;
  readonly #describer: Describer;
  readonly #changes: Change[] = [];
  #looks = 0;
  #dropped = 0;
  #pathBytesLeft: number;

  constructor(context: ScanContext) {
    this.#context = context;
    this.#pathBytesLeft = context.maxAllPathBytes ?? defaultMaxAllPathBytes;
    const { native, directory, root, startNs, layer, host } = context;
    this.#base = Base.read(native, directory, startNs);
    const tree: MergedTree = {
      native,
      layer,
      host,
      workdir: Buffer.from(root),
      stateDirectory: () => stateDirectoryOf(directory, context.id),
      system: new SystemPlaces(native),
      gitDirectories: new Map(),
      known: new Map(),
      lookupsLeft: lookupsInAScan,
    };
    this.#describer = new Describer(context, tree, context.quick === true);
  }

  get length(): number {
    return this.#changes.length;
  }

  /** Records the host's state at a path; returns whether it changed since the run began. */
  look(path: Buffer, before: FileState | undefined): boolean {
    const { applied, onProgress } = this.#context;
    onProgress?.({ stage: applied === undefined ? 'compare' : 'recheck', done: this.#looks++ });
    // If it exists again after its deletion was applied, it is the user's.
    if (this.wasApplied(path)) {
      this.markApplied(path);
      return false;
    }
    const own = this.#context.ownCtimes;
    const ours = before !== undefined && own?.get(inodeKey(before)) === before.ctimeNs;
    return this.#base.look(path, before, ours);
  }

  wasApplied(path: Buffer): boolean {
    const { applied } = this.#context;
    return applied?.has(pathKey(path)) === true || this.#base.wasApplied(path);
  }

  /** Returns what to count of a file that no user reviews; undefined if it is a change like any other. */
  noise(path: Buffer, after: FileState): Dropped | undefined {
    return this.#describer.noise(namesOf(path), after);
  }

  /** Counts files that are left out. */
  drop({ what, place }: Dropped, files: number): void {
    this.#dropped += files;
    this.#context.onDropped?.({ what, place: this.#describer.show(place), files });
  }

  /** How many files were left out. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes back the latest change, a new directory with nothing in it but what was left out. */
  takeBack(): void {
    this.#changes.pop();
  }

  /** Marks what is there as applied. */
  markApplied(path: Buffer): void {
    this.#base.markApplied(path);
  }

  add(found: Difference): void {
    this.#pathBytesLeft -= found.path.length;
    if (this.#pathBytesLeft < 0) throw new TooManyChangesError(this.#context.id, this.#changes);
    this.#changes.push(this.#describer.describe(found));
  }

  /** Saves the host's state; returns the changes in the order in which they can be applied. */
  finish(): readonly Change[] {
    const { native, directory, quick } = this.#context;
    if (quick !== true) this.#base.write(native, directory);
    return this.#changes;
  }
}
