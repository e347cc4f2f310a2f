/**
 * One walk over layer and host that finds the symbolic links and git directories of the tree. It reads
 * only names.
 */

import { readdirSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import { canonicalName } from '../files/canonical-name.js';
import { errnoOf, openDirectory, self, stateAt } from '../files/fdtree.js';
import { maxDepth } from '../files/layer.js';
import type { Names } from '../files/path.js';
import type { MergedTree } from './tree.js';

/** About four seconds for each of host and layer. The rest of a larger tree is unknown. */
export const maxSurveyed = 1_000_000;

export interface SurveyedLink {
  readonly path: Names;
  readonly link: Buffer;
  readonly onHost: boolean;
}

export interface Survey {
  readonly links: readonly SurveyedLink[];
  /** Git directories of any name, and `.git` files that name one. */
  readonly gits: readonly Names[];
  /** Files that were asked for. */
  readonly wanted: readonly Names[];
  /** False if there were too many names to read all. */
  readonly complete: boolean;
}

const bytesOf = (path: Names): Buffer => Buffer.from(path.join('/') || '.', 'latin1');

/** Directories full of files that are named by their hash. */
function isObjectStore(path: Names): boolean {
  return path[path.length - 2] === 'objects' && /^(?:[0-9a-f]{2}|pack)$/.test(path.at(-1) ?? '');
}

const pieces: ReadonlySet<string> = new Set(['head', 'objects', 'refs', 'commondir']);

/** Git checks for these; a worktree's own directory has `commondir` instead of the last two. */
function isGit(names: ReadonlySet<string>): boolean {
  if (names.has('objects') && names.has('refs')) return true;
  return names.has('head') && names.has('commondir');
}

/** Undefined in a directory that may be read but not entered: there is no way through a link in it. */
function linkAt(fd: number, name: string): Buffer | undefined {
  try {
    return stateAt(fd, Buffer.from(name, 'latin1'))?.link;
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    return undefined;
  }
}

class Surveyor {
  readonly links: SurveyedLink[] = [];
  readonly gits = new Map<string, Names>();
  readonly wanted = new Map<string, Names>();
  readonly #isWanted: (path: Names) => boolean;
  /** The parts of a git directory that a directory has, in layer and host together. */
  readonly #pieces = new Map<string, Set<string>>();
  complete = true;

  constructor(isWanted: (path: Names) => boolean) {
    this.#isWanted = isWanted;
  }

  /** Walks breadth first, so that only deep directories are cut off. */
  walk(open: (path: Names) => number, max: number, onHost: boolean): void {
    const directories: Names[] = [[]];
    let left = max;
    for (let at = 0; at < directories.length; at++) {
      const path = directories[at] as Names;
      let fd: number;
      try {
        fd = open(path);
      } catch (error) {
        errnoOf(error); // on another mount, not accessible, or gone meanwhile
        continue;
      }
      try {
        left -= this.#directory(fd, path, directories, onHost);
      } finally {
        closeDescriptor(fd);
      }
      if (left < 0) {
        this.complete = false;
        return;
      }
    }
  }

  #directory(fd: number, path: Names, directories: Names[], onHost: boolean): number {
    let count = 1;
    for (const entry of readdirSync(self(fd), { encoding: 'latin1', withFileTypes: true })) {
      count++;
      const name = canonicalName(entry.name);
      if (pieces.has(name)) this.#piece(path, name);
      const child = [...path, entry.name];
      if (entry.isSymbolicLink()) {
        const link = linkAt(fd, entry.name);
        if (link !== undefined) this.links.push({ path: child, link, onHost });
      } else if (entry.isDirectory() && child.length <= maxDepth && !isObjectStore(child)) {
        directories.push(child);
      } else if (!entry.isDirectory() && this.#isWanted(child)) {
        this.wanted.set(child.join('/'), child);
      }
      if (name === '.git') this.gits.set(child.join('/'), child);
    }
    return count;
  }

  #piece(path: Names, name: string): void {
    const key = path.join('/');
    const found = this.#pieces.get(key) ?? new Set();
    this.#pieces.set(key, found.add(name));
    if (isGit(found)) this.gits.set(key, path);
  }
}

/** @param isWanted whether a file is returned, too; called for each */
export function surveyTree(
  tree: MergedTree,
  max = maxSurveyed,
  isWanted: (path: Names) => boolean = () => false,
): Survey {
  const { native, host, layer } = tree;
  const surveyor = new Surveyor(isWanted);
  surveyor.walk((path) => openDirectory(native, host, bytesOf(path)), max, true);
  surveyor.walk((path) => layer.openPath(bytesOf(path)), max, false);
  const { links, gits, wanted, complete } = surveyor;
  return { links, gits: [...gits.values()], wanted: [...wanted.values()], complete };
}
