/** Finds the directory, or the program itself, whose mode keeps a sandbox of root from a path of the host. */
import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { IdentitySpec } from '../resolve/index.js';

/** A directory or program that these ids may not use. */
export interface Closed {
  readonly path: string;
  /** True for a directory on the way, false for the program at its end. */
  readonly directory: boolean;
}

type Ids = Pick<IdentitySpec, 'hostUid' | 'hostGid'>;

/** True if the mode lets these ids enter or execute; the payload of root has no other groups. */
function mayEnter({ hostUid, hostGid }: Ids, { uid, gid, mode }: Stats): boolean {
  if (uid === hostUid) return (mode & 0o100) !== 0;
  return (mode & (gid === hostGid ? 0o010 : 0o001)) !== 0;
}

/**
 * Returns the first place on the way to `path` that other ids may enter or execute and these may not; undefined where
 * the modes let these ids through, or no user may execute the program.
 */
export function closedTo(ids: Ids, path: string): Closed | undefined {
  const above = dirname(path) === path ? undefined : closedTo(ids, dirname(path));
  if (above !== undefined) return above;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || (found.mode & 0o111) === 0 || mayEnter(ids, found)) return undefined;
  return { path, directory: found.isDirectory() };
}
