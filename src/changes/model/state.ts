/** Functions on the state of a file. */
import type { Change, ChangeKind, FileState } from './change.js';

export function inodeKey(state: FileState): string {
  return `${state.dev}:${state.ino}`;
}

export function metadataDiffers(before: FileState, after: FileState): boolean {
  if (before.mode !== after.mode) return true;
  return process.geteuid?.() === 0 && (before.uid !== after.uid || before.gid !== after.gid);
}

/** Bits of the mode that `apply` strips. */
export const losesBits = ({ flags }: Change): boolean =>
  flags.includes('set-id') || flags.includes('sticky');

/** The permission bits that `apply` gives a file: without new set-id and sticky bits. */
export function wantedMode(
  kind: ChangeKind,
  after: FileState,
  before: FileState | undefined,
): number {
  const had = before !== undefined && before.type === after.type ? before.mode : 0;
  // The payload's content never runs with another user's rights, whatever bits the file had before.
  const kept = kind === 'modified' ? 0 : had & after.mode & 0o7000;
  return (after.mode & 0o777) | kept;
}
