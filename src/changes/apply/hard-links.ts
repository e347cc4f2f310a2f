/**
 * Hard links among the files that one `apply` adds: if all names of a file in the layer are added together,
 * they become hard links on the host.
 *
 * Everything else becomes a separate file: a name that the host had before, one that is not applied, and
 * what an earlier `apply` added. Nothing is linked to a file that this `apply` did not just create.
 */

import { closeDescriptor } from '../../native/index.js';
import { openDirectoryPath, stateAt } from '../files/fdtree.js';
import { type Change, type ChangeFlag, type FileState, inodeKey } from '../model/index.js';
import { placeLink } from './place-file.js';
import type { Placer, Target } from './target.js';

/** The flags that a linked file may have. */
const harmless: readonly ChangeFlag[] = ['hard-link', 'executable', 'runs-later', 'held', 'open'];
/** Each keeps a directory open until all its names exist. */
const maxOpen = 64;

/** A file that was put in place. */
interface Placed {
  readonly directory: number;
  readonly name: Buffer;
  readonly state: FileState;
  /** Number of names not created yet. */
  left: number;
}

export class HardLinks {
  /** Number of names by inode in the layer, if all of them are added. */
  readonly #whole = new Map<string, number>();
  readonly #placed = new Map<string, Placed>();

  /** @param chosen what will be applied */
  constructor(chosen: Iterable<Change>) {
    const seen = new Map<string, number>();
    for (const { kind, after, flags } of chosen) {
      if (kind !== 'added' || after?.type !== 'file' || after.links < 2) continue;
      if (!flags.every((flag) => harmless.includes(flag))) continue;
      const key = inodeKey(after);
      const count = (seen.get(key) ?? 0) + 1;
      seen.set(key, count);
      if (count === after.links) this.#whole.set(key, count);
    }
  }

  /** Creates a further name of a file; false if it must be copied. */
  link(placer: Placer, target: Target, after: FileState): boolean {
    const key = inodeKey(after);
    const placed = this.#placed.get(key);
    if (placed === undefined || !placeLink(placer, target, placed)) return false;
    if (--placed.left === 0) this.#forget(key, placed);
    return true;
  }

  /** Records that a file was created, if further names follow. */
  note(placer: Placer, target: Target, after: FileState): void {
    const key = inodeKey(after);
    const names = this.#whole.get(key);
    if (names === undefined || this.#placed.has(key) || this.#placed.size >= maxOpen) return;
    this.#whole.delete(key);
    const state = stateAt(target.fd, target.name);
    if (state === undefined) return;
    const directory = openDirectoryPath(placer.native, target.fd, Buffer.from('.'));
    this.#placed.set(key, { directory, name: target.name, state, left: names - 1 });
  }

  #forget(key: string, { directory }: Placed): void {
    this.#placed.delete(key);
    closeDescriptor(directory);
  }

  close(): void {
    for (const [key, placed] of this.#placed) this.#forget(key, placed);
  }
}
