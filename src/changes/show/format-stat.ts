/** One line per path, and a total. */
import { displayText } from '../../text/index.js';
import type { Change, ChangeKind } from '../model/index.js';
import { type FileDiff, isBinary } from './diff.js';
import { type FormatOptions, paint } from './format.js';
import { changeNotes } from './notes.js';

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

/** All differences are in memory at once, to align them, but not their lines, which could be too many. */
const withoutLines = (diff: FileDiff): FileDiff => ({
  ...diff,
  parts: diff.parts.map((part) => ({ ...part, hunks: [] })),
});

/** One line per file and a total, like `git diff --stat`. */
export function formatStat(diffs: Iterable<FileDiff>, options: FormatOptions = {}): string {
  const list = Array.from(diffs, withoutLines);
  const width = list.reduce((max, diff) => Math.max(max, statName(diff).length), 0);
  // The payload chooses the names: a very long one must not widen every line.
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
    const detail = isBinary(diff)
      ? `Bin ${sizes}`
      : `${String(diff.added + diff.removed).padStart(digits)} ${statBar(diff, largest, options)}`;
    const notes = [...changeNotes(change), ...diff.index];
    const note =
      notes.length === 0 ? '' : paint(`  # ${displayText(notes.join('; '))}`, 33, options);
    out += ` ${name} | ${detail.trimEnd()}${note}\n`;
  }
  const files = list.length === 1 ? '1 path changed' : `${list.length} paths changed`;
  return `${out} ${files}, ${plus} insertions(+), ${minus} deletions(-)\n`;
}
