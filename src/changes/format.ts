/**
 * Stage: changes. Changes as text and as JSON. File names and content come from the payload, so
 * nothing is passed to a terminal as it is.
 */

import { displayText } from '../text/index.js';
import type { FileDiff } from './diff.js';
import type { Change, ChangeFlag, ChangeKind, FileState, FileType } from './model.js';
import { displayPath } from './path.js';

export interface FormatOptions {
  /** @default false */
  readonly color?: boolean | undefined;
  /**
   * Makes control characters in lines of text visible. Off only for output that no terminal shows.
   *
   * @default true
   */
  readonly escape?: boolean | undefined;
}

const typeBits: Readonly<Record<FileType, number>> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  fifo: 0o010000,
  socket: 0o140000,
  device: 0o020000,
};

function modeText(state: FileState): string {
  const bits = state.type === 'symlink' ? 0 : state.mode;
  return (typeBits[state.type] | bits).toString(8).padStart(6, '0');
}

function prefixed(prefix: string, change: Change): string {
  const { display } = change;
  return display.startsWith('"') ? `"${prefix}${display.slice(1)}` : prefix + display;
}

const flagText: Readonly<Record<ChangeFlag, string>> = {
  held: 'held back: apply it by naming it',
  'runs-later': 'runs later',
  executable: 'executable',
  open: 'writable for everybody',
  'set-id': 'set-id and sticky bits are not applied',
  'leads-out': 'leads out of the working directory: apply it by naming it',
  special: 'a device, FIFO or socket: never applied',
  'hard-link': 'one of several names; stays one where all are added together',
  xattr: 'extended attributes are not applied',
  'host-changed': 'the host’s file changed since: not applied',
  'mount-point': 'on another mount: not applied',
  unreadable: 'cannot be read: not applied',
  'too-deep': 'lies too deep: what is in it is neither shown nor applied',
};

/** What one should know about a change, a phrase each. */
export function changeNotes(change: Change): string[] {
  return change.flags.map((flag) =>
    (flag === 'held' || flag === 'runs-later') && change.runs !== undefined
      ? `${flagText[flag]} (${change.runs})`
      : flagText[flag],
  );
}

/** `A` added, `M` modified (also mode and time), `D` deleted, `T` another type. */
export function statusLetter(change: Change): 'A' | 'M' | 'D' | 'T' {
  const letters: Readonly<Record<ChangeKind, 'A' | 'M' | 'D' | 'T'>> = {
    added: 'A',
    modified: 'M',
    deleted: 'D',
    type: 'T',
    mode: 'M',
    time: 'M',
    xattr: 'M',
  };
  return letters[change.kind];
}

function paint(text: string, code: number, options: FormatOptions): string {
  return options.color === true ? `\x1b[${code}m${text}\x1b[0m` : text;
}

function headerLines({ change, from, similarity }: FileDiff): string[] {
  const { after, kind } = change;
  const before = from === undefined ? change.before : from.before;
  const lines = [`diff --git ${prefixed('a/', from ?? change)} ${prefixed('b/', change)}`];
  if (after === undefined && before !== undefined) {
    lines.push(`deleted file mode ${modeText(before)}`);
  } else if (before === undefined && after !== undefined) {
    lines.push(`new file mode ${modeText(after)}`);
  } else if (before !== undefined && after !== undefined) {
    if (modeText(before) !== modeText(after)) {
      lines.push(`old mode ${modeText(before)}`, `new mode ${modeText(after)}`);
    }
    if (kind === 'time') lines.push('time changed');
    if (kind === 'xattr') lines.push('extended attributes changed');
  }
  if (from !== undefined) {
    lines.push(`similarity index ${similarity}%`);
    lines.push(`rename from ${from.display}`, `rename to ${change.display}`);
  }
  return lines;
}

function sideText(state: FileState | undefined, hash: string | undefined): string {
  if (state === undefined) return 'none';
  return `${state.size} bytes, sha256 ${hash ?? '?'}`;
}

/** One file of a unified diff, with a final newline. */
export function formatUnified(diff: FileDiff, options: FormatOptions = {}): string {
  const { change, from } = diff;
  const out = headerLines(diff).map((line) => paint(line, 1, options));
  if (diff.folded !== undefined) {
    out.push(paint(`# and ${diff.folded} more in it, moved as they were`, 33, options));
  }
  for (const note of changeNotes(change)) out.push(paint(`# ${displayText(note)}`, 33, options));
  if (diff.binary) {
    const before = sideText((from ?? change).before, diff.beforeHash);
    out.push(`Binary files differ: ${before} -> ${sideText(change.after, diff.afterHash)}`);
  }
  if (diff.hunks.length > 0) {
    const before = from ?? change;
    const old = before.before === undefined ? '/dev/null' : prefixed('a/', before);
    const now = change.after === undefined ? '/dev/null' : prefixed('b/', change);
    out.push(paint(`--- ${old}`, 1, options), paint(`+++ ${now}`, 1, options));
  }
  for (const hunk of diff.hunks) {
    const { oldStart, oldLines, newStart, newLines } = hunk;
    out.push(paint(`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, 36, options));
    for (const line of hunk.lines) {
      const text = options.escape === false ? line : displayText(line);
      if (line.startsWith('+')) out.push(paint(text, 32, options));
      else if (line.startsWith('-')) out.push(paint(text, 31, options));
      else out.push(text);
    }
  }
  return `${out.join('\n')}\n`;
}

const maxBar = 40;
const maxNameColumn = 100;

function statBar(diff: FileDiff, largest: number, options: FormatOptions): string {
  const scale = largest > maxBar ? maxBar / largest : 1;
  const length = (count: number): number =>
    count === 0 ? 0 : Math.max(1, Math.round(count * scale));
  const plus = '+'.repeat(length(diff.added));
  const minus = '-'.repeat(length(diff.removed));
  return (plus && paint(plus, 32, options)) + (minus && paint(minus, 31, options));
}

const statName = ({ change, from }: FileDiff): string =>
  from === undefined ? change.display : `${from.display} => ${change.display}`;

/** A line a file and a sum, like `git diff --stat`. */
export function formatStat(diffs: Iterable<FileDiff>, options: FormatOptions = {}): string {
  const list = [...diffs];
  const width = list.reduce((max, diff) => Math.max(max, statName(diff).length), 0);
  // The payload chooses the names: one that is very long must not widen every line.
  const column = Math.min(width, maxNameColumn);
  const largest = list.reduce((max, { added, removed }) => Math.max(max, added + removed), 0);
  const digits = String(largest).length;
  let plus = 0;
  let minus = 0;
  let out = '';
  for (const diff of list) {
    const { change, from } = diff;
    plus += diff.added;
    minus += diff.removed;
    const letter = from === undefined ? statusLetter(change) : 'R';
    const name = `${letter} ${statName(diff).padEnd(column)}`;
    const sizes = `${(from ?? change).before?.size ?? 0} -> ${change.after?.size ?? 0} bytes`;
    const detail = diff.binary
      ? `Bin ${sizes}`
      : `${String(diff.added + diff.removed).padStart(digits)} ${statBar(diff, largest, options)}`;
    const notes = changeNotes(change);
    const note =
      notes.length === 0 ? '' : paint(`  # ${displayText(notes.join('; '))}`, 33, options);
    out += ` ${name} | ${detail.trimEnd()}${note}\n`;
  }
  const files = list.length === 1 ? '1 path changed' : `${list.length} paths changed`;
  return `${out} ${files}, ${plus} insertions(+), ${minus} deletions(-)\n`;
}

/** One side of a change in JSON. */
export interface JsonState {
  readonly type: FileType;
  /** Octal, four digits. */
  readonly mode: string;
  readonly size: number;
  /** ISO 8601, UTC. */
  readonly modified: string;
  /** Target of a symbolic link, as `path` is. */
  readonly link?: string | undefined;
}

export interface JsonChange {
  /** Escaped as for people where it is no plain text; `pathBase64` then holds the bytes. */
  readonly path: string;
  readonly pathBase64?: string | undefined;
  readonly kind: ChangeKind;
  readonly type: FileType;
  readonly flags: readonly ChangeFlag[];
  readonly runs?: string | undefined;
  readonly before?: JsonState | undefined;
  readonly after?: JsonState | undefined;
}

function jsonState(state: FileState): JsonState {
  const milliseconds = Number(state.mtimeNs / 1_000_000n);
  const inRange = Math.abs(milliseconds) <= 8.64e15;
  return {
    type: state.type,
    mode: state.mode.toString(8).padStart(4, '0'),
    size: state.size,
    modified: new Date(inRange ? milliseconds : 0).toISOString(),
    ...(state.link === undefined ? {} : { link: displayPath(state.link) }),
  };
}

/** What `diff` adds: how a path was renamed, and how its content differs. */
export interface JsonDiff extends JsonChange {
  /** On what is new, and on what is gone: the other path, as `path` is. */
  readonly renamedFrom?: string | undefined;
  readonly renamedTo?: string | undefined;
  readonly similarity?: number | undefined;
  readonly binary: boolean;
  /** Lines; 0 for binary files. */
  readonly added: number;
  readonly removed: number;
  readonly beforeHash?: string | undefined;
  readonly afterHash?: string | undefined;
}

/** The difference of a path as plain data; two entries for one that was renamed. */
export function diffToJson(diff: FileDiff): JsonDiff[] {
  const { change, from, similarity, binary, added, removed, beforeHash, afterHash } = diff;
  const content = {
    binary,
    added,
    removed,
    ...(beforeHash === undefined ? {} : { beforeHash }),
    ...(afterHash === undefined ? {} : { afterHash }),
  };
  if (from === undefined) return [{ ...changeToJson(change), ...content }];
  return [
    { ...changeToJson(from), renamedTo: change.display, binary, added: 0, removed: 0 },
    { ...changeToJson(change), renamedFrom: from.display, similarity, ...content },
  ];
}

/** A change as plain data. */
export function changeToJson(change: Change): JsonChange {
  const { path, display, kind, type, flags, runs, before, after } = change;
  const plain = display.startsWith('"') ? { pathBase64: path.toString('base64') } : {};
  return {
    path: display,
    ...plain,
    kind,
    type,
    flags,
    ...(runs === undefined ? {} : { runs }),
    ...(before === undefined ? {} : { before: jsonState(before) }),
    ...(after === undefined ? {} : { after: jsonState(after) }),
  };
}
