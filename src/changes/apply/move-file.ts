/**
 * Moves a file out of the layer by rename, so that nothing is copied, however large it is.
 *
 * The inode that the payload wrote becomes the host's, so it must equal what a copy would be: one name, no
 * attributes, the owner that a new file gets, and no process that has it open for writing. Everything
 * else is copied.
 */
import { chmodSync, fstatSync } from 'node:fs';
import { noAttributes, readAttributes, readLayerAttributes } from '../files/attributes.js';
import {
  errnoOf,
  openToRead,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  self,
  stateAt,
  withFd,
} from '../files/fdtree.js';
import { unlessDenied } from '../files/layer.js';
import type { ChangesNative, FileState } from '../model/index.js';
import { hostChanged } from './refusal.js';
import {
  checkTarget,
  isRoot,
  type Placer,
  sameInode,
  type Target,
  unlinkCounted,
} from './target.js';

/** Errors that mean that files cannot be renamed out of the layer, for example because it is on another file system. */
const impossible = ['EXDEV', 'EINVAL'];

/** Returns whether the replaced file of the host has attributes, which a copy would keep. */
function hasAttributes(native: ChangesNative, { fd, name }: Target): boolean {
  const attributes = unlessDenied(() =>
    withFd(openToRead(native, fd, name), (old) => readAttributes(native, old)),
  );
  return attributes === undefined || attributes.size > 0;
}

/** The parts of the layer's file that {@link prepare} changes. */
interface Movable {
  /** Names of the attributes that overlayfs set. */
  readonly attributes: readonly string[];
  /** Its current mode, which may have been relaxed to read the file. */
  readonly mode: number;
}

/** Returns what is needed to move a file; undefined if it must be copied. */
function lookMovable(
  { native, moves }: Placer,
  target: Target,
  source: number,
  after: FileState,
  mode: number,
): Movable | undefined {
  const { before } = target;
  if (!moves || mode !== after.mode) return undefined;
  if (before !== undefined && before.type !== 'file' && before.type !== 'symlink') return undefined;
  const stat = fstatSync(source, { bigint: true });
  if (!stat.isFile() || stat.ino !== after.ino || stat.nlink !== 1n) return undefined;
  if (!isRoot() && (after.uid !== process.geteuid?.() || after.gid !== process.getegid?.())) {
    return undefined;
  }
  const { own, foreign, names } = readLayerAttributes(native, source);
  if (own !== noAttributes || foreign) return undefined;
  const attributes = names.filter((name) => name.startsWith('user.overlay.'));
  // Removing overlayfs's attributes would need a more permissive mode, which a kill could leave behind.
  if (!isRoot() && (mode & 0o200) === 0 && attributes.length > 0) return undefined;
  if (before?.type === 'file' && hasAttributes(native, target)) return undefined;
  if (!native.hasNoWriter(source)) return undefined;
  return { attributes, mode: Number(stat.mode & 0o7777n) };
}

/** Gives the layer's file its final mode and attributes. A kill after that does no harm. */
function prepare(native: ChangesNative, source: number, has: Movable, mode: number): void {
  for (const name of has.attributes) native.fremovexattr(source, name);
  if (has.mode !== mode) chmodSync(self(source), mode);
}

/**
 * Renames a file of the layer to its name on the host; false if it must be copied.
 *
 * @param upper the layer's directory that holds it
 * @param source the file, open for reading only
 */
export function moveFile(
  placer: Placer,
  target: Target,
  upper: number,
  source: number,
  after: FileState,
  mode: number,
): boolean {
  const movable = lookMovable(placer, target, source, after, mode);
  if (movable === undefined) return false;
  const { native } = placer;
  const { fd, name, before } = target;
  prepare(native, source, movable, mode);
  checkTarget(placer, target);
  let step: string | undefined;
  try {
    if (before === undefined) {
      native.renameat2(upper, name, fd, name, RENAME_NOREPLACE);
      return true;
    }
    const { directory } = target;
    const { ino: oldIno } = before;
    step = placer.journal.begin({ op: 'exchange', directory, name, oldIno, newIno: after.ino });
    native.renameat2(upper, name, fd, name, RENAME_EXCHANGE);
  } catch (error) {
    const code = errnoOf(error);
    if (step !== undefined) placer.journal.end(step, 'undone');
    if (code === 'EEXIST' || code === 'ENOENT') throw hostChanged();
    if (!impossible.includes(code)) throw error;
    placer.moves = false;
    return false;
  }
  // The old file is in the layer now. It must be the one that was compared.
  if (!sameInode(stateAt(upper, name), before)) {
    native.renameat2(upper, name, fd, name, RENAME_EXCHANGE);
    placer.journal.end(step, 'undone');
    throw hostChanged();
  }
  unlinkCounted(placer, upper, name, before);
  placer.journal.end(step, 'done');
  return true;
}
