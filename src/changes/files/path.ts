/** Paths as bytes: names from the payload need not be text. */

import { gitPath } from '../../text/index.js';
import type { Change } from '../model/index.js';

export const emptyPath: Buffer = Buffer.alloc(0);
/** How the user's home is shown. */
export const homePrefix: Buffer = Buffer.from('~');
const here: Buffer = Buffer.from('.');
const SLASH = 0x2f;

/** `parent/name` as bytes; the root is empty. */
export function joinPath(parent: Buffer, name: Buffer): Buffer {
  return parent.length === 0 ? name : Buffer.concat([parent, Buffer.of(SLASH), name]);
}

/** The names of a relative path. */
export function splitPath(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  let from = 0;
  for (let at = 0; at <= path.length; at++) {
    if (at === path.length || path[at] === SLASH) {
      if (at > from) names.push(path.subarray(from, at));
      from = at + 1;
    }
  }
  return names;
}

/** The names in a path; one character per byte (latin1). */
export type Names = readonly string[];

/** Splits a path into its names, without empty ones. */
export const namesIn = (path: string): string[] => path.split('/').filter((name) => name !== '');

/** Returns the names of a path in bytes; one character per byte. */
export const namesOf = (path: Buffer): Names => namesIn(path.toString('latin1'));

/** A key for maps: one character per byte, so that different paths have different keys. */
export function pathKey(path: Buffer): string {
  return path.toString('latin1');
}

/** Returns whether `path` is `ancestor` or lies below it. */
export function isWithin(path: Buffer, ancestor: Buffer): boolean {
  if (ancestor.length === 0) return true;
  if (path.length < ancestor.length) return false;
  if (!path.subarray(0, ancestor.length).equals(ancestor)) return false;
  return path.length === ancestor.length || path[ancestor.length] === SLASH;
}

/** A path in the working directory, which begins with `./` where a directory that is itself named `~` would be read as the home. */
export const notHome = (path: Buffer): Buffer =>
  /^~(\/|$)/.test(path.toString('latin1')) ? joinPath(here, path) : path;

/** The path as a diff names it: below `~`, or absolute, outside the working directory. */
export function shownPath({
  tree,
  root,
  path,
  home,
}: Pick<Change, 'tree' | 'root' | 'path' | 'home'>): string {
  if (tree === 0 && home === undefined) {
    if (path.length === 0) return '.';
    return gitPath(notHome(path));
  }
  const top = home === undefined ? Buffer.from(root === '/' ? '' : root) : homePrefix;
  return gitPath(path.length === 0 ? top : joinPath(top, path));
}
