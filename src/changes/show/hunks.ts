/** The differences between two texts, by lines of bytes. */
import { structuredPatch } from 'diff';

export interface DiffHunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  /**
   * Each starts with a space, `-`, `+` or `\`. Untrusted, not escaped, one character per byte (latin1).
   */
  readonly lines: readonly string[];
}

/** Unchanged lines around each change. */
const context = 3;

/** Files that differ in more lines are shown as completely replaced. */
export const maxEditLength = 4000;

/** Number of lines that start with a mark. */
export const countMarked = (lines: readonly string[], mark: string): number =>
  lines.reduce((sum, line) => sum + (line[0] === mark ? 1 : 0), 0);

function replaced(before: string, after: string): DiffHunk[] {
  const linesOf = (text: string, mark: string): string[] => {
    const all = text.split('\n');
    const whole = all[all.length - 1] === '';
    if (whole) all.pop();
    const marked = all.map((line) => mark + line);
    return whole || text === '' ? marked : [...marked, '\\ No newline at end of file'];
  };
  const lines = [...linesOf(before, '-'), ...linesOf(after, '+')];
  const oldLines = countMarked(lines, '-');
  const newLines = countMarked(lines, '+');
  const start = (count: number): number => (count === 0 ? 0 : 1);
  return [{ oldStart: start(oldLines), oldLines, newStart: start(newLines), newLines, lines }];
}

/** The texts have one character per byte, like {@link FileContent}. */
export function hunksOf(before: string, after: string): readonly DiffHunk[] {
  if (before === after) return [];
  if (before === '' || after === '') return replaced(before, after);
  const patch = structuredPatch('', '', before, after, '', '', { context, maxEditLength });
  return patch?.hunks ?? replaced(before, after);
}
