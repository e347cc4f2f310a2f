/**
 * Stage: changes. A directory that a run showed copy-on-write, opened again.
 */
import { closeSync, fstatSync } from 'node:fs';
import { ChangesError } from '../errors/index.js';
import { openRoot } from './fdtree.js';
import type { ChangesNative, TreeIdentity } from './model.js';
import { displayPath } from './path.js';

/** Opens a tree of the run `id`, and makes sure that it is still the same directory. */
export function openTree(native: ChangesNative, tree: TreeIdentity, id: string): number {
  const { path, ino } = tree;
  const problem = (message: string, cause?: unknown): ChangesError =>
    new ChangesError('ERR_APPLY', `The directory ${displayPath(Buffer.from(path))} ${message}.`, {
      cause,
      hint: `Put it back, or drop the changes: wasbox discard ${id}`,
    });
  let fd: number;
  try {
    fd = openRoot(native, path);
  } catch (error) {
    throw problem('cannot be opened', error);
  }
  if (fstatSync(fd, { bigint: true }).ino.toString() === ino) return fd;
  closeSync(fd);
  throw problem('is another one than the run worked in');
}
