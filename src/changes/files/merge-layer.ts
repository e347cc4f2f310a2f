/**
 * Puts what a lower layer shows through into the one above it, so that the upper one alone shows what both
 * did: overlayfs's rules, carried out once. Files are shared by hard links, so that no content is copied and
 * the lower layer stays whole for others who use it.
 *
 * It may be interrupted at any entry and begun again: what an entry needs is complete before its name appears,
 * and a directory hides the lower one only once it has all of that one's entries.
 */
import { chmodSync, fchownSync, fstatSync, ftruncateSync, linkSync, mkdirSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import type { ChangesNative } from '../model/index.js';
import { copyContent } from './content.js';
import {
  at,
  createFile,
  errnoOf,
  lstatAt,
  names,
  openDirectory,
  openHandle,
  openToRead,
  self,
  withFd,
} from './fdtree.js';
import { type Layer, maxDepth, opacityOf, opaqueName } from './layer.js';
import { emptyPath, joinPath } from './path.js';
import { removeTree } from './remove.js';

/** renameat2(2): leaves a whiteout where the file was. */
const RENAME_WHITEOUT = 4;

const isRoot = (): boolean => process.geteuid?.() === 0;

export class LayerMerge {
  readonly #native: ChangesNative;
  readonly #upper: Layer;
  /** An open directory on the same file system, for what is not complete yet. */
  readonly #scratch: number;
  readonly #copies: boolean;
  #made = 0;

  /** @param copies whether files are copied, so that the upper layer can be written to; @default false */
  constructor(native: ChangesNative, upper: Layer, scratch: number, copies = false) {
    this.#native = native;
    this.#upper = upper;
    this.#scratch = scratch;
    this.#copies = copies;
  }

  /** @param lower the open root of the layer below; it is left as it is */
  merge(lower: number): void {
    this.#directory(this.#upper.root, lower, 0);
  }

  #setOpacity(fd: number, opacity: 'y' | 'x'): void {
    this.#native.fsetxattr(fd, opaqueName, Buffer.from(opacity, 'latin1'));
  }

  /** `upper` is of the same path as `lower`, and shows it through. */
  #directory(upper: number, lower: number, depth: number): void {
    if (opacityOf(this.#native, upper) === 'y') return;
    const below = opacityOf(this.#native, lower);
    const before = fstatSync(upper, { bigint: true });
    const above = new Set(names(upper).map((name) => name.toString('latin1')));
    let placed = false;
    for (const name of names(lower)) {
      if (above.has(name.toString('latin1'))) this.#both(upper, lower, name, depth);
      else placed = this.#place(upper, lower, name, depth) || placed;
    }
    if (below === 'y') this.#setOpacity(upper, 'y');
    else if (below === 'x' && opacityOf(this.#native, upper) === '') this.#setOpacity(upper, 'x');
    if (placed) this.#native.setTimes(upper, before.atimeNs, before.mtimeNs);
  }

  /** Merges an entry that both have: the upper one hides the lower one, or shows it through. */
  #both(upper: number, lower: number, name: Buffer, depth: number): void {
    if (lstatAt(upper, name)?.isDirectory() !== true) return;
    const below = lstatAt(lower, name);
    if (below === undefined) return;
    withFd(this.#upper.openDirectory(upper, name), (fd) => {
      if (!below.isDirectory()) this.#setOpacity(fd, 'y');
      else if (depth < maxDepth) {
        inClosed(this.#native, lower, name, (child) => this.#directory(fd, child, depth + 1));
      }
    });
  }

  /** Returns whether there is a new entry in `upper`. */
  #place(upper: number, lower: number, name: Buffer, depth: number): boolean {
    const stat = lstatAt(lower, name);
    if (stat === undefined) return false;
    if (stat.isDirectory()) {
      this.#placeDirectory(upper, lower, name, depth);
      return true;
    }
    const closed = !isRoot() && (stat.mode & 0o400n) === 0n;
    // Reading it later would open it for everyone who shares the inode.
    if (stat.isFile() && (closed || this.#copies)) this.#placeCopy(upper, lower, name);
    else this.#placeLink(upper, lower, name);
    return true;
  }

  #placeLink(upper: number, lower: number, name: Buffer): void {
    try {
      linkSync(at(lower, name), at(upper, name));
    } catch (error) {
      // The inode has as many names as the file system has room for: whiteouts share one.
      if (errnoOf(error) !== 'EMLINK') throw error;
      const stat = lstatAt(lower, name);
      if (stat?.isCharacterDevice() === true) this.#placeWhiteout(upper, name);
      else this.#placeCopy(upper, lower, name);
    }
  }

  #placeWhiteout(upper: number, name: Buffer): void {
    const temp = this.#name();
    closeDescriptor(createFile(this.#native, this.#scratch, temp));
    this.#native.renameat2(this.#scratch, temp, this.#scratch, `${temp}-`, RENAME_WHITEOUT);
    this.#native.renameat2(this.#scratch, temp, upper, name, 0);
  }

  #placeCopy(upper: number, lower: number, name: Buffer): void {
    const temp = this.#name();
    copyFile(this.#native, lower, name, this.#scratch, temp);
    this.#native.renameat2(this.#scratch, temp, upper, name, 0);
  }

  /** It appears with all that is in it. */
  #placeDirectory(upper: number, lower: number, name: Buffer, depth: number): void {
    const native = this.#native;
    const temp = this.#name();
    mkdirSync(at(this.#scratch, temp), { mode: 0o700 });
    withFd(openDirectory(native, this.#scratch, temp), (copy) => {
      const stat = lstatAt(lower, name);
      if (stat === undefined) return;
      const mode = Number(stat.mode & 0o7777n);
      inClosed(native, lower, name, (source) => {
        likeIt(native, source, copy);
        if (depth < maxDepth) this.#directory(copy, source, depth + 1);
      });
      native.renameat2(this.#scratch, temp, upper, name, 0);
      chmodSync(self(copy), mode);
      native.setTimes(copy, stat.atimeNs, stat.mtimeNs);
    });
  }

  #name(): Buffer {
    for (;;) {
      const name = Buffer.from(`part-${this.#made++}`);
      const stat = lstatAt(this.#scratch, name);
      if (stat === undefined) return name;
      removeTree(this.#native, this.#scratch, name);
    }
  }
}

/** Says what a copy may lack. */
export interface Lacks {
  /** True if files need only the size. @default false */
  readonly content?: boolean | undefined;
  /** Attributes that the file system of the copy cannot hold. @default false */
  readonly attributes?: boolean | undefined;
}

/** Copies a regular file with its owner, mode, times and attributes, but those of overlayfs. */
export function copyFile(
  native: ChangesNative,
  from: number,
  name: Buffer,
  to: number,
  copyName: Buffer,
  lacks: Lacks = {},
): void {
  const stat = lstatAt(from, name);
  if (stat?.isFile() !== true) {
    throw Object.assign(new Error('too many names of one file'), { code: 'EMLINK' });
  }
  const mode = Number(stat.mode & 0o7777n);
  const closed = !isRoot() && (mode & 0o400) === 0;
  if (closed) relax(native, from, name, 0o400);
  try {
    withFd(openToRead(native, from, name), (source) =>
      withFd(createFile(native, to, copyName), (copy) => {
        if (lacks.content === true) ftruncateSync(copy, Number(stat.size));
        else copyContent(native, source, copy);
        likeIt(native, source, copy, lacks);
        chmodSync(self(copy), mode);
        native.setTimes(copy, stat.atimeNs, stat.mtimeNs);
      }),
    );
  } finally {
    if (closed) withFd(openHandle(native, from, name), (fd) => chmodSync(self(fd), mode));
  }
}

/**
 * Gives a layer files of its own in place of those that have names in other layers, so that it can be written
 * to. Names of one file stay names of one file.
 * @param scratch an open, empty directory on the same file system
 * @param isMeant leaves out the others; @default all
 */
export function unshareFiles(
  layer: Layer,
  scratch: number,
  isMeant: (path: Buffer) => boolean = () => true,
): void {
  const { native } = layer;
  const walk = (directory: number, path: Buffer, depth: number): void => {
    for (const name of names(directory)) {
      const stat = lstatAt(directory, name);
      const inner = joinPath(path, name);
      if (stat?.isDirectory() === true && depth < maxDepth) {
        withFd(layer.openDirectory(directory, name), (fd) => walk(fd, inner, depth + 1));
      } else if (stat?.isFile() === true && stat.nlink > 1n && isMeant(inner)) {
        const copy = Buffer.from(`${stat.ino}`);
        const next = Buffer.from('next');
        if (lstatAt(scratch, copy) === undefined) copyFile(native, directory, name, scratch, copy);
        linkSync(at(scratch, copy), at(scratch, next));
        native.renameat2(scratch, next, directory, name, 0);
      }
    }
  };
  walk(layer.root, emptyPath, 0);
}

/** Returns the mode that it had. */
function relax(native: ChangesNative, parent: number, name: Buffer, wanted: number): number {
  return withFd(openHandle(native, parent, name), (handle) => {
    const mode = Number(fstatSync(handle).mode & 0o7777);
    if ((mode & wanted) !== wanted) chmodSync(self(handle), mode | wanted);
    return mode;
  });
}

/** Reads a directory that the payload may have closed to its owner: opened for as long as `use` takes. */
export function inClosed<T>(
  native: ChangesNative,
  parent: number,
  name: Buffer,
  use: (fd: number, mode: number) => T,
): T {
  const mode = Number((lstatAt(parent, name)?.mode ?? 0n) & 0o7777n);
  const closed = !isRoot() && (mode & 0o500) !== 0o500;
  if (closed) relax(native, parent, name, 0o500);
  const fd = openDirectory(native, parent, name);
  try {
    return use(fd, mode);
  } finally {
    if (closed) chmodSync(self(fd), mode);
    closeDescriptor(fd);
  }
}

/** Opens a directory to its owner for good. Returns the mode that it had. */
export const openToOwner = (native: ChangesNative, parent: number, name: Buffer): number =>
  relax(native, parent, name, 0o700);

/** Gives an open file or directory of a layer the owner and the attributes of another, but for overlayfs's own. */
export function likeIt(
  native: ChangesNative,
  source: number,
  copy: number,
  lacks: Lacks = {},
): void {
  const stat = fstatSync(source);
  if (isRoot()) fchownSync(copy, stat.uid, stat.gid);
  for (const name of native.flistxattr(source)) {
    if (!/^(user\.(?!overlay\.)|system\.posix_acl_)/.test(name)) continue;
    try {
      native.fsetxattr(copy, name, native.fgetxattr(source, name) ?? new Uint8Array());
    } catch (error) {
      if (lacks.attributes !== true || !notHeld.has(errnoOf(error))) throw error;
    }
  }
}

/** setxattr(2): the file system has no such attributes, or none that large. */
const notHeld: ReadonlySet<string> = new Set([
  'EOPNOTSUPP',
  'ENOTSUP',
  'EPERM',
  'EINVAL',
  'E2BIG',
  'ENOSPC',
  'EDQUOT',
]);

/**
 * Makes an empty root for a layer that is like the open root of another one, but for its mode. It appears when it is
 * whole; what a killed process was making is replaced.
 */
export function makeRootLike(
  native: ChangesNative,
  source: number,
  mode: number,
  parent: number,
  name: Buffer,
): void {
  const part = partOf(name);
  removeTree(native, parent, part);
  mkdirSync(at(parent, part), { mode: 0o700 });
  withFd(openDirectory(native, parent, part), (made) => {
    const stat = fstatSync(source, { bigint: true });
    likeIt(native, source, made);
    native.setTimes(made, stat.atimeNs, stat.mtimeNs);
    chmodSync(self(made), mode);
  });
  native.renameat2(parent, part, parent, name, 0);
}

/** Name of a root in its parent that is not whole yet. */
export const partOf = (name: Buffer): Buffer => Buffer.from(`${name.toString()}.new`);

/** Removes whiteouts from a layer that nothing lies below. */
export function dropWhiteouts(layer: Layer): void {
  const native = layer.native;
  const clear = (directory: number, depth: number): void => {
    for (const name of names(directory)) {
      const stat = lstatAt(directory, name);
      if (stat?.isCharacterDevice() === true && stat.rdev === 0n) {
        removeTree(native, directory, name);
      } else if (stat?.isDirectory() === true && depth < maxDepth) {
        withFd(layer.openDirectory(directory, name), (fd) => clear(fd, depth + 1));
      }
    }
  };
  clear(layer.root, 0);
}
