/** Applies one file, directory, symbolic link or deletion in an open directory of the host. */

import {
  chmodSync,
  chownSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  linkSync,
  mkdirSync,
  rmdirSync,
  symlinkSync,
} from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import { keepAttributes } from '../files/attributes.js';
import { copyContent } from '../files/content.js';
import {
  at,
  createFile,
  errnoOf,
  openDirectoryPath,
  openHandle,
  openToRead,
  renameAside,
  renameNoReplace,
  self,
  stateAt,
  stateOfFd,
  withFd,
} from '../files/fdtree.js';
import { unlessDenied } from '../files/layer.js';
import { joinPath } from '../files/path.js';
import { type ChangesNative, type FileState, inodeKey } from '../model/index.js';
import { discardTemp, install, makeTemp, type Temp } from './install.js';
import { hostChanged, notEmpty } from './refusal.js';
import {
  checkTarget,
  isRoot,
  type Placer,
  sameInode,
  type Target,
  unlinkCounted,
} from './target.js';

/** Installs a copy of an open file. */
export function placeFile(
  placer: Placer,
  target: Target,
  source: number,
  after: FileState,
  mode: number,
): void {
  let fd: number | undefined;
  try {
    const temp = makeTemp(
      placer,
      target,
      (_path, name) => {
        fd = createFile(placer.native, target.fd, name);
      },
      () => {
        if (fd !== undefined) fillFile(placer.native, target, { source, to: fd, after, mode });
      },
    );
    install(placer, target, temp);
  } finally {
    if (fd !== undefined) closeDescriptor(fd);
  }
}

function fillFile(
  native: ChangesNative,
  target: Target,
  { source, to, after, mode }: { source: number; to: number; after: FileState; mode: number },
): void {
  copyContent(native, source, to);
  if (isRoot()) fchownSync(to, after.uid, after.gid);
  if (target.before?.type === 'file') keepOld(native, target, to);
  fchmodSync(to, mode);
  native.setTimes(to, after.mtimeNs, after.mtimeNs);
}

/** Copies the attributes of the host's file, not those of the layer. */
function keepOld(native: ChangesNative, { fd, name, before }: Target, to: number): void {
  const old = unlessDenied(() => openToRead(native, fd, name));
  if (old === undefined) return;
  withFd(old, () => {
    if (fstatSync(old, { bigint: true }).ino === before?.ino) keepAttributes(native, old, to);
  });
}

/**
 * Creates a hard link to a file; false if it must be copied: the file system has no hard links, or another
 * process changed the file since `from.state`.
 */
export function placeLink(
  placer: Placer,
  target: Target,
  from: { readonly directory: number; readonly name: Buffer; readonly state: FileState },
): boolean {
  let temp: Temp;
  try {
    // link(2) does not follow symbolic links.
    temp = makeTemp(placer, target, (path) => linkSync(at(from.directory, from.name), path));
  } catch (error) {
    errnoOf(error); // if the copy fails as well, its error is reported
    return false;
  }
  if (!sameInode(stateAt(target.fd, temp.path), from.state)) {
    discardTemp(placer, target, temp);
    return false;
  }
  install(placer, target, temp);
  return true;
}

/** Installs a symbolic link; its target is not checked. */
export function placeSymlink(placer: Placer, target: Target, link: Buffer, after: FileState): void {
  const temp = makeTemp(placer, target, (path, name) => {
    symlinkSync(link, path);
    if (isRoot()) lchownSync(path, after.uid, after.gid);
    placer.native.setTimesAt(target.fd, name, after.mtimeNs, after.mtimeNs);
  });
  install(placer, target, temp);
}

/**
 * Creates a directory that is accessible only to its owner until it is complete; then it gets `mode`.
 * @returns the step of the journal that is over when it has it
 */
export function placeDirectory(placer: Placer, target: Target, mode: number): string {
  const temp = makeTemp(placer, target, (path) => mkdirSync(path, { mode: 0o700 }));
  const directory = joinPath(target.directory, target.name);
  const step = placer.journal.begin({ op: 'mode', directory, mode, ino: temp.ino });
  try {
    install(placer, target, temp);
  } catch (error) {
    placer.journal.end(step, 'undone');
    throw error;
  }
  return step;
}

/** Removes what was compared, and nothing else. */
export function placeDeletion(placer: Placer, target: Target): void {
  const { native } = placer;
  const { fd, name, before } = target;
  checkTarget(placer, target);
  if (before === undefined) return;
  if (before.type === 'directory') {
    try {
      rmdirSync(at(fd, name));
    } catch (error) {
      throw errnoOf(error) === 'ENOTEMPTY' ? notEmpty() : error;
    }
    return;
  }
  const temp = placer.journal.newName();
  const { directory } = target;
  const step = placer.journal.begin({ op: 'take', directory, temp, name, oldIno: before.ino });
  renameAside(native, fd, name, temp);
  if (!sameInode(stateAt(fd, Buffer.from(temp)), before)) {
    renameNoReplace(native, fd, temp, name);
    placer.journal.end(step, 'undone');
    throw hostChanged();
  }
  unlinkCounted(placer, fd, Buffer.from(temp), before);
  placer.journal.end(step, 'done');
}

/** Changes mode, owner or time of the inode that was compared. */
export function placeMetadata(
  placer: Placer,
  target: Target,
  after: FileState,
  mode: number,
  timeOnly: boolean,
): void {
  checkTarget(placer, target);
  const { native } = placer;
  const open = after.type === 'directory' ? openDirectoryPath : openHandle;
  withFd(open(native, target.fd, target.name), (handle) => {
    const now = fstatSync(handle, { bigint: true });
    if (target.before === undefined || now.ino !== target.before.ino) throw hostChanged();
    if (after.type === 'file') setFileTimes(native, target, after, now.ino);
    if (!timeOnly) {
      if (isRoot()) chownSync(self(handle), after.uid, after.gid);
      chmodSync(self(handle), mode);
    }
    if (target.before.links > 1) {
      placer.ownCtimes.set(inodeKey(target.before), stateOfFd(handle).ctimeNs);
    }
  });
}

function setFileTimes(native: ChangesNative, target: Target, after: FileState, ino: bigint): void {
  if (target.before?.mtimeNs === after.mtimeNs) return;
  withFd(openToRead(native, target.fd, target.name), (fd) => {
    if (fstatSync(fd, { bigint: true }).ino !== ino) throw hostChanged();
    native.setTimes(fd, after.mtimeNs, after.mtimeNs);
  });
}
