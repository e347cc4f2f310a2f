/**
 * Stage: changes. What changed inside each file: lines for text, size and hash for the rest.
 */
import { closeSync } from 'node:fs';
import { structuredPatch } from 'diff';
import { sortChanges } from './compare.js';
import type { Change, FileState, OnProgress, Run } from './model.js';
import { isWithin } from './path.js';
import { findRenames, type Rename } from './renames.js';
import { openRunDirectory } from './run-directory.js';
import { selectChanges } from './select.js';
import { changesOf, closeSessions, openSessions, type Session } from './session.js';
import { hashOfText, type Side, sideAfter, sideBefore } from './sides.js';
import { type Store, spaceError } from './state-dir.js';

export interface DiffOptions {
  /** Paths below the working directory, each with all below it. @default all changes */
  readonly paths?: readonly (string | Buffer)[] | undefined;
  /** Unchanged lines around each change. @default 3 */
  readonly context?: number | undefined;
  /** Leaves out what only moved along with its directory; the directory says how much. @default false */
  readonly fold?: boolean | undefined;
  /** Called often. */
  readonly onProgress?: OnProgress | undefined;
}

export interface DiffHunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  /** Each begins with a space, `-`, `+` or `\`. Untrusted, not escaped. */
  readonly lines: readonly string[];
}

export interface FileDiff {
  readonly change: Change;
  /** The deletion that this addition makes a rename of. */
  readonly from?: Change | undefined;
  /** How much of a renamed file is the same, in percent. */
  readonly similarity?: number | undefined;
  /** For a directory that was renamed: paths in it that are left out. */
  readonly folded?: number | undefined;
  /** Not text, or too large to compare by lines. */
  readonly binary: boolean;
  /** Lines added and removed; 0 for binary files. */
  readonly added: number;
  readonly removed: number;
  readonly hunks: readonly DiffHunk[];
  /** SHA-256 in hex, for binary files. */
  readonly beforeHash?: string | undefined;
  readonly afterHash?: string | undefined;
}

/** Files that differ in more lines are shown as replaced whole. */
const maxEditLength = 4000;

function replaced(before: string, after: string): DiffHunk[] {
  const lines = (text: string, mark: string): string[] => {
    const all = text.split('\n');
    const whole = all[all.length - 1] === '';
    if (whole) all.pop();
    const marked = all.map((line) => mark + line);
    return whole || text === '' ? marked : [...marked, '\\ No newline at end of file'];
  };
  const old = lines(before, '-');
  const now = lines(after, '+');
  const count = (list: string[], mark: string): number =>
    list.filter((line) => line.startsWith(mark)).length;
  const oldLines = count(old, '-');
  const newLines = count(now, '+');
  return [
    {
      oldStart: oldLines === 0 ? 0 : 1,
      oldLines,
      newStart: newLines === 0 ? 0 : 1,
      newLines,
      lines: [...old, ...now],
    },
  ];
}

function hunksOf(before: string, after: string, context: number): readonly DiffHunk[] {
  if (before === after) return [];
  if (before === '' || after === '') return replaced(before, after);
  const patch = structuredPatch('', '', before, after, '', '', { context, maxEditLength });
  return patch?.hunks ?? replaced(before, after);
}

function diffOne(
  sessions: readonly Session[],
  change: Change,
  rename: Rename | undefined,
  context: number,
): FileDiff {
  const from = rename?.from;
  const renamed = rename === undefined ? {} : { from, similarity: rename.similarity };
  const nothing = { change, ...renamed, binary: false, added: 0, removed: 0, hunks: [] };
  if (['mode', 'time', 'xattr'].includes(change.kind) || rename?.similarity === 100) return nothing;
  const old = from ?? change;
  const before = sideBefore(sessions[old.tree] as Session, old);
  const after = sideAfter(sessions[change.tree] as Session, change);
  if (!('text' in before) || !('text' in after)) {
    const hash = (one: Side, state: FileState | undefined): string | undefined => {
      if (state === undefined) return undefined;
      return 'hash' in one ? one.hash : hashOfText(one.text);
    };
    return {
      ...nothing,
      binary: true,
      beforeHash: hash(before, old.before),
      afterHash: hash(after, change.after),
    };
  }
  const hunks = hunksOf(before.text, after.text, context);
  const count = (mark: string): number =>
    hunks.reduce((sum, hunk) => sum + hunk.lines.filter((line) => line[0] === mark).length, 0);
  return { ...nothing, added: count('+'), removed: count('-'), hunks };
}

/** What moved unchanged in a directory that moved whole, to the topmost such directory. */
function foldMoved(
  changes: readonly Change[],
  renames: ReadonlyMap<Change, Rename>,
): ReadonlyMap<Change, Change> {
  const folded = new Map<Change, Change>();
  let top: Change | undefined;
  for (const change of changes) {
    const rename = renames.get(change);
    const inside = top !== undefined && top.tree === change.tree && isWithin(change.path, top.path);
    if (!inside) top = rename !== undefined && change.type === 'directory' ? change : undefined;
    else if (top !== undefined && rename?.similarity === 100 && isPlain(change, rename.from)) {
      folded.set(change, top);
    }
  }
  return folded;
}

/** Whether there is nothing to say of a path that moved. */
const isPlain = (to: Change, from: Change): boolean =>
  to.flags.length === 0 && to.after?.mode === from.before?.mode;

/**
 * The differences of a run against the host as it is now, one path at a time, by tree and path; a
 * path that was renamed comes once, under its new name. The run must stay open until the last one
 * was taken.
 */
export function* diffRun(
  store: Store,
  run: Run,
  options: DiffOptions = {},
): Generator<FileDiff, void, undefined> {
  const { native } = store;
  const runDirectory = openRunDirectory(store, run);
  let sessions: readonly Session[] = [];
  try {
    sessions = openSessions(native, runDirectory, run.record);
    const { onProgress } = options;
    const all = sessions.flatMap((session) => changesOf(session, onProgress));
    const { chosen } = selectChanges(all, options.paths);
    const changes = sortChanges([...chosen]);
    const renames = findRenames(sessions, changes);
    const left = new Set([...renames.values()].map(({ from }) => from));
    const folded = options.fold === true ? foldMoved(changes, renames) : new Map<Change, Change>();
    const foldedIn = new Map<Change, number>();
    for (const top of folded.values()) foldedIn.set(top, (foldedIn.get(top) ?? 0) + 1);
    for (const [done, change] of changes.entries()) {
      onProgress?.({ stage: 'diff', done, total: changes.length });
      if (left.has(change) || folded.has(change)) continue;
      const diff = diffOne(sessions, change, renames.get(change), options.context ?? 3);
      const count = foldedIn.get(change) ?? 0;
      yield count === 0 ? diff : { ...diff, folded: count };
    }
  } catch (error) {
    throw spaceError(store, run.record.id, error);
  } finally {
    closeSessions(sessions);
    closeSync(runDirectory);
  }
}
