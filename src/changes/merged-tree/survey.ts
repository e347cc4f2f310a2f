/**
 * Finds the symbolic links and git directories of the tree, and files that are asked for, in layer and host. It reads
 * only names. The host's tree may be a home with hundreds of thousands of them: the native search (addon/search) goes
 * through it, and keeps an index, so that the next time only what changed is read.
 */

import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { encodeRequest, type NameTest, nameTest } from '../../host/index.js';
import { closeDescriptor } from '../../native/index.js';
import { canonicalName } from '../files/canonical-name.js';
import { errnoOf, openDirectoryPath, self, stateAt, withFd } from '../files/fdtree.js';
import { maxDepth } from '../files/layer.js';
import type { Names } from '../files/path.js';
import type { ChangesNative } from '../model/index.js';
import type { MergedTree } from './tree.js';

/** About four seconds of a layer. The rest of a larger tree is unknown. */
export const maxSurveyed = 1_000_000;

/** Files that are asked for. */
export interface Wanted {
  /** Names that may be meant, in the small letters of {@link canonicalName}: no other path is one. */
  readonly patterns: readonly string[];
  readonly isWanted: (path: Names) => boolean;
}

const none: Wanted = { patterns: [], isWanted: () => false };

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

const testsOf = (patterns: readonly string[]): NameTest[] =>
  [...patterns, '.git', ...pieces].flatMap((pattern) => {
    const test = nameTest(`**/${pattern}`);
    // All below a directory that is found is looked through, too.
    return test === undefined ? [] : { ...test, exact: false };
  });

/** Git checks for these; a worktree's own directory has `commondir` instead of the last two. */
function isGit(names: ReadonlySet<string>): boolean {
  if (names.has('objects') && names.has('refs')) return true;
  return names.has('head') && names.has('commondir');
}

/** Returns where a link leads; undefined in a directory that may be read but not entered: no way leads through it. */
function linkAt(fd: number, name: string): Buffer | undefined {
  try {
    return stateAt(fd, Buffer.from(name, 'latin1'))?.link;
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    return undefined;
  }
}

/** Returns where a link below leads; undefined, too, where it is not accessible or gone meanwhile. */
function linkBelow(native: ChangesNative, root: number, path: Names): Buffer | undefined {
  try {
    return withFd(openDirectoryPath(native, root, bytesOf(path.slice(0, -1))), (fd) =>
      linkAt(fd, path.at(-1) ?? ''),
    );
  } catch (error) {
    errnoOf(error);
    return undefined;
  }
}

/** Thrown where there are more names than are to be read. */
class TooMany extends Error {}

/** The native search leaves out wasbox's own state, which no other program obeys. */
function stateOf(path: string | undefined): { dev: bigint; ino: bigint }[] {
  const state = path && statSync(path, { bigint: true, throwIfNoEntry: false });
  return state ? [{ dev: state.dev, ino: state.ino }] : [];
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
  walk(open: (path: Names) => number, max: number): void {
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
        left -= this.#directory(fd, path, directories);
      } finally {
        closeDescriptor(fd);
      }
      if (left < 0) {
        this.complete = false;
        return;
      }
    }
  }

  /** Has the host's tree searched. */
  search(
    { native, host, stateDirectory }: MergedTree,
    patterns: readonly string[],
    max: number,
  ): void {
    const tests = testsOf(patterns);
    const state = stateDirectory();
    const own = stateOf(state);
    const request = encodeRequest({ context: '', states: own, skipped: [], survey: true, tests });
    let found: Uint8Array;
    let names = 0;
    try {
      [found, names] = native.search(
        self(host),
        request,
        own.length > 0 ? state : undefined,
        (seen) => {
          if (seen > max) throw new TooMany();
        },
      );
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
      this.complete = false;
      return;
    }
    if (names > max) this.complete = false;
    for (const record of Buffer.from(found).toString('latin1').split('\0')) {
      if (record === '' || record[0] === 'c') continue;
      const path = record.slice(1).split('/');
      if (record[0] === 'l') this.#link(path, linkBelow(native, host, path), true);
      else this.#entry(path, record[0] === 'd');
    }
  }

  #directory(fd: number, path: Names, directories: Names[]): number {
    let count = 1;
    for (const entry of readdirSync(self(fd), { encoding: 'latin1', withFileTypes: true })) {
      count++;
      const child = [...path, entry.name];
      const isDirectory = entry.isDirectory();
      if (isDirectory && child.length <= maxDepth && !isObjectStore(child)) directories.push(child);
      if (entry.isSymbolicLink()) this.#link(child, linkAt(fd, entry.name), false);
      else this.#entry(child, isDirectory);
    }
    return count;
  }

  /** @param link undefined where there is no way through it */
  #link(path: Names, link: Buffer | undefined, onHost: boolean): void {
    if (link !== undefined) this.links.push({ path, link, onHost });
    this.#name(path);
  }

  #entry(path: Names, isDirectory: boolean): void {
    if (!isDirectory && this.#isWanted(path)) this.wanted.set(path.join('/'), path);
    this.#name(path);
  }

  #name(path: Names): void {
    const name = canonicalName(path.at(-1) ?? '');
    if (pieces.has(name)) this.#piece(path.slice(0, -1), name);
    if (name === '.git') this.gits.set(path.join('/'), path);
  }

  #piece(path: Names, name: string): void {
    const key = path.join('/');
    const found = this.#pieces.get(key) ?? new Set();
    this.#pieces.set(key, found.add(name));
    if (isGit(found)) this.gits.set(key, path);
  }
}

export function surveyTree(
  tree: MergedTree,
  max = maxSurveyed,
  { patterns, isWanted }: Wanted = none,
): Survey {
  const surveyor = new Surveyor(isWanted);
  surveyor.search(tree, patterns, max);
  surveyor.walk((path) => tree.layer.openPath(bytesOf(path)), max);
  const { links, gits, wanted, complete } = surveyor;
  return { links, gits: [...gits.values()], wanted: [...wanted.values()], complete };
}

/** The state directory by the directory of one of its runs; undefined where that lies elsewhere. */
export function stateDirectoryOf(directory: number, id: string): string | undefined {
  const path = readlinkSync(self(directory));
  const at = path.lastIndexOf(`/${id}`);
  return at < 0 ? undefined : dirname(path.slice(0, at));
}
