/**
 * Moves a new file from its temporary name to its name on the host, in an open directory.
 *
 * The new file is created beside the old one and takes its place by one renameat2(RENAME_EXCHANGE). The
 * old file, now under the temporary name, is checked: if it is not the one that was compared, another
 * process changed it meanwhile, and the exchange is undone.
 */
import { rmdirSync, unlinkSync } from 'node:fs';
import {
  at,
  errnoOf,
  lstatAt,
  RENAME_EXCHANGE,
  renameNoReplace,
  stateAt,
} from '../files/fdtree.js';
import type { ChangesNative, FileState } from '../model/index.js';
import { hostChanged, notEmpty, RefusedError } from './refusal.js';
import { checkTarget, type Placer, sameInode, type Target, unlinkCounted } from './target.js';

/** Something new under a temporary name, in the directory of its target. */
export interface Temp {
  readonly name: string;
  readonly path: Buffer;
  readonly ino: bigint;
  /** Its step in the journal. */
  readonly step: string;
}

/**
 * Creates something under a new temporary name.
 *
 * @param create makes it, with nothing in it yet: a kill before its inode is recorded then loses nothing
 * @param fill gives it what it holds
 */
export function makeTemp(
  { journal }: Placer,
  target: Target,
  create: (path: Buffer, name: Buffer) => void,
  fill: (name: Buffer) => void = () => undefined,
): Temp {
  const { fd, directory, before, merged = false } = target;
  const name = journal.newName();
  const path = Buffer.from(name);
  const step = journal.begin({
    op: 'temp',
    directory,
    temp: name,
    name: target.name,
    oldIno: before?.ino ?? 0n,
    merged,
  });
  try {
    create(at(fd, path), path);
    const ino = lstatAt(fd, path)?.ino;
    if (ino === undefined) throw hostChanged(); // another process removed it
    journal.made(step, ino);
    fill(path);
    return { name, path, ino, step };
  } catch (error) {
    if (!(error instanceof RefusedError) && errnoOf(error) !== 'EEXIST') removeName(fd, path);
    journal.end(step, 'undone');
    throw error;
  }
}

/** Removes a file, link or empty directory under one name; it may be missing. */
export function removeName(fd: number, path: Buffer): void {
  const stat = lstatAt(fd, path);
  if (stat?.isDirectory() === true) rmdirSync(at(fd, path));
  else if (stat !== undefined) unlinkSync(at(fd, path));
}

/** Removes what was made, unless another process put something else there. */
export function discardTemp({ journal }: Placer, { fd }: Target, temp: Temp): void {
  if (lstatAt(fd, temp.path)?.ino === temp.ino) removeName(fd, temp.path);
  journal.end(temp.step, 'undone');
}

/** Gives the temporary file its name. The old file must be the one that was compared. */
export function install(placer: Placer, target: Target, temp: Temp): void {
  const { native, journal } = placer;
  const { fd, name, before } = target;
  try {
    checkTarget(placer, target);
    if (before === undefined) renameNoReplace(native, fd, temp.name, name);
    else if (exchange(native, target, temp, before)) dropOld(placer, target, temp, before);
  } catch (error) {
    discardTemp(placer, target, temp);
    if (error instanceof RefusedError) throw error;
    if (errnoOf(error) === 'EEXIST') throw hostChanged();
    throw error;
  }
  journal.end(temp.step, 'done');
}

/**
 * Exchanges the two names; false if the file system cannot, and the old file was replaced instead. It was
 * compared just before, which is the best that such a file system allows.
 */
function exchange(
  native: ChangesNative,
  { fd, name }: Target,
  temp: Temp,
  before: FileState,
): boolean {
  try {
    native.renameat2(fd, temp.name, fd, name, RENAME_EXCHANGE);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error;
  }
  if (before.type === 'directory') rmdirSync(at(fd, name));
  native.renameat2(fd, temp.name, fd, name, 0);
  return false;
}

/** Removes the old file, which has the temporary name now. @throws after both have their names again */
function dropOld(placer: Placer, target: Target, temp: Temp, before: FileState): void {
  const { fd, name } = target;
  const back = (): void => placer.native.renameat2(fd, temp.name, fd, name, RENAME_EXCHANGE);
  if (!sameInode(stateAt(fd, temp.path), before)) {
    back();
    throw hostChanged();
  }
  if (before.type !== 'directory') {
    unlinkCounted(placer, fd, temp.path, before);
    return;
  }
  try {
    rmdirSync(at(fd, temp.path));
  } catch (error) {
    back();
    if (errnoOf(error) !== 'ENOTEMPTY') throw error;
    throw notEmpty();
  }
}
