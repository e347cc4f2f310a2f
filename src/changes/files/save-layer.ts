/**
 * Copies a layer from memory to the directory of its run, on a file system that overlayfs cannot write to. No program
 * may use the layer any more. The copy appears as a whole: a kill before that leaves the empty layer that was there.
 */
import {
  type BigIntStats,
  chmodSync,
  linkSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import type { ChangesNative } from '../model/index.js';
import { at, createFile, lstatAt, names, openDirectory, self, withFd } from './fdtree.js';
import { maxDepth, opacityOf, opaqueName, whiteoutName } from './layer.js';
import { copyFile, inClosed, likeIt } from './merge-layer.js';
import { removeTree } from './remove.js';

const upperName = Buffer.from('upper');
const savingName = Buffer.from('saving');
const namesName = Buffer.from('names');
/** Bits of the type in a mode: inode(7). */
const typeBits = 0o170000n;

const yes = Buffer.from('y');
/** Whiteouts in such a directory are files with an attribute: Linux 6.7, Documentation/filesystems/overlayfs. */
const holdsWhiteouts = Buffer.from('x');

/**
 * Whether the file system of an open directory has the attributes of overlayfs. Without them, a layer cannot record
 * what was removed.
 */
export function hasLayerAttributes(native: ChangesNative, layer: number): boolean {
  try {
    withFd(openDirectory(native, layer, Buffer.from('.')), (directory) => {
      native.fsetxattr(directory, opaqueName, holdsWhiteouts);
      native.fremovexattr(directory, opaqueName);
    });
    return true;
  } catch {
    return false;
  }
}

/**
 * @param from the open directory of a layer in memory, with `upper` in it
 * @param to that of the run's layer, whose `upper` is empty
 */
export function saveLayer(native: ChangesNative, from: number, to: number): void {
  for (const name of [savingName, namesName]) removeTree(native, to, name);
  for (const name of [savingName, namesName]) mkdirSync(at(to, name), { mode: 0o700 });
  try {
    withFd(openDirectory(native, to, namesName), (shared) =>
      copyDirectory(new Copy(native, shared), from, upperName, to, savingName, 0),
    );
    native.renameat2(to, savingName, to, upperName, 0);
  } finally {
    for (const name of [savingName, namesName]) removeTree(native, to, name);
  }
}

/** What all steps of one copy share. */
class Copy {
  readonly native: ChangesNative;
  /** An open directory with a name for each file that has several, by inode. */
  readonly shared: number;

  constructor(native: ChangesNative, shared: number) {
    this.native = native;
    this.shared = shared;
  }
}

/** Copies into an existing, empty directory. */
function copyDirectory(
  copy: Copy,
  from: number,
  name: Buffer,
  to: number,
  copyName: Buffer,
  depth: number,
): void {
  const { native } = copy;
  const stat = lstatAt(from, name);
  if (stat === undefined) return;
  withFd(openDirectory(native, to, copyName), (made) => {
    inClosed(native, from, name, (source, mode) => {
      likeIt(native, source, made);
      if (opacityOf(native, source) === 'y') native.fsetxattr(made, opaqueName, yes);
      // The review shows deeper directories as too deep to be read: src/changes/scan.
      if (depth <= maxDepth) {
        for (const entry of names(source)) copyEntry(copy, source, entry, made, depth);
      }
      chmodSync(self(made), mode);
    });
    native.setTimes(made, stat.atimeNs, stat.mtimeNs);
  });
}

function copyEntry(copy: Copy, from: number, name: Buffer, to: number, depth: number): void {
  const { native } = copy;
  const stat = lstatAt(from, name);
  if (stat === undefined) return;
  if (stat.isDirectory()) {
    mkdirSync(at(to, name), { mode: 0o700 });
    copyDirectory(copy, from, name, to, name, depth + 1);
  } else if (stat.isFile()) {
    copyNamedFile(copy, from, name, to, stat);
  } else if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(at(from, name), { encoding: 'buffer' }), at(to, name));
    native.setTimesAt(to, name, stat.atimeNs, stat.mtimeNs);
  } else if (stat.isCharacterDevice()) {
    whiteOut(native, to, name); // no other device can be made in a sandbox
  } else {
    native.makeNode(to, name, Number(stat.mode & typeBits) | 0o600);
    chmodSync(at(to, name), Number(stat.mode & 0o7777n));
    native.setTimesAt(to, name, stat.atimeNs, stat.mtimeNs);
  }
}

function copyNamedFile(
  { native, shared }: Copy,
  from: number,
  name: Buffer,
  to: number,
  { ino, nlink }: BigIntStats,
): void {
  if (nlink === 1n) {
    copyFile(native, from, name, to, name);
    return;
  }
  const first = Buffer.from(`${ino}`);
  if (lstatAt(shared, first) === undefined) copyFile(native, from, name, shared, first);
  linkSync(at(shared, first), at(to, name));
}

/** By attribute: device 0:0 cannot be made on an overlay, whose own whiteout it is. Other file systems get the same. */
function whiteOut(native: ChangesNative, directory: number, name: Buffer): void {
  if (opacityOf(native, directory) === 'y') return; // nothing shows through
  withFd(createFile(native, directory, name), (fd) => native.fsetxattr(fd, whiteoutName, yes));
  native.fsetxattr(directory, opaqueName, holdsWhiteouts);
}
