/**
 * The target of a change on the host, and the check that it is still what was compared.
 */
import { unlinkSync } from 'node:fs';
import { at, openHandle, stateAt, stateOfFd, withFd } from '../files/fdtree.js';
import { type ChangesNative, type FileState, inodeKey } from '../model/index.js';
import { sameHost } from '../store/base.js';
import type { Journal } from './journal.js';
import { hostChanged } from './refusal.js';

export interface Placer {
  readonly native: ChangesNative;
  readonly journal: Journal;
  /** True if files can be renamed out of the layer; not if it is on another file system. */
  moves: boolean;
  /** `dev:ino` of files with several names to the ctime that `apply` gave them. */
  readonly ownCtimes: Map<string, bigint>;
}

/** The target of a change. */
export interface Target {
  /** Open directory of the host, and its path below the working directory. */
  readonly fd: number;
  readonly directory: Buffer;
  readonly name: Buffer;
  /** The state that was compared. */
  readonly before: FileState | undefined;
  /** True if the new file is a merge, which never equals the run's. @default false */
  readonly merged?: boolean | undefined;
}

/** Checks that the target is still what was compared. */
export function checkTarget(placer: Placer, target: Target): void {
  const now = stateAt(target.fd, target.name);
  if (sameHost(now, target.before)) return;
  if (now !== undefined && target.before !== undefined) {
    const ours = placer.ownCtimes.get(inodeKey(now)) === now.ctimeNs;
    if (ours && sameHost({ ...now, ctimeNs: target.before.ctimeNs }, target.before)) return;
  }
  throw hostChanged();
}

/** Returns whether an exchange gave the expected file. The rename itself changes the ctime. */
export function sameInode(a: FileState | undefined, b: FileState): boolean {
  if (a === undefined || a.ino !== b.ino || a.type !== b.type) return false;
  return a.type === 'directory' || (a.size === b.size && a.mtimeNs === b.mtimeNs);
}

/** Unlinks a file and records the ctime that its other names get. */
export function unlinkCounted(placer: Placer, fd: number, name: Buffer, before: FileState): void {
  if (before.links < 2) {
    unlinkSync(at(fd, name));
    return;
  }
  withFd(openHandle(placer.native, fd, name), (handle) => {
    unlinkSync(at(fd, name));
    placer.ownCtimes.set(inodeKey(before), stateOfFd(handle).ctimeNs);
  });
}

export const isRoot = (): boolean => process.geteuid?.() === 0;
