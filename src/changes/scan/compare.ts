/**
 * Decides what counts as a difference between a file of the layer and the host's.
 */
import { readSync } from 'node:fs';
import {
  type ChangeFlag,
  type ChangeKind,
  type FileState,
  metadataDiffers,
  wantedMode,
} from '../model/index.js';

const chunk = 256 * 1024;

function readFull(fd: number, buffer: Buffer): number {
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return length;
}

/** Allocated once: there may be very many small files. */
let buffers: readonly [Buffer, Buffer] | undefined;

export function sameContent(a: number, b: number): boolean {
  buffers ??= [Buffer.allocUnsafe(chunk), Buffer.allocUnsafe(chunk)];
  const [left, right] = buffers;
  for (;;) {
    const count = readFull(a, left);
    if (readFull(b, right) !== count) return false;
    if (!left.subarray(0, count).equals(right.subarray(0, count))) return false;
    if (count < chunk) return true;
  }
}

/** The change of a directory itself; undefined if there is none. */
export function directoryKind(
  before: FileState | undefined,
  after: FileState,
  flags: readonly ChangeFlag[],
): ChangeKind | undefined {
  if (before === undefined) return 'added';
  if (before.type !== 'directory') return 'type';
  if (metadataDiffers(before, after)) return 'mode';
  return flags.includes('xattr') ? 'xattr' : undefined;
}

export function fileMetadataKind(before: FileState, after: FileState): ChangeKind | undefined {
  if (metadataDiffers(before, after)) return 'mode';
  return before.mtimeNs === after.mtimeNs ? undefined : 'time';
}

export function stateFlags(
  kind: ChangeKind,
  before: FileState | undefined,
  after: FileState,
): ChangeFlag[] {
  const flags: ChangeFlag[] = [];
  if (after.type === 'symlink') return flags;
  if (!['file', 'directory'].includes(after.type)) return ['special'];
  const stripped = after.mode & 0o7000 & ~wantedMode(kind, after, before);
  if ((stripped & 0o6000) !== 0) flags.push('set-id');
  if ((stripped & 0o1000) !== 0) flags.push('sticky');
  const had = before?.type === after.type ? before.mode : 0;
  if ((after.mode & 0o002 & ~had) !== 0) flags.push('open');
  if (after.type !== 'file') return flags;
  if ((after.mode & 0o111) !== 0 && (had & 0o111) === 0) flags.push('executable');
  if (after.links > 1) flags.push('hard-link');
  return flags;
}
