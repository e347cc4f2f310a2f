/**
 * The difference of each changed path: lines for text, size and hash for other files.
 */

import { fstatSync } from 'node:fs';
import { UsageError } from '../../errors/index.js';
import { closeDescriptor } from '../../native/index.js';
import { type Selection, selectChanges, withoutHome } from '../apply/select.js';
import { readUpTo } from '../files/content.js';
import { isWithin } from '../files/path.js';
import {
  type Change,
  type FileState,
  type OnProgress,
  type Run,
  sortChanges,
} from '../model/index.js';
import { changesOf } from '../scan/tree-changes.js';
import { openRunDirectory } from '../store/run-directory.js';
import { closeSessions, openSessions, type Session } from '../store/session.js';
import type { Store } from '../store/state-dir.js';
import { runStateError } from '../store/state-error.js';
import type { BinaryKind } from './binary-kind.js';
import { expectedRefusals } from './expected-refusals.js';
import {
  blobHash,
  contentAfter,
  contentBefore,
  type FileContent,
  fromHost,
  fromLayer,
  hashOfBytes,
  noContent,
  textOf,
} from './file-contents.js';
import { binaryPatch } from './git-binary.js';
import { indexNotes } from './git-index-notes.js';
import { countMarked, type DiffHunk, hunksOf, maxEditLength } from './hunks.js';
import { findRenames, type Rename } from './renames.js';

export interface DiffOptions {
  /** Paths below the working directory, each with all below it. @default all changes */
  readonly paths?: readonly (string | Buffer)[] | undefined;
  /** Directory of the working directory that relative paths start in, if a change is there. @default itself */
  readonly from?: string | undefined;
  /** Leaves out what only moved with its directory; the directory's entry counts it. @default false */
  readonly fold?: boolean | undefined;
  /**
   * Set for `formatPatch`: includes the content of binary files and what `apply` would refuse; shows renamed files, but
   * not renamed directories.
   *
   * @default false
   */
  readonly patch?: boolean | undefined;
  /**
   * How much is wanted of each path: its lines, only how many were added and removed, or nothing but its name.
   *
   * @default 'lines'
   */
  readonly detail?: 'lines' | 'counts' | 'names' | undefined;
  /** Called often. */
  readonly onProgress?: OnProgress | undefined;
}

/** One entry of a patch: mode and content before and after. */
export interface FilePart {
  /** Absent if there was no file or link. */
  readonly before?: FileState | undefined;
  /** Absent if there is none any more. */
  readonly after?: FileState | undefined;
  readonly hunks: readonly DiffHunk[];
  /** SHA-256 in hex of both versions, if they are not text or too large to compare by lines. */
  readonly hashes?: { readonly before?: string | undefined; readonly after?: string | undefined };
  /** The kind of the file, by its content, where {@link hashes} are given. */
  readonly kind?: BinaryKind | undefined;
  /** The content in git's binary format, for a patch; absent if the content is too large or cannot be read. */
  readonly binary?: readonly string[] | undefined;
}

export interface FileDiff {
  readonly change: Change;
  /** The deletion that together with this addition is a rename. */
  readonly from?: Change | undefined;
  /** Similarity of a renamed path in percent; 100 only if content and mode are equal. */
  readonly similarity?: number | undefined;
  /** The number of paths in a renamed directory that are left out. */
  readonly folded?: number | undefined;
  /** Empty if there are only `#` lines; two if a file became another type. */
  readonly parts: readonly FilePart[];
  /** Lines added and removed; 0 for binary files. */
  readonly added: number;
  readonly removed: number;
  /** Owner of the tree's own directory; a new file's owner is only shown if it differs. */
  readonly rootOwner: string;
  /** The parts that the flags of a git index hide, one phrase each. */
  readonly index: readonly string[];
  /** Why `apply` would refuse it, a sentence. */
  readonly refused?: string | undefined;
}

/** Returns whether the content of either version is not shown as lines. */
export const isBinary = ({ parts }: FileDiff): boolean =>
  parts.some(({ hashes }) => hashes !== undefined);

/** Larger files are not put into a patch: git reads all of it into memory. */
const maxPatchBytes = 32 * 1024 * 1024;

const isContent = (state: FileState | undefined): state is FileState =>
  state?.type === 'file' || state?.type === 'symlink';

/** A part with how many lines were added and removed. */
interface CountedPart {
  readonly part: FilePart;
  readonly added: number;
  readonly removed: number;
}

const uncounted = (part: FilePart): CountedPart => ({ part, added: 0, removed: 0 });

class Differ {
  readonly #sessions: readonly Session[];
  readonly #patch: boolean;
  readonly #detail: NonNullable<DiffOptions['detail']>;

  constructor(sessions: readonly Session[], { patch = false, detail = 'lines' }: DiffOptions) {
    this.#sessions = sessions;
    this.#patch = patch;
    this.#detail = detail;
  }

  one(change: Change, rename: Rename | undefined, refused: string | undefined): FileDiff {
    const session = this.#sessions[change.tree] as Session;
    const { uid, gid } = fstatSync(session.host);
    const counted = this.#detail === 'names' ? [] : this.#parts(change, rename);
    const parts = counted.map(({ part }) => part);
    return {
      change,
      ...(rename === undefined ? {} : { from: rename.from, similarity: rename.similarity }),
      parts,
      added: counted.reduce((sum, { added }) => sum + added, 0),
      removed: counted.reduce((sum, { removed }) => sum + removed, 0),
      rootOwner: `${uid}:${gid}`,
      // An index has NULs, so its lines are not shown.
      index: parts.some(({ hashes }) => hashes !== undefined) ? indexNotes(session, change) : [],
      ...(refused === undefined ? {} : { refused }),
    };
  }

  #parts(change: Change, rename: Rename | undefined): CountedPart[] {
    const old = rename?.from ?? change;
    // To a run that saw no such file, what it wrote was new: the user's own lines are not shown as deleted.
    const isUnseen = !this.#patch && change.flags.includes('unseen');
    const before = isContent(old.before) && !isUnseen ? old.before : undefined;
    const after = isContent(change.after) ? change.after : undefined;
    if (before === undefined && after === undefined) return [];
    const sameContent = rename?.equal === true || ['mode', 'time', 'xattr'].includes(change.kind);
    if (sameContent) return [uncounted({ before, after, hunks: [] })];
    if (before !== undefined && after !== undefined && before.type !== after.type) {
      return [this.#part(old, undefined), this.#part(undefined, change)];
    }
    return [this.#part(before && old, after && change)];
  }

  #part(old: Change | undefined, now: Change | undefined): CountedPart {
    const side = (one: Change | undefined, read: typeof contentBefore): FileContent =>
      one === undefined
        ? noContent
        : read(this.#sessions[one.tree] as Session, one, { patch: this.#patch });
    const before = side(old, contentBefore);
    const after = side(now, contentAfter);
    const states = { before: old?.before, after: now?.after };
    if ('bytes' in before && 'bytes' in after) {
      // One version is enough: text must be shown even if the other version is binary.
      const isEmpty = before.bytes.length + after.bytes.length === 0;
      if (before.lines || after.lines || isEmpty) {
        return this.#lines(before.bytes, after.bytes, states);
      }
    }
    const hash = (one: FileContent, state: FileState | undefined): string | undefined => {
      if (state === undefined) return undefined;
      return 'hash' in one ? one.hash : hashOfBytes(one.bytes);
    };
    const hashes = { before: hash(before, states.before), after: hash(after, states.after) };
    const binary = this.#patch ? this.#binary(old, now) : undefined;
    const { kind } = now === undefined ? before : after;
    return uncounted({ ...states, hunks: [], hashes, binary, kind });
  }

  /** The lines that differ, or only how many: as many as there would be, but found in C. */
  #lines(before: Buffer, after: Buffer, states: Pick<FilePart, 'before' | 'after'>): CountedPart {
    const [session] = this.#sessions;
    if (this.#detail === 'counts' && session !== undefined) {
      const [added, removed] = session.native.lineChanges(before, after, maxEditLength);
      return { part: { ...states, hunks: [] }, added, removed };
    }
    const hunks = hunksOf(textOf(before), textOf(after));
    const count = (mark: string): number =>
      hunks.reduce((sum, { lines }) => sum + countMarked(lines, mark), 0);
    return { part: { ...states, hunks }, added: count('+'), removed: count('-') };
  }

  #binary(old: Change | undefined, now: Change | undefined): string[] | undefined {
    const none = '0'.repeat(40);
    const session = (one: Change): Session => this.#sessions[one.tree] as Session;
    const oldHash = old === undefined ? none : fromHost(session(old), old, blobHash);
    const newHash = now === undefined ? none : fromLayer(session(now), now, blobHash);
    const read = (fd: number): Buffer | undefined => readUpTo(fd, maxPatchBytes);
    const content = now === undefined ? Buffer.alloc(0) : fromLayer(session(now), now, read);
    if (oldHash === undefined || newHash === undefined || content === undefined) return undefined;
    return [`index ${oldHash}..${newHash}`, ...binaryPatch(content)];
  }
}

/** Maps what moved unchanged with its directory to the topmost such directory. */
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
    else if (top !== undefined && rename?.similarity === 100 && change.flags.length === 0) {
      folded.set(change, top);
    }
  }
  return folded;
}

/** Returns the selection for a patch without paths: not the home, unless nothing else was changed. */
function ofWorkdir(found: Selection): Selection {
  const others = withoutHome(found);
  return others.chosen.size === 0 ? found : others;
}

/** A patch can only have the paths of one tree. */
function checkOneTree(changes: readonly Change[]): void {
  const roots = [...new Set(changes.map(({ root }) => root))];
  if (roots.length < 2) return;
  throw new UsageError(
    'ERR_USAGE',
    'a patch can only cover one directory, and the run changed several',
    {
      hint: `Choose one of them: ${roots.join(' ')}`,
    },
  );
}

/**
 * The differences between a run and the host as it is now, one path at a time, by tree and path; a renamed
 * path comes once, under its new name. The run must stay open until the last one was read.
 *
 * @throws UsageError if a patch would cover several trees
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
    const { onProgress, patch = false } = options;
    const all = sessions.flatMap((session) => changesOf(session, onProgress));
    const found = selectChanges(all, options.paths, { from: options.from });
    const { named } = found;
    const { chosen } = patch && options.paths === undefined ? ofWorkdir(found) : found;
    const changes = sortChanges([...chosen]);
    if (patch) checkOneTree(changes);
    const refused = patch ? expectedRefusals(changes, named) : new Map<Change, string>();
    const moved = patch
      ? changes.filter((change) => !refused.has(change) && change.type !== 'directory')
      : changes;
    const renames = findRenames(sessions, moved);
    const left = new Set([...renames.values()].map(({ from }) => from));
    const folded = options.fold === true ? foldMoved(changes, renames) : new Map<Change, Change>();
    const foldedIn = new Map<Change, number>();
    for (const top of folded.values()) foldedIn.set(top, (foldedIn.get(top) ?? 0) + 1);
    const differ = new Differ(sessions, options);
    for (const [done, change] of changes.entries()) {
      onProgress?.({ stage: 'diff', done, total: changes.length });
      if (left.has(change) || folded.has(change)) continue;
      const diff = differ.one(change, renames.get(change), refused.get(change));
      const count = foldedIn.get(change) ?? 0;
      yield count === 0 ? diff : { ...diff, folded: count };
    }
  } catch (error) {
    throw runStateError(store, run.record.id, error);
  } finally {
    closeSessions(sessions);
    closeDescriptor(runDirectory);
  }
}
