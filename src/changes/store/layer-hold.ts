/**
 * How a process holds a frozen layer for itself, without a run: a file in the layer's `refs` that it keeps locked. Once
 * the process has ended, the lock is free, and the next look at the layers removes the file.
 */
import { fstatSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import {
  createFile,
  errnoOf,
  isAbsent,
  openToRead,
  removeQuietly,
  withFd,
} from '../files/fdtree.js';
import type { ChangesNative } from '../model/index.js';

const pattern = /^process-[0-9a-f]{16}$/;

export const isProcessRef = (name: string): boolean => pattern.test(name);

/** A file in `refs`, and the descriptor that has its lock. */
export interface ProcessRef {
  readonly name: string;
  readonly lock: number;
}

/** Adds such a file to the open `refs` of a layer that stays meanwhile. */
export function makeProcessRef(native: ChangesNative, refs: number): ProcessRef {
  const { randomBytes } = process.getBuiltinModule('node:crypto');
  for (;;) {
    const name = `process-${randomBytes(8).toString('hex')}`;
    const lock = createFile(native, refs, Buffer.from(name));
    try {
      // Before it is locked, another process may take it for one that was left.
      if (native.tryLock(lock) && fstatSync(lock).nlink > 0) return { name, lock };
    } catch (error) {
      closeDescriptor(lock);
      throw error;
    }
    closeDescriptor(lock);
  }
}

/** Removes a file whose process has ended. Returns whether it is gone. */
export function dropLeftRef(native: ChangesNative, refs: number, name: string): boolean {
  try {
    return withFd(openToRead(native, refs, Buffer.from(name)), (lock) => {
      if (!native.tryLock(lock)) return false;
      removeQuietly(refs, Buffer.from(name));
      return true;
    });
  } catch (error) {
    if (!isAbsent(error)) errnoOf(error);
    return isAbsent(error);
  }
}
