/**
 * Stage: changes. The working directory of a run, opened again.
 */
import { closeSync, fstatSync } from 'node:fs';
import { ChangesError } from '../errors/index.js';
import { openRoot } from './fdtree.js';
import type { ChangesNative, RunRecord } from './model.js';
import { displayPath } from './path.js';

/** Opens the working directory of a run, and makes sure that it is still the same one. */
export function openWorkdir(native: ChangesNative, record: RunRecord): number {
  const { path, ino } = record.workdir;
  const problem = (message: string, cause?: unknown): ChangesError =>
    new ChangesError(
      'ERR_APPLY',
      `The working directory ${displayPath(Buffer.from(path))} ${message}.`,
      {
        cause,
        hint: `Put it back, or drop the changes: wasbox discard ${record.id}`,
      },
    );
  let fd: number;
  try {
    fd = openRoot(native, path);
  } catch (error) {
    throw problem('cannot be opened', error);
  }
  if (fstatSync(fd, { bigint: true }).ino.toString() === ino) return fd;
  closeSync(fd);
  throw problem('is another one than the run worked in');
}
