/** The header of a path's entry in a patch, for people and for git. */

import type { Change, FileState } from '../model/index.js';
import type { FileDiff, FilePart } from './diff.js';
import type { DiffHunk } from './hunks.js';
import { gitMode, modeAfter } from './notes.js';

/** Writes a path in a patch, quoted if necessary. */
export type PathOf = (change: Change) => string;

function prefixed(prefix: string, path: string): string {
  return path.startsWith('"') ? `"${prefix}${path.slice(1)}` : prefix + path;
}

/** Git has two file modes; `#` lines show others. */
function modeText(state: FileState, mode: number): string {
  return state.type === 'symlink' ? '120000' : (0o100000 | gitMode(mode)).toString(8);
}

/** The lines from `diff --git` on, without `---` and `+++`. */
export function entryHeader(diff: FileDiff, part: FilePart, pathOf: PathOf): string[] {
  const { change, from, similarity } = diff;
  const { before, after } = part;
  const [old, now] = [pathOf(from ?? change), pathOf(change)];
  const lines = [`diff --git ${prefixed('a/', old)} ${prefixed('b/', now)}`];
  const oldMode = before && modeText(before, before.mode);
  const newMode = after && modeText(after, modeAfter(change, after));
  if (newMode === undefined) lines.push(`deleted file mode ${oldMode}`);
  else if (oldMode === undefined) lines.push(`new file mode ${newMode}`);
  else if (oldMode !== newMode) lines.push(`old mode ${oldMode}`, `new mode ${newMode}`);
  if (from !== undefined) {
    lines.push(`similarity index ${similarity}%`, `rename from ${old}`, `rename to ${now}`);
  }
  return lines;
}

/** The file names after `---` and `+++`. */
export function fileNames(diff: FileDiff, part: FilePart, pathOf: PathOf): [string, string] {
  const old = prefixed('a/', pathOf(diff.from ?? diff.change));
  const now = prefixed('b/', pathOf(diff.change));
  const none = '/dev/null';
  return [part.before === undefined ? none : old, part.after === undefined ? none : now];
}

export const hunkHeader = ({ oldStart, oldLines, newStart, newLines }: DiffHunk): string =>
  `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`;
