/** Removes from a layer what equals the host, so that only changes are left in it. */
import { renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { at, errnoOf, names, withFd } from '../files/fdtree.js';
import { maxDepth } from '../files/layer.js';
import { removeTree } from '../files/remove.js';
import type { ChangesNative, FileState } from '../model/index.js';
import type { Place, ScanContext } from './context.js';

const trashPrefix = 'trash-';

export class Pruner {
  readonly #context: ScanContext;
  #trash = 0;

  constructor(context: ScanContext) {
    this.#context = context;
  }

  /** An opaque directory hides the host's, so nothing in it can be removed alone. */
  #mayRemoveFrom(place: Place): boolean {
    return this.#context.prune && !place.opaque;
  }

  removeFile(place: Place, name: Buffer): void {
    if (this.#mayRemoveFrom(place)) unlinkSync(at(place.upper, name));
  }

  /** Removes what is left out, with all that is in it; returns how many files that were. */
  drop(place: Place, name: Buffer, { type }: FileState): number {
    const { prune } = this.#context;
    const path = at(place.upper, name);
    const count = type === 'directory' ? this.#filesIn(place.upper, name, place.depth) : 1;
    if (prune && type === 'directory') this.#toTrash(path);
    else if (prune) unlinkSync(path);
    return count;
  }

  #filesIn(parent: number, name: Buffer, depth: number): number {
    const { layer } = this.#context;
    return withFd(layer.openDirectory(parent, name), (fd) => {
      let count = 0;
      for (const child of names(fd)) {
        const state = depth < maxDepth ? layer.entry(fd, child, false)?.state : undefined;
        count += state?.type === 'directory' ? this.#filesIn(fd, child, depth + 1) : 1;
      }
      return count;
    });
  }

  /** Removes a directory without changes: an opaque one completely, any other if it is empty. */
  removeDirectory(parent: Place, name: Buffer, opaque: boolean): void {
    if (!this.#mayRemoveFrom(parent)) return;
    const path = at(parent.upper, name);
    if (opaque) {
      this.#toTrash(path);
      return;
    }
    try {
      rmdirSync(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY') throw error;
    }
  }

  #toTrash(path: Buffer): void {
    const target = Buffer.from(`${trashPrefix}${process.pid}-${this.#trash++}`);
    renameSync(path, at(this.#context.directory, target));
  }
}

/** Removes the opaque directories that were moved to the tree's directory. */
export function emptyTrash(native: ChangesNative, directory: number): void {
  for (const name of names(directory)) {
    if (name.toString('latin1').startsWith(trashPrefix)) removeTree(native, directory, name);
  }
}
