/**
 * A directory that a run showed copy-on-write, opened again.
 */

import { fstatSync, statfsSync } from 'node:fs';
import { ChangesError } from '../../errors/index.js';
import { closeDescriptor } from '../../native/index.js';
import { displayPath } from '../../text/index.js';
import type { ChangesNative, RunRecord, TreeIdentity } from '../model/index.js';
import { openRoot, self } from './fdtree.js';

/** statfs(2). */
const OVERLAYFS_SUPER_MAGIC = 0x794c7630;

/** Opens a tree of a run, and makes sure that it is still the same directory. */
export function openTree(
  native: ChangesNative,
  tree: TreeIdentity,
  { id, started }: Pick<RunRecord, 'id' | 'started'>,
): number {
  const { path, ino } = tree;
  const problem = (message: string, cause?: unknown): ChangesError =>
    new ChangesError('ERR_APPLY', `The directory ${displayPath(Buffer.from(path))} ${message}.`, {
      cause,
      hint: `Restore it, or discard the changes: wasbox discard ${id}`,
    });
  let fd: number;
  try {
    fd = openRoot(native, path);
  } catch (error) {
    throw problem('cannot be opened', error);
  }
  const stat = fstatSync(fd, { bigint: true });
  // File systems reuse inode numbers. The birth time is 0 where it is not supported.
  // An overlay, such as a container's root, gives a directory a new birth time when it is first written to.
  const isLater =
    Number(stat.birthtimeNs / 1_000_000n) > Date.parse(started) &&
    statfsSync(self(fd)).type !== OVERLAYFS_SUPER_MAGIC;
  if (stat.ino.toString() === ino && !isLater) return fd;
  closeDescriptor(fd);
  throw problem('is not the one that the run used');
}
