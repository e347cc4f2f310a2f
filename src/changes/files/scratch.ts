/** A directory in which files are made before they get their names, on the same file system. */
import { mkdirSync } from 'node:fs';
import type { ChangesNative } from '../model/index.js';
import { at, openDirectory, withFd } from './fdtree.js';
import { removeTree } from './remove.js';

export const scratchName: Buffer = Buffer.from('merging');

/** Calls `use` with an empty scratch directory of `directory`. What a failure leaves in it is removed by the next call. */
export function withScratch(
  native: ChangesNative,
  directory: number,
  use: (scratch: number) => void,
): void {
  removeTree(native, directory, scratchName);
  mkdirSync(at(directory, scratchName), { mode: 0o700 });
  withFd(openDirectory(native, directory, scratchName), use);
  removeTree(native, directory, scratchName);
}
