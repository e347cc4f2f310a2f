/**
 * Other paths to a tree than its own: through links outside, through its parent, or by a
 * bind mount. A path there names a file of the tree all the same.
 */
import { realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoOf, stateOfFd } from '../files/fdtree.js';
import type { Names } from '../files/path.js';
import type { MergedTree } from '../merged-tree/tree.js';
import type { FileState } from '../model/index.js';

const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1');

/** The path without links, as far as it exists. */
function realPath(path: string): string {
  for (let end = path; ; end = posix.dirname(end)) {
    try {
      const real = realpathSync(bytesOf(end), { encoding: 'buffer' }).toString('latin1');
      return posix.join(real, path.slice(end === '/' ? 0 : end.length));
    } catch (error) {
      errnoOf(error); // not there, closed, or a circle: what is above it may tell
      if (end === '/') return path;
    }
  }
}

function isSame(path: string, { dev, ino }: FileState): boolean {
  try {
    const stat = statSync(bytesOf(path), { bigint: true });
    return stat.dev === dev && stat.ino === ino;
  } catch (error) {
    errnoOf(error); // not there, or closed to this user
    return false;
  }
}

/**
 * Where in the tree an absolute path leads, by the identity of the directories on its way; undefined where
 * it leads elsewhere.
 *
 * @param path a byte a character
 */
export function placeInTree(tree: MergedTree, path: string): Names | undefined {
  const root = stateOfFd(tree.host);
  const rest: string[] = [];
  for (let at = realPath(path); at !== '/'; at = posix.dirname(at)) {
    if (isSame(at, root)) return rest;
    rest.unshift(posix.basename(at));
  }
  return undefined;
}
