/**
 * Notes on what git's patch format cannot express: directories, modes other than 644 and 755, owners, and
 * flags. Each is a line that starts with `#`, before the entry itself: git would take a line within an
 * entry for its end.
 */

import { shownPath } from '../files/path.js';
import { type Change, type ChangeFlag, type FileState, wantedMode } from '../model/index.js';
import type { FileDiff } from './diff.js';

const flagText: Readonly<Record<ChangeFlag, string>> = {
  held: 'not applied automatically',
  'runs-later': 'can run code',
  executable: 'executable',
  open: 'writable by everyone',
  'set-id': 'set-id bits are not applied',
  sticky: 'the sticky bit is not applied',
  'leads-out': 'points outside the working directory: not applied automatically',
  special: 'device, FIFO or socket: never applied',
  'hard-link': 'one of several hard links',
  xattr: 'extended attributes are not applied',
  'host-changed': 'changed on the host since: not applied',
  unseen:
    'exists outside, but the run did not see it: not applied without --append, --theirs or --ours',
  'mount-point': 'on another mount: not applied',
  unreadable: 'cannot be read: not applied',
  'too-deep': 'nested too deeply: its contents are neither shown nor applied',
};

/** The flags of a change, one phrase each. */
export function changeNotes(change: Change): string[] {
  return change.flags.map((flag) =>
    (flag === 'held' || flag === 'runs-later') && change.runs !== undefined
      ? `${flagText[flag]} (${change.runs})`
      : flagText[flag],
  );
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

/** The mode that `apply` sets. */
export const modeAfter = ({ kind, before }: Change, after: FileState): number =>
  wantedMode(kind, after, before);

/** The mode that git uses for a mode. */
export const gitMode = (mode: number): number => ((mode & 0o100) === 0 ? 0o644 : 0o755);

function modeNote({ change, from }: FileDiff): string | undefined {
  const { after, kind } = change;
  const before = (from ?? change).before;
  if (after === undefined || (after.type !== 'file' && after.type !== 'directory'))
    return undefined;
  const mode = modeAfter(change, after);
  const old = before?.type === after.type ? before.mode : undefined;
  const said =
    after.type === 'file' && mode === gitMode(mode) && (old === undefined || old === gitMode(old));
  // Git would not rewrite the file for these.
  const same = old === mode && (after.type === 'directory' || kind === 'time' || kind === 'xattr');
  if (said || same) return undefined;
  if (old === undefined || old === mode) return `mode ${octal(mode)}`;
  return `mode ${octal(old)} -> ${octal(mode)}`;
}

function ownerNote({ change, from, rootOwner }: FileDiff): string | undefined {
  const { after } = change;
  if (after === undefined || process.geteuid?.() !== 0) return undefined;
  const before = (from ?? change).before;
  const now = `${after.uid}:${after.gid}`;
  const old = before === undefined ? rootOwner : `${before.uid}:${before.gid}`;
  if (now === old) return undefined;
  return before === undefined ? `owner ${now}` : `owner ${old} -> ${now}`;
}

function time(ns: bigint): string {
  const milliseconds = Number(ns / 1_000_000n);
  return Math.abs(milliseconds) <= 8.64e15 ? new Date(milliseconds).toISOString() : `${ns} ns`;
}

const words: Readonly<Record<string, string>> = { fifo: 'FIFO', symlink: 'symbolic link' };
const word = ({ type }: FileState): string => words[type] ?? type;

/** Notes on everything except files and symbolic links. */
function typeNotes({ change, from, folded }: FileDiff): string[] {
  const { before, after, kind } = change;
  const isSpecial = (state: FileState | undefined): state is FileState =>
    state !== undefined && state.type !== 'file' && state.type !== 'symlink';
  if (from !== undefined) {
    if (change.type !== 'directory') return [];
    const more = folded === undefined ? [] : [`and ${folded} more in it, unchanged`];
    return [`directory renamed from ${shownPath(from)}`, ...more];
  }
  if (before?.type === after?.type && kind !== 'added' && kind !== 'deleted') return [];
  return [
    ...(isSpecial(before) ? [`${word(before)} deleted`] : []),
    ...(isSpecial(after) ? [`${word(after)} added`] : []),
  ];
}

function sideText(state: FileState | undefined, hash: string | undefined): string {
  return state === undefined ? 'none' : `${state.size} bytes, sha256 ${hash ?? '?'}`;
}

/** All notes on a path, one line each, without the `# `. */
export function notesOf(diff: FileDiff): string[] {
  const { change, from, parts } = diff;
  const { before, after, kind } = change;
  const path = shownPath(change);
  const notes = [...typeNotes(diff), modeNote(diff), ownerNote(diff)];
  if (kind === 'time' && before !== undefined && after !== undefined) {
    notes.push(`modified ${time(before.mtimeNs)} -> ${time(after.mtimeNs)}`);
  }
  for (const { hashes, kind, before: old, after: now } of parts) {
    if (hashes !== undefined) {
      const what =
        kind === undefined ? '' : ` ${kind.kind}${kind.use === undefined ? '' : ` (${kind.use})`},`;
      notes.push(
        `binary:${what} ${sideText(old, hashes.before)} -> ${sideText(now, hashes.after)}`,
      );
    }
  }
  notes.push(...changeNotes(change), ...diff.index);
  const own = notes.filter((note) => note !== undefined).map((note) => `${path}: ${note}`);
  if (from === undefined) return own;
  return [...changeNotes(from).map((note) => `${shownPath(from)}: ${note}`), ...own];
}
