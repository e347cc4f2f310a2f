/**
 * The private root of a run without namespaces: while it runs, what it may write is not in its layers but in
 * `live`, a directory of the run or, as root, a link to one. At the end, or when a killed run is recovered,
 * what changed in it goes to the layers.
 */
import { lstatSync, readlinkSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { privateCopyName, privateHomeName } from '../../resolve/index.js';
import { removeDirectory } from '../files/remove.js';
import type { ChangesNative, RunRecord } from '../model/index.js';
import { unmadeRunId } from './id.js';
import { layerPath } from './layer-path.js';
import { treesOf } from './session.js';

export const privateRootName = 'live';

/** The directory of a run that is not made: zeros stand for its id. */
export const unmadeRun = (state: { readonly directory: string }): string =>
  join(state.directory, 'runs', unmadeRunId);

/** As mkdtemp(3) made it for root: nothing else is followed. */
const publicRoot = /^(\/var)?\/tmp\/wasbox-[A-Za-z0-9]{6}$/;

/** Where it is; undefined where the run has none. */
function privateRootOf(directory: string): string | undefined {
  const path = join(directory, privateRootName);
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

/**
 * Moves what changed to the run's layers. No process of the run may be left.
 * @param directory of the run
 * @param unowned whether root's payload had ids of no account; what it made is root's then
 * @throws an error with `code` where it does not find room
 */
export function capturePrivateRoot(
  native: ChangesNative,
  directory: string,
  record: RunRecord,
  unowned = true,
): void {
  const place = privateRootOf(directory);
  if (place === undefined) return;
  for (const [index, { path, home }] of treesOf(record).entries()) {
    const empty = home === 'empty';
    const name = empty ? privateHomeName : privateCopyName(index);
    const source = empty ? undefined : path;
    const upper = join(layerPath(directory, index), 'upper');
    native.captureWorkingCopy({ source, place, name }, upper, ...ownerOf(upper, unowned));
  }
}

/** Removes it; a run without one is left as it is. */
export function removePrivateRoot(native: ChangesNative, directory: string): void {
  const place = privateRootOf(directory);
  if (place === undefined) return;
  removeDirectory(native, place);
  const path = join(directory, privateRootName);
  if (place !== path) unlinkSync(path);
}
