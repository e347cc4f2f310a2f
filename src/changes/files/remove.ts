/**
 * Removes a tree that the payload may have made hard to remove: directories with mode
 * 000, chains deeper than PATH_MAX, names of any bytes.
 *
 * A deep directory is first moved up beside the tree's root, so that the number of open
 * descriptors stays bounded. No symbolic link is followed and no mount point is entered.
 */

import { chmodSync, constants, openSync, rmdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { closeDescriptor } from '../../native/index.js';
import type { ChangesNative } from '../model/index.js';
import {
  at,
  errnoOf,
  lstatAt,
  names,
  openDirectory,
  openDirectoryPath,
  removeQuietly,
  renameAside,
  self,
  withFd,
} from './fdtree.js';

const maxDepth = 48;

interface Removal {
  readonly native: ChangesNative;
  /** Where deep directories are moved to. */
  readonly root: number;
  /** Called for each removed entry. */
  readonly onRemoved: (() => void) | undefined;
  /** Number of directories that were moved up. */
  moved: number;
}

/** Opens a directory to read and change it, whatever its mode. */
function openRelaxed(native: ChangesNative, parent: number, name: Buffer): number {
  const handle = openDirectoryPath(native, parent, name);
  try {
    chmodSync(self(handle), 0o700);
  } finally {
    closeDescriptor(handle);
  }
  return openDirectory(native, parent, name);
}

/** The same; another thread may remove the tree meanwhile: what a rollback dropped. */
function openUnlessGone(native: ChangesNative, parent: number, name: Buffer): number | undefined {
  try {
    return openRelaxed(native, parent, name);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function removeEmpty(parent: number, name: Buffer): void {
  try {
    rmdirSync(at(parent, name));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function moveUp(removal: Removal, parent: number, name: Buffer): void {
  // rename(2) of a directory to another parent rewrites its "..", which needs write permission.
  const handle = openDirectoryPath(removal.native, parent, name);
  try {
    chmodSync(self(handle), 0o700);
  } finally {
    closeDescriptor(handle);
  }
  for (;;) {
    const target = `.moved-${removal.moved++}`;
    try {
      renameAside(removal.native, parent, name, target, removal.root);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

function empty(removal: Removal, fd: number, depth: number): void {
  for (const name of names(fd)) {
    const stat = lstatAt(fd, name);
    if (stat === undefined) continue;
    if (!stat.isDirectory()) {
      removeQuietly(fd, name);
    } else if (depth >= maxDepth) {
      moveUp(removal, fd, name);
    } else {
      const child = openUnlessGone(removal.native, fd, name);
      if (child === undefined) continue;
      try {
        empty(removal, child, depth + 1);
      } finally {
        closeDescriptor(child);
      }
      removeEmpty(fd, name);
    }
    removal.onRemoved?.();
  }
}

/** Removes everything in an open directory. */
export function emptyDirectory(native: ChangesNative, fd: number, onRemoved?: () => void): void {
  const removal: Removal = { native, root: fd, onRemoved, moved: 0 };
  let before: number;
  do {
    before = removal.moved;
    empty(removal, fd, 0);
  } while (removal.moved !== before);
}

/** Removes an entry and everything below it. A missing entry is not an error. */
export function removeTree(
  native: ChangesNative,
  parent: number,
  name: Buffer,
  onRemoved?: () => void,
): void {
  const stat = lstatAt(parent, name);
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    removeQuietly(parent, name);
    return;
  }
  const fd = openUnlessGone(native, parent, name);
  if (fd === undefined) return;
  try {
    emptyDirectory(native, fd, onRemoved);
  } finally {
    closeDescriptor(fd);
  }
  removeEmpty(parent, name);
}

/**
 * Removes a directory by path. For directories in which overlayfs was mounted: it leaves `work/work` with
 * mode 000, which rmSync() of Node 24 and newer cannot remove.
 */
export function removeDirectory(native: ChangesNative, path: string): void {
  withFd(openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY), (parent) =>
    removeTree(native, parent, Buffer.from(basename(path))),
  );
}
