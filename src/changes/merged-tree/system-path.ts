/**
 * Decides whether a path outside the tree ends at a program or library of the system that this user cannot
 * change: every virtual environment has links to such paths.
 *
 * The path is walked by descriptors, one name at a time, as in path_resolution(7): root must own each
 * directory on the way, and this user must not be able to write to it. A path that does not exist is not a
 * system path.
 */

import { accessSync, constants, statfsSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import {
  AT_FDCWD,
  errnoOf,
  O_PATH,
  openHandle,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  self,
  stateAt,
  stateOfFd,
  withFd,
} from '../files/fdtree.js';
import { splitPath } from '../files/path.js';
import type { ChangesNative, FileState } from '../model/index.js';

/** The kernel's own limit for one path. */
const maxLinks = 40;
/** Each costs a few system calls, and the payload decides how many links there are. */
const maxPaths = 20_000;
const PROC_SUPER_MAGIC = 0x9fa0;

const programs = /^(?:usr|bin|sbin|lib\w*|opt|nix|gnu)$/;

/** Directories of programs and libraries, and those on the way to them. */
function isWay([first, second]: readonly string[]): boolean {
  if (first === undefined) return true;
  if (first === 'etc') return second === undefined || second === 'alternatives';
  return programs.test(first);
}

/** Returns whether this user can change an entry by its mode, an ACL, or as its owner; true when in doubt. */
function isWritable(fd: number, { mode, uid }: FileState): boolean {
  if (uid === process.geteuid?.() || (mode & 0o002) !== 0) return true;
  try {
    accessSync(self(fd), constants.W_OK);
    return true;
  } catch (error) {
    return !['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error));
  }
}

class Walk {
  readonly #native: ChangesNative;
  /** The current directory of the walk, with its names from the root. */
  #fd: number;
  #names: string[] = [];

  constructor(native: ChangesNative) {
    this.#native = native;
    this.#fd = this.#open(AT_FDCWD, '/');
  }

  close(): void {
    closeDescriptor(this.#fd);
  }

  #open(parent: number, name: string | Buffer): number {
    const flags = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    return this.#native.openat2(
      parent,
      name,
      flags,
      0,
      RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    );
  }

  #enter(name: string | Buffer): void {
    const fd = this.#open(this.#fd, name);
    closeDescriptor(this.#fd);
    this.#fd = fd;
  }

  /** Returns whether this user cannot add or remove entries of the directory. */
  #isClosed(): boolean {
    const state = stateOfFd(this.#fd);
    if (state.uid !== 0 || isWritable(this.#fd, state)) return false;
    return statfsSync(self(this.#fd)).type !== PROC_SUPER_MAGIC; // its links do not follow their text
  }

  run(path: Buffer): boolean {
    const pending = splitPath(path);
    let links = 0;
    for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
      if (!this.#isClosed()) return false;
      const text = name.toString('latin1');
      if (text === '.') continue;
      if (text === '..') {
        this.#enter('..');
        this.#names.pop();
        continue;
      }
      if (!isWay([...this.#names, text])) return false;
      const state = stateAt(this.#fd, name);
      if (state?.link !== undefined) {
        if (++links > maxLinks) return false;
        pending.unshift(...splitPath(state.link));
        if (state.link[0] === 0x2f) {
          this.#enter('/');
          this.#names = [];
        }
        continue;
      }
      if (state?.type === 'directory') {
        this.#enter(name);
        this.#names.push(text);
        continue;
      }
      return state?.type === 'file' && pending.length === 0 && this.#endsAt(name);
    }
    return this.#names.length > 0 && this.#names[0] !== 'etc' && this.#isClosed();
  }

  #endsAt(name: Buffer): boolean {
    if (this.#names[0] === 'etc') return false;
    return withFd(openHandle(this.#native, this.#fd, name), (fd) => !isWritable(fd, stateOfFd(fd)));
  }
}

/** Caches its results for one comparison of a tree. */
export class SystemPlaces {
  readonly #native: ChangesNative;
  readonly #known = new Map<string, boolean>();

  constructor(native: ChangesNative) {
    this.#native = native;
  }

  /** Returns whether an absolute path is a system path. Never for root, who can write everywhere. */
  has(path: Buffer): boolean {
    if (process.geteuid?.() === 0) return false;
    const key = path.toString('latin1');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= maxPaths) return false;
    const found = this.#walk(path);
    this.#known.set(key, found);
    return found;
  }

  #walk(path: Buffer): boolean {
    const walk = new Walk(this.#native);
    try {
      return walk.run(path);
    } catch (error) {
      errnoOf(error); // not accessible, gone meanwhile, or not a valid path
      return false;
    } finally {
      walk.close();
    }
  }
}
