/**
 * Moves a new file from its temporary name to its name on the host, in an open directory.
 *
 * The new file is created beside the old one and takes its place by one renameat2(RENAME_EXCHANGE). The
 * old file, now under the temporary name, is checked: if it is not the one that was compared, another
 * process changed it meanwhile, and the exchange is undone.
 */
import { rmdirSync } from 'node:fs';
import {
  at,
  errnoOf,
  lstatAt,
  RENAME_EXCHANGE,
  renameNoReplace,
  stateAt,
} from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import type { ChangesNative, FileState } from '../model/index.js';
import { hostChanged, notEmpty, RefusedError } from './refusal.js';
import { checkTarget, type Placer, sameInode, type Target, unlinkCounted } from './target.js';

/** Creates something under a new temporary name. */
export function makeTemp<T>(
  placer: Placer,
  target: Target,
  make: (path: Buffer, name: Buffer) => T,
): { temp: string; made: T } {
  for (;;) {
    const temp = `.wasbox-${placer.id}-${placer.next++}`;
    const name = Buffer.from(temp);
    if (lstatAt(target.fd, name) !== undefined) continue;
    placer.journal.write({ op: 'temp', directory: target.directory, temp });
    try {
      return { temp, made: make(at(target.fd, name), name) };
    } catch (error) {
      removeTree(placer.native, target.fd, name);
      throw error;
    }
  }
}

export function discardTemp(placer: Placer, target: Target, temp: string): void {
  removeTree(placer.native, target.fd, Buffer.from(temp));
}

/** Gives the temporary file its name. The old file must be the one that was compared. */
export function install(placer: Placer, target: Target, temp: string): void {
  const { native } = placer;
  const { fd, name, before } = target;
  try {
    checkTarget(placer, target);
    if (before === undefined) {
      renameNoReplace(native, fd, temp, name);
      return;
    }
    const newIno = lstatAt(fd, Buffer.from(temp))?.ino ?? 0n;
    placer.journal.write({
      op: target.merged === true ? 'merge' : 'swap',
      directory: target.directory,
      temp,
      name,
      oldIno: before.ino,
      newIno,
    });
    if (!exchange(native, target, temp, before)) return;
  } catch (error) {
    discardTemp(placer, target, temp);
    if (error instanceof RefusedError) throw error;
    if (errnoOf(error) === 'EEXIST') throw hostChanged();
    throw error;
  }
  dropOld(placer, target, temp, before);
}

/**
 * Exchanges the two names; false if the file system cannot, and the old file was replaced instead. It was
 * compared just before, which is the best that such a file system allows.
 */
function exchange(
  native: ChangesNative,
  { fd, name }: Target,
  temp: string,
  before: FileState,
): boolean {
  try {
    native.renameat2(fd, temp, fd, name, RENAME_EXCHANGE);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error;
  }
  if (before.type === 'directory') rmdirSync(at(fd, name));
  native.renameat2(fd, temp, fd, name, 0);
  return false;
}

function dropOld(placer: Placer, target: Target, temp: string, before: FileState): void {
  const { fd, name } = target;
  const path = Buffer.from(temp);
  const back = (): void => {
    placer.native.renameat2(fd, temp, fd, name, RENAME_EXCHANGE);
    discardTemp(placer, target, temp);
  };
  if (!sameInode(stateAt(fd, path), before)) {
    back();
    throw hostChanged();
  }
  if (before.type !== 'directory') {
    unlinkCounted(placer, fd, path, before);
    return;
  }
  try {
    rmdirSync(at(fd, path));
  } catch (error) {
    back();
    if (errnoOf(error) !== 'ENOTEMPTY') throw error;
    throw notEmpty();
  }
}
