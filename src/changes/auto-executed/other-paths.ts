/**
 * Other paths into a tree: through links outside, through its parent, or through a bind mount. They name
 * files of the tree, too.
 */
import { realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoOf, stateOfFd } from '../files/fdtree.js';
import type { Names } from '../files/path.js';
import type { MergedTree } from '../merged-tree/tree.js';
import type { FileState } from '../model/index.js';

const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1');

/** Resolves links in the part of the path that exists. */
function realPath(path: string): string {
  for (let end = path; ; end = posix.dirname(end)) {
    try {
      const real = realpathSync(bytesOf(end), { encoding: 'buffer' }).toString('latin1');
      return posix.join(real, path.slice(end === '/' ? 0 : end.length));
    } catch (error) {
      errnoOf(error); // missing, not accessible, or a cycle: try its parent
      if (end === '/') return path;
    }
  }
}

function isSame(path: string, { dev, ino }: FileState): boolean {
  try {
    const stat = statSync(bytesOf(path), { bigint: true });
    return stat.dev === dev && stat.ino === ino;
  } catch (error) {
    errnoOf(error); // missing or not accessible
    return false;
  }
}

/**
 * The location in the tree of an absolute path, by the identity of the directories on the way; undefined
 * if the path is outside.
 *
 * @param path one character per byte
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
