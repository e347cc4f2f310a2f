/** Removes from a layer what equals the host, so that only changes are left in it. */
import { renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { at, errnoOf, names } from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import type { ChangesNative } from '../model/index.js';
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

  /** Removes a directory without changes: an opaque one completely, any other if it is empty. */
  removeDirectory(parent: Place, name: Buffer, opaque: boolean): void {
    if (!this.#mayRemoveFrom(parent)) return;
    const path = at(parent.upper, name);
    if (opaque) {
      const target = Buffer.from(`${trashPrefix}${process.pid}-${this.#trash++}`);
      renameSync(path, at(this.#context.directory, target));
      return;
    }
    try {
      rmdirSync(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY') throw error;
    }
  }
}

/** Removes the opaque directories that were moved to the tree's directory. */
export function emptyTrash(native: ChangesNative, directory: number): void {
  for (const name of names(directory)) {
    if (name.toString('latin1').startsWith(trashPrefix)) removeTree(native, directory, name);
  }
}
