/**
 * A difference as text for people. File names and content come from the payload, so all of it is escaped,
 * on a terminal or not; `formatPatch` makes the form that git applies.
 */
import { displayText, Tally, visibleBytes } from '../../text/index.js';
import { shownPath } from '../files/path.js';
import type { FileDiff, FilePart } from './diff.js';
import { entryHeader, fileNames, hunkHeader } from './entry.js';
import { notesOf } from './notes.js';

export interface FormatOptions {
  /** @default false */
  readonly color?: boolean | undefined;
}

export function paint(text: string, code: number, options: FormatOptions): string {
  return options.color === true ? `\x1b[${code}m${text}\x1b[0m` : text;
}

const lineColors: Readonly<Record<string, number>> = { '+': 32, '-': 31 };

/** The entry of a patch, for people: without the content of binary files. */
function partLines(diff: FileDiff, part: FilePart, tally: Tally, options: FormatOptions): string[] {
  const header = entryHeader(diff, part, shownPath);
  if (header.length === 1 && part.hunks.length === 0 && part.hashes === undefined) return [];
  const out = header.map((line) => paint(line, 1, options));
  const [old, now] = fileNames(diff, part, shownPath);
  // Git writes this line for a patch without the content, which it does not apply.
  if (part.hashes !== undefined) out.push(`Binary files ${old} and ${now} differ`);
  if (part.hunks.length > 0) {
    out.push(paint(`--- ${old}`, 1, options), paint(`+++ ${now}`, 1, options));
  }
  for (const hunk of part.hunks) {
    out.push(paint(hunkHeader(hunk), 36, options));
    for (const line of hunk.lines) {
      const text = visibleBytes(Buffer.from(line, 'latin1'), tally);
      const color = lineColors[line[0] ?? ''];
      out.push(color === undefined ? text : paint(text, color, options));
    }
  }
  return out;
}

/** The difference of one path as a unified diff, with a final newline. */
export function formatUnified(diff: FileDiff, options: FormatOptions = {}): string {
  const tally = new Tally();
  const lines = diff.parts.flatMap((part) => partLines(diff, part, tally, options));
  const escaped = tally.notes('escaped as').map((note) => `${shownPath(diff.change)}: ${note}`);
  const notes = [...notesOf(diff), ...escaped].map((note) =>
    paint(`# ${displayText(note)}`, 33, options),
  );
  const all = [...notes, ...lines];
  // The files may have become equal since the comparison.
  if (all.length === 0) all.push(`# ${shownPath(diff.change)}: no longer differs`);
  return `${all.join('\n')}\n`;
}
