/**
 * Directories as descriptors: a name is only ever looked up in a directory that is
 * open, so that no path is walked twice and no symbolic link on the way is followed.
 *
 * `at(fd, name)` names an entry of an open directory for Node's fs, which has no *at calls: the
 * kernel resolves `/proc/self/fd/N` to the directory itself, wherever it was moved.
 */

import {
  type BigIntStats,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  unlinkSync,
} from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import type { ChangesNative, FileState, FileType } from '../model/index.js';

/** The number is the same on every architecture that Node runs on (Linux). */
export const O_PATH = 0x200000;
export const AT_FDCWD = -100;
export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;

const RESOLVE_NO_XDEV = 0x01;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;

const beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
const directoryFlags = constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Symbolic errno of a failed system call; other errors are thrown on. In a vm context, as of a test runner, errors of
 * Node's are no instances of `Error`.
 */
export function errnoOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) {
    if (typeof error.code === 'string') return error.code;
  }
  throw error;
}

/** Returns whether a directory could not be opened because there is none by that name. */
export const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error));

/** Path of an entry of an open directory, for Node's fs. */
export function at(fd: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
}

/** Path of an open file itself. Only for calls that follow: it is a magic link. */
export function self(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** Opens a directory by a trusted absolute path, none of whose parts may be a symbolic link. */
export function openRoot(native: ChangesNative, path: string): number {
  return native.openat2(
    AT_FDCWD,
    path,
    directoryFlags | O_PATH,
    0,
    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  );
}

/** Opens a subdirectory to read it. Fails with ELOOP, ENOTDIR or EXDEV (a mount point). */
export function openDirectory(native: ChangesNative, parent: number, name: Buffer): number {
  return native.openat2(parent, name, directoryFlags | constants.O_RDONLY, 0, beneath);
}

/** Opens a subdirectory without read permission, to look up names in it. */
export function openDirectoryPath(native: ChangesNative, parent: number, name: Buffer): number {
  return native.openat2(parent, name, directoryFlags | O_PATH, 0, beneath);
}

/**
 * Opens a directory below another one, name by name.
 * @param root a descriptor to begin with, which is closed
 * @param open opens a subdirectory
 */
export function openBelow(
  root: number,
  names: readonly Buffer[],
  open: (parent: number, name: Buffer) => number,
): number {
  let fd = root;
  for (const name of names) {
    const parent = fd;
    try {
      fd = open(parent, name);
    } finally {
      closeDescriptor(parent);
    }
  }
  return fd;
}

/** A handle of an entry of any type, not followed and not opened (a FIFO does not block). */
export function openHandle(native: ChangesNative, parent: number, name: Buffer): number {
  return native.openat2(parent, name, constants.O_NOFOLLOW | O_PATH, 0, beneath);
}

/** Opens a regular file to read it; never blocks. */
export function openToRead(native: ChangesNative, parent: number, name: Buffer): number {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  return native.openat2(parent, name, flags, 0, beneath);
}

/** Makes a file that must not exist yet, readable by its owner only. */
export function createFile(native: ChangesNative, parent: number, name: Buffer): number {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  return native.openat2(parent, name, flags, 0o600, beneath);
}

/** Runs `use` with a descriptor and closes it whatever happens. */
export function withFd<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeDescriptor(fd);
  }
}

/** Names in an open directory, in the order of their bytes. */
export function names(fd: number): Buffer[] {
  return readdirSync(self(fd), { encoding: 'buffer' }).sort(Buffer.compare);
}

export function typeOf(stat: BigIntStats): FileType {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  return stat.isSocket() ? 'socket' : 'device';
}

export function stateOf(stat: BigIntStats, link?: Buffer): FileState {
  return {
    type: typeOf(stat),
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: Number(stat.size),
    diskBytes: Number(stat.blocks) * 512,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    dev: stat.dev,
    ino: stat.ino,
    links: Number(stat.nlink),
    ...(link === undefined ? {} : { link }),
  };
}

/** The status of an entry, not followed; undefined if there is none. */
export function lstatAt(fd: number, name: Buffer): BigIntStats | undefined {
  return lstatSync(at(fd, name), { bigint: true, throwIfNoEntry: false });
}

/** Returns the entry as a {@link FileState}, a symbolic link with its target. */
export function stateAt(fd: number, name: Buffer): FileState | undefined {
  for (let attempt = 1; ; attempt++) {
    const stat = lstatAt(fd, name);
    if (stat === undefined) return undefined;
    if (!stat.isSymbolicLink()) return stateOf(stat);
    try {
      return stateOf(stat, readlinkSync(at(fd, name), { encoding: 'buffer' }));
    } catch (error) {
      // Another process replaced it between the two calls.
      if (attempt === 100 || !['EINVAL', 'ENOENT'].includes(errnoOf(error))) throw error;
    }
  }
}

export function stateOfFd(fd: number): FileState {
  return stateOf(fstatSync(fd, { bigint: true }));
}

/** Unlinks an entry that may be missing. */
export function removeQuietly(fd: number, name: Buffer): void {
  try {
    unlinkSync(at(fd, name));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** renameat2(2) with RENAME_NOREPLACE; false where the file system cannot do it (NFS, some FUSE). */
function renamedFresh(
  native: ChangesNative,
  fd: number,
  from: string | Buffer,
  target: number,
  to: string | Buffer,
): boolean {
  try {
    native.renameat2(fd, from, target, to, RENAME_NOREPLACE);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error;
    return false;
  }
}

/** Looks, then uses rename(2): another process may take the name after the look. */
function lookAndRename(
  native: ChangesNative,
  fd: number,
  from: string | Buffer,
  target: number,
  to: string | Buffer,
): void {
  if (lstatAt(target, Buffer.from(to)) !== undefined) throw new AlreadyExistsError();
  native.renameat2(fd, from, target, to, 0);
}

/** Renames to a name that only this process uses. */
export function renameAside(
  native: ChangesNative,
  fd: number,
  from: string | Buffer,
  to: string | Buffer,
): void {
  if (!renamedFresh(native, fd, from, fd, to)) lookAndRename(native, fd, from, fd, to);
}

/**
 * Renames what only this process uses to a name that must be free. Without RENAME_NOREPLACE, link(2) gives a file the
 * name, and fails if another process was faster; rename(2) of a directory replaces only an empty one.
 */
export function renameNoReplace(
  native: ChangesNative,
  fd: number,
  from: string | Buffer,
  to: string | Buffer,
  target: number = fd,
): void {
  if (renamedFresh(native, fd, from, target, to)) return;
  const [old, name] = [Buffer.from(from), Buffer.from(to)];
  if (lstatAt(fd, old)?.isDirectory() !== true && linked(fd, old, target, name)) {
    unlinkSync(at(fd, old));
    return;
  }
  lookAndRename(native, fd, from, target, to);
}

/** Errors of link(2) where it is not to be had: a FUSE file system that has no such call may say EROFS. */
const noLinks: readonly string[] = ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EROFS'];

/** Gives a file a further name; false if the file system has no hard links, or allows none to this file. */
export function linked(fd: number, from: Buffer, target: number, to: Buffer): boolean {
  try {
    linkSync(at(fd, from), at(target, to));
    return true;
  } catch (error) {
    if (noLinks.includes(errnoOf(error))) return false;
    throw error;
  }
}

/** The error that renameat2(RENAME_NOREPLACE) would have given. */
class AlreadyExistsError extends Error {
  readonly code = 'EEXIST';
}
