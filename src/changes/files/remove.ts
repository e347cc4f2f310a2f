/**
 * Removes a tree that the payload may have made hard to remove: directories with mode 000, chains deeper than PATH_MAX,
 * names of any bytes. No symbolic link is followed and no mount point is entered (addon/rundir/tree.c).
 */
import { constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ChangesNative } from '../model/index.js';
import { withFd } from './fdtree.js';

/** How many entries are removed between two calls of `onRemoved`; each call reads the tree from its start. */
const atOnce = 10_000;
const all = 0xffff_ffff;

/**
 * Removes an entry and everything below it. A missing entry is not an error.
 *
 * @param onRemoved called with the number of entries removed since the last call
 */
export function removeTree(
  native: ChangesNative,
  parent: number,
  name: Buffer,
  onRemoved?: (count: number) => void,
): void {
  const most = onRemoved === undefined ? all : atOnce;
  for (let count = most; count >= most; ) {
    count = native.removeTree(parent, name, most);
    onRemoved?.(count);
  }
}

/** Removes a directory by path, even one in which overlayfs was mounted, which leaves `work/work` with mode 000. */
export function removeDirectory(native: ChangesNative, path: string): void {
  withFd(openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY), (parent) =>
    removeTree(native, parent, Buffer.from(basename(path))),
  );
}
