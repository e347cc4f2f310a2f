/**
 * A directory that a run showed copy-on-write, opened again.
 */

import { type BigIntStats, fstatSync, statfsSync, statSync } from 'node:fs';
import { ChangesError } from '../../errors/index.js';
import { closeDescriptor } from '../../native/index.js';
import { displayPath } from '../../text/index.js';
import type { ChangesNative, RunRecord, TreeIdentity } from '../model/index.js';
import { openRoot, self } from './fdtree.js';

/** statfs(2). */
const OVERLAYFS_SUPER_MAGIC = 0x794c7630;

/**
 * When a file was made, in nanoseconds since 1970; 0 where its file system does not say. Undefined where statx(2) is
 * blocked, as in some containers: libuv then gives the time of the last change, in /proc as well, which has no births.
 */
export const birthOf = ({ birthtimeNs }: BigIntStats): string | undefined =>
  statSync('/proc/self', { bigint: true }).birthtimeNs === 0n ? birthtimeNs.toString() : undefined;

/**
 * Opens a tree of a run, and makes sure that it is still the same directory. While the run ends, it is the one that it
 * used; after that its birth time tells, which does not depend on how the clock was set when the run started.
 */
export function openTree(
  native: ChangesNative,
  tree: TreeIdentity,
  { id, started, status }: Pick<RunRecord, 'id' | 'started' | 'status'>,
): number {
  const { path, ino, birthNs } = tree;
  const problem = (message: string, cause?: unknown): ChangesError =>
    new ChangesError('ERR_APPLY', `The directory ${displayPath(Buffer.from(path))} ${message}.`, {
      cause,
      hint: `To review the changes: wasbox diff ${id}\nTo take them out: wasbox apply ${id} --workdir DIR`,
    });
  let fd: number;
  try {
    fd = openRoot(native, path);
  } catch (error) {
    throw problem('cannot be opened', error);
  }
  const stat = fstatSync(fd, { bigint: true });
  // File systems reuse inode numbers. The birth time is 0 where it is not supported.
  // An overlay, such as a container's root, gives a directory a new birth time when it is first written to.
  // The entry of a run that was interrupted has the time from its start, where a repeated start may have an older one.
  const birth = birthOf(stat);
  const isDated = birthNs !== undefined && status !== 'interrupted';
  const isYounger = Number(stat.birthtimeNs / 1_000_000n) > Date.parse(started);
  const isOther = birth !== undefined && birth !== birthNs && (isDated || isYounger);
  const differs =
    isOther && status !== 'running' && statfsSync(self(fd)).type !== OVERLAYFS_SUPER_MAGIC;
  if (stat.ino.toString() === ino && !differs) return fd;
  closeDescriptor(fd);
  throw problem('is not the one that the run used');
}
