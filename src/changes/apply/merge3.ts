/**
 * A three-way merge of text by lines. Text has one character per byte (latin1), so that bytes in any
 * encoding are kept.
 */
import { diffArrays } from 'diff';

export interface Merged {
  readonly text: string;
  /** Number of conflicts; they are between markers in `text`. */
  readonly conflicts: number;
}

/** Replaces the lines of the base from `start` up to `end` by `lines`. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** If two versions differ more than that, they count as one difference. */
const maxEditLength = 4000;

/** Lines with their newlines; the last may have none. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function editsOf(base: readonly string[], side: readonly string[]): Edit[] {
  const parts = diffArrays([...base], [...side], { maxEditLength });
  if (parts === undefined) return [{ start: 0, end: base.length, lines: side }];
  const edits: Edit[] = [];
  let at = 0;
  for (const { added, removed, value } of parts) {
    if (!added && !removed) {
      at += value.length;
      continue;
    }
    const end = added ? at : at + value.length;
    edits.push({ start: at, end, lines: added ? value : [] });
    at = end;
  }
  return edits;
}

/** One side's version of the base's lines from `start` up to `end`. */
function sideOf(base: readonly string[], edits: readonly Edit[], start: number, end: number) {
  const lines: string[] = [];
  let at = start;
  for (const edit of edits) {
    lines.push(...base.slice(at, edit.start), ...edit.lines);
    at = edit.end;
  }
  return [...lines, ...base.slice(at, end)];
}

const ended = (lines: readonly string[]): string => {
  const text = lines.join('');
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
};

/** Merges two versions of `base`. Overlapping or adjacent changes are a conflict. */
export function mergeText(base: string, ours: string, theirs: string): Merged {
  const lines = linesOf(base);
  const left = editsOf(lines, linesOf(ours));
  const right = editsOf(lines, linesOf(theirs));
  let text = '';
  let conflicts = 0;
  let at = 0;
  while (left.length > 0 || right.length > 0) {
    const start = Math.min(left[0]?.start ?? Infinity, right[0]?.start ?? Infinity);
    let end = start;
    const mine: Edit[] = [];
    const other: Edit[] = [];
    for (let grew = true; grew; ) {
      grew = false;
      for (const [from, to] of [
        [left, mine],
        [right, other],
      ] as const) {
        while (from[0] !== undefined && from[0].start <= end) {
          const edit = from.shift() as Edit;
          to.push(edit);
          end = Math.max(end, edit.end);
          grew = true;
        }
      }
    }
    text += lines.slice(at, start).join('');
    const [a, b] = [sideOf(lines, mine, start, end), sideOf(lines, other, start, end)];
    if (other.length === 0 || a.join('') === b.join('')) text += a.join('');
    else if (mine.length === 0) text += b.join('');
    else {
      conflicts++;
      const was = ended(lines.slice(start, end));
      text += `<<<<<<< yours\n${ended(a)}||||||| before the run\n${was}=======\n${ended(b)}>>>>>>> the run's\n`;
    }
    at = end;
  }
  return { text: text + lines.slice(at).join(''), conflicts };
}
