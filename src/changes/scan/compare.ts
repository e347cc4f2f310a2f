/**
 * What counts as a difference between a file of the layer and the host's.
 */
import { readSync } from 'node:fs';
import type { Change, ChangeFlag, ChangeKind, ChangeSummary, FileState } from '../model.js';

export function inodeKey(state: FileState): string {
  return `${state.dev}:${state.ino}`;
}

/** The permission bits with which `apply` leaves a file: set-id and sticky bits are not taken over. */
export function wantedMode(
  kind: ChangeKind,
  after: FileState,
  before: FileState | undefined,
): number {
  const had = before !== undefined && before.type === after.type ? before.mode : 0;
  // Content of the payload's never runs with somebody's rights, whatever the file had before.
  const kept = kind === 'modified' ? 0 : had & after.mode & 0o7000;
  return (after.mode & 0o777) | kept;
}

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

/** Made once: most files are far smaller, and there may be very many. */
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

export function metadataDiffers(before: FileState, after: FileState): boolean {
  if (before.mode !== after.mode) return true;
  return process.geteuid?.() === 0 && (before.uid !== after.uid || before.gid !== after.gid);
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
  if ((after.mode & 0o7000 & ~wantedMode(kind, after, before)) !== 0) flags.push('set-id');
  const had = before?.type === after.type ? before.mode : 0;
  if ((after.mode & 0o002 & ~had) !== 0) flags.push('open');
  if (after.type !== 'file') return flags;
  if ((after.mode & 0o111) !== 0 && (had & 0o111) === 0) flags.push('executable');
  if (after.links > 1) flags.push('hard-link');
  return flags;
}

/** Counts changes by kind; a change of type, mode or time counts as modified. */
export function countChanges(changes: readonly Change[]): ChangeSummary {
  let added = 0;
  let deleted = 0;
  let sizeBytes = 0;
  let diskBytes = 0;
  for (const change of changes) {
    if (change.kind === 'added') added++;
    else if (change.kind === 'deleted') deleted++;
    if (change.after?.type !== 'file') continue;
    sizeBytes += change.after.size;
    diskBytes += change.after.diskBytes;
  }
  const counts = { added, modified: changes.length - added - deleted, deleted };
  return { counts, sizeBytes, diskBytes };
}

/** Changes by tree and path, for people. */
export function sortChanges(changes: readonly Change[]): Change[] {
  return [...changes].sort((a, b) => a.tree - b.tree || Buffer.compare(a.path, b.path));
}
