/**
 * The private root of a run without namespaces: while it runs, what it may write is not in its layers but in
 * `live`, a directory of the run or, as root, a link to one. At the end, or when a killed run is recovered,
 * what changed in it goes to the layers.
 *
 * A rename(2) makes each step of its life visible: `live.new` until its copies are whole, then `live`, and
 * `live.gone` once what changed is in the layers. Only `live` is ever compared.
 */
import { lstatSync, readlinkSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ChangesError } from '../../errors/index.js';
import { closeDescriptor } from '../../native/index.js';
import { privateCopyName, privateHomeName } from '../../resolve/index.js';
import { removeDirectory } from '../files/remove.js';
import { openTree } from '../files/workdir.js';
import type { ChangesNative, RunRecord, TreeIdentity } from '../model/index.js';
import { layerPath } from './layer-path.js';
import { treesOf } from './session.js';

export const privateRootName = 'live';
/** The name until its copies are whole. The native command has both names: addon/rundir/layer.h. */
export const newPrivateRootName = 'live.new';
/** The name once it was captured, until it is removed. */
const goneName = 'live.gone';
/** The name of what a capture could not read: it stays until the run is discarded. */
const restName = 'live.rest';

/** A path that mkdtemp(3) made for root: nothing else is followed. */
const publicRoot = /^(\/var)?\/tmp\/wasbox-[A-Za-z0-9]{6}$/;

/** Where it is; undefined where the run has none by that name. */
function privateRootOf(directory: string, name: string = privateRootName): string | undefined {
  const path = join(directory, name);
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (info === undefined || info.isDirectory()) return info && path;
  const target = info.isSymbolicLink() ? readlinkSync(path) : '';
  if (!publicRoot.test(target)) return undefined;
  const own = lstatSync(target, { throwIfNoEntry: false });
  return own?.isDirectory() === true && own.uid === process.geteuid?.() ? target : undefined;
}

export const hasPrivateRoot = (directory: string): boolean =>
  privateRootOf(directory) !== undefined;

/** Ids that files of root's payload get; none where it had the user's own. */
function ownerOf(upper: string, unowned: boolean): number[] {
  if (process.geteuid?.() !== 0) return [];
  const { uid, gid } = statSync(upper);
  return unowned ? [0, 0] : [uid, gid];
}

export interface CaptureOptions {
  /** True if root's payload had ids of no account; what it made is root's then. @default true */
  readonly unowned?: boolean | undefined;
  /** A directory in place of the working directory, an absolute path. */
  readonly elsewhere?: string | undefined;
}

/**
 * Returns whether a directory is the one that the run copied. Files are known by their inodes, so nothing tells in another
 * one what the run deleted.
 * @throws ChangesError if it is not, and the user did not name it
 */
function isSource(
  native: ChangesNative,
  record: RunRecord,
  tree: TreeIdentity,
  isOwn: boolean,
): boolean {
  try {
    closeDescriptor(openTree(native, tree, record));
    return true;
  } catch (error) {
    if (!(error instanceof ChangesError)) throw error;
    if (!isOwn) return false;
    throw new ChangesError(error.code, error.message, {
      cause: error.cause,
      hint: `The changes are found by comparing with it. Put it back, or name it:\n  wasbox diff ${record.id} --workdir DIR`,
    });
  }
}

/**
 * Moves what changed to the run's layers, or goes on where an earlier call was cut short. No process of the run
 * may be left.
 * @param directory of the run
 * @returns whether the layers are all that the run did
 * @throws ChangesError if a directory of the run is missing or another one; an error with `code` where there is no room
 */
export function capturePrivateRoot(
  native: ChangesNative,
  directory: string,
  record: RunRecord,
  { unowned = true, elsewhere }: CaptureOptions = {},
): boolean {
  const place = privateRootOf(directory);
  if (place === undefined) return true;
  const trees = [...treesOf(record).entries()].map(([index, tree]) => {
    const empty = tree.home === 'empty';
    const source = empty ? undefined : index === 0 ? (elsewhere ?? tree.path) : tree.path;
    const name = empty ? privateHomeName : privateCopyName(index);
    return { index, tree, source, name, isOwn: source === tree.path };
  });
  let whole = true;
  // Nothing is moved before all of them are known to be there.
  for (const { tree, source, isOwn } of trees)
    if (source !== undefined && !isSource(native, record, { ...tree, path: source }, isOwn))
      whole = false;
  for (const { index, source, name } of trees) {
    const upper = join(layerPath(directory, index), 'upper');
    const request = { source, place, name };
    if (!native.captureWorkingCopy(request, upper, ...ownerOf(upper, unowned))) whole = false;
  }
  return whole;
}

function rename(directory: string, from: string, to: string): void {
  renameSync(join(directory, from), join(directory, to));
}

/** Called once the copies are whole: from here on the private root is compared. */
export const beginPrivateRoot = (directory: string): void =>
  rename(directory, newPrivateRootName, privateRootName);

/** Called once the layers are what the run did: the private root is not compared any more. */
export const endedPrivateRoot = (directory: string): void =>
  rename(directory, privateRootName, goneName);

/** Called once the layers have what could be read: it is not compared any more, but stays for the user to look at. */
export const leavePrivateRoot = (directory: string): void =>
  rename(directory, privateRootName, restName);

/** Removes it; a run without one is left as it is. What a capture could not read stays unless `rest`. */
export function removePrivateRoot(native: ChangesNative, directory: string, rest = false): void {
  if (hasPrivateRoot(directory)) endedPrivateRoot(directory);
  for (const name of [newPrivateRootName, goneName, ...(rest ? [restName] : [])]) {
    const path = join(directory, name);
    const place = privateRootOf(directory, name);
    if (place !== undefined) removeDirectory(native, place);
    if (place === path) continue;
    // A link without a directory is left of a run that was killed as it made one.
    const info = lstatSync(path, { throwIfNoEntry: false });
    if (info?.isSymbolicLink() === true) unlinkSync(path);
  }
}
