/**
 * Copies the layers of a run from memory to its directory, on a file system that overlayfs cannot write to. No program
 * may use them any more. All copies appear or none: a mark says that all are whole, and after a kill behind it the next
 * look at the runs puts the rest in place. A kill before it leaves the empty layers that were there.
 */
import { type BigIntStats, chmodSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import type { ChangesNative } from '../model/index.js';
import {
  at,
  createFile,
  errnoOf,
  linked,
  lstatAt,
  names,
  openDirectory,
  self,
  withFd,
} from './fdtree.js';
import { maxDepth, opacityOf, opaqueName, whiteoutName } from './layer.js';
import { copyFile, inClosed, type Lacks, likeIt } from './merge-layer.js';
import { emptyPath, joinPath } from './path.js';
import { removeTree } from './remove.js';

const upperName = Buffer.from('upper');
const savingName = Buffer.from('saving');
const namesName = Buffer.from('names');
/** The name in the first layer's directory, once the copies of all layers are whole. */
const wholeName = Buffer.from('whole');
/** Bits of the type in a mode: inode(7). */
const typeBits = 0o170000n;

const yes = Buffer.from('y');
/** Whiteouts in such a directory are files with an attribute: Linux 6.7, Documentation/filesystems/overlayfs. */
const holdsWhiteouts = Buffer.from('x');

/**
 * Returns whether the file system of an open directory has the attributes of overlayfs. Without them, a layer
 * cannot record what was removed.
 */
export function hasLayerAttributes(native: ChangesNative, layer: number): boolean {
  return withFd(openDirectory(native, layer, Buffer.from('.')), (directory) => {
    try {
      native.fsetxattr(directory, opaqueName, holdsWhiteouts);
    } catch (error) {
      if (['EOPNOTSUPP', 'ENOTSUP', 'EPERM'].includes(errnoOf(error))) return false;
      throw error;
    }
    native.fremovexattr(directory, opaqueName);
    return true;
  });
}

/** The open directory of a layer in memory, with `upper` in it, and that of the run's layer, whose `upper` is empty. */
export interface MovedLayer {
  readonly from: number;
  readonly to: number;
}

export interface SaveOptions {
  /** True if the layers are only counted and then dropped: of files, the size is enough. @default false */
  readonly dropped?: boolean | undefined;
}

/**
 * Saves all layers of a run, or none: a part of what it did must not pass for all.
 * @returns paths of what the file system cannot hold, such as sockets, which are left out
 */
export function saveLayers(
  native: ChangesNative,
  layers: readonly MovedLayer[],
  { dropped = false }: SaveOptions = {},
): Buffer[] {
  const leftOut: Buffer[] = [];
  const replaced: { readonly to: number; readonly mode: number }[] = [];
  for (const { to } of layers) removeUnsaved(native, to);
  try {
    for (const { from, to } of layers) {
      for (const name of [savingName, namesName]) mkdirSync(at(to, name), { mode: 0o700 });
      withFd(openDirectory(native, to, namesName), (shared) => {
        const copy = { native, shared, leftOut, lacks: { content: dropped, attributes: true } };
        copyDirectory(copy, emptyPath, from, upperName, to, savingName, 0);
      });
    }
    for (const { to } of layers.slice(0, 1)) closeDescriptor(createFile(native, to, wholeName));
    for (const { to } of layers) {
      replaced.push({ to, mode: Number((lstatAt(to, upperName)?.mode ?? 0n) & 0o7777n) });
      native.renameat2(to, savingName, to, upperName, 0);
    }
  } catch (error) {
    unmark(native, layers);
    for (const { to, mode } of replaced) {
      removeTree(native, to, upperName);
      mkdirSync(at(to, upperName), { mode: 0o700 });
      chmodSync(at(to, upperName), mode);
    }
    throw error;
  } finally {
    for (const { to } of layers) removeUnsaved(native, to);
    unmark(native, layers);
  }
  return leftOut;
}

function unmark(native: ChangesNative, layers: readonly MovedLayer[]): void {
  for (const { to } of layers) removeTree(native, to, wholeName);
}

/** Removes what a copy that was cut off has left in the open directory of a layer. */
function removeUnsaved(native: ChangesNative, layer: number): void {
  for (const name of [savingName, namesName]) removeTree(native, layer, name);
}

/** Goes on where {@link saveLayers} was cut off. @param layers open directories of all layers of the run */
export function recoverSaving(native: ChangesNative, layers: readonly number[]): void {
  const isWhole = layers.some((layer) => lstatAt(layer, wholeName) !== undefined);
  for (const layer of layers) {
    if (isWhole && lstatAt(layer, savingName) !== undefined)
      native.renameat2(layer, savingName, layer, upperName, 0);
  }
  for (const layer of layers) removeUnsaved(native, layer);
  for (const layer of layers) removeTree(native, layer, wholeName);
}

/** The parts that all steps of one copy share. */
interface Copy {
  readonly native: ChangesNative;
  /** An open directory with a name for each file that has several, by inode. */
  readonly shared: number;
  readonly lacks: Lacks;
  readonly leftOut: Buffer[];
}

/** Where an entry is, and where its copy goes. */
interface Entry {
  /** The path from the root of the layer. */
  readonly path: Buffer;
  readonly name: Buffer;
  /** The open directories that have it and its copy. */
  readonly from: number;
  readonly to: number;
  /** Names between it and the root. */
  readonly depth: number;
}

/** Copies into an existing, empty directory. */
function copyDirectory(
  copy: Copy,
  path: Buffer,
  from: number,
  name: Buffer,
  to: number,
  copyName: Buffer,
  depth: number,
): void {
  const { native, lacks } = copy;
  const stat = lstatAt(from, name);
  if (stat === undefined) return;
  withFd(openDirectory(native, to, copyName), (made) => {
    inClosed(native, from, name, (source, mode) => {
      likeIt(native, source, made, lacks);
      if (opacityOf(native, source) === 'y') native.fsetxattr(made, opaqueName, yes);
      // The review shows deeper directories as too deep to be read: src/changes/scan.
      if (depth <= maxDepth) {
        for (const entry of names(source)) {
          const whole = joinPath(path, entry);
          copyHeld(copy, { path: whole, name: entry, from: source, to: made, depth });
        }
      }
      chmodSync(self(made), mode);
    });
    native.setTimes(made, stat.atimeNs, stat.mtimeNs);
  });
}

/** Errors of a file system that has no such file type, name or size: SMB, 9p and many of FUSE. */
const notHeld: ReadonlySet<string> = new Set([
  'EPERM',
  'EOPNOTSUPP',
  'ENOTSUP',
  'ENOSYS',
  'EINVAL',
  'EILSEQ',
  'ENAMETOOLONG',
  'EFBIG',
]);

/** Copies an entry, or leaves it out if the file system cannot hold it. */
function copyHeld(copy: Copy, entry: Entry): void {
  try {
    copyEntry(copy, entry);
  } catch (error) {
    const { path, name, from, to } = entry;
    const stat = lstatAt(from, name);
    // An entry that is not said to be removed would come back.
    if (stat?.isCharacterDevice() === true || !notHeld.has(errnoOf(error))) throw error;
    removeTree(copy.native, to, name);
    copy.leftOut.push(path);
  }
}

function copyEntry(copy: Copy, { path, name, from, to, depth }: Entry): void {
  const { native } = copy;
  const stat = lstatAt(from, name);
  if (stat === undefined) return;
  if (stat.isDirectory()) {
    mkdirSync(at(to, name), { mode: 0o700 });
    copyDirectory(copy, path, from, name, to, name, depth + 1);
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
  { native, shared, lacks }: Copy,
  from: number,
  name: Buffer,
  to: number,
  { ino, nlink }: BigIntStats,
): void {
  if (nlink === 1n) {
    copyFile(native, from, name, to, name, lacks);
    return;
  }
  const first = Buffer.from(`${ino}`);
  if (lstatAt(shared, first) === undefined) copyFile(native, from, name, shared, first, lacks);
  // Without links, each name gets a copy of its own.
  if (!linked(shared, first, to, name)) native.renameat2(shared, first, to, name, 0);
}

/**
 * Hides a name by an attribute: device 0:0 cannot be made on an overlay, whose own whiteout it is. Other file systems
 * get the same.
 */
function whiteOut(native: ChangesNative, directory: number, name: Buffer): void {
  if (opacityOf(native, directory) === 'y') return; // nothing shows through
  withFd(createFile(native, directory, name), (fd) => native.fsetxattr(fd, whiteoutName, yes));
  native.fsetxattr(directory, opaqueName, holdsWhiteouts);
}
