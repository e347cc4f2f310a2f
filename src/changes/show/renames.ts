/**
 * Detects renames: an added path that is a deleted one under another name. Overlayfs does not record them,
 * so they are found by content: equal files first, then similar text, then directories whose files all
 * moved together. Only `diff` shows renames; `apply` deletes and adds.
 *
 * The payload decides how much there is to compare, so every step has a limit; beyond it, paths are shown as
 * added and deleted.
 */

import { isWithin, pathKey } from '../files/path.js';
import { type Change, metadataDiffers } from '../model/index.js';
import type { Session } from '../store/session.js';
import {
  contentAfter,
  contentBefore,
  type FileContent,
  fromHost,
  fromLayer,
  hashOf,
  textOf,
} from './file-contents.js';

export interface Rename {
  readonly from: Change;
  /** True if the content is the same, by its hash; of a directory: all that is in it. */
  readonly equal: boolean;
  /** Similarity of the content in percent; 100 only if content, mode and owner are equal. */
  readonly similarity: number;
}

/** Total bytes to hash, to find equal files. */
const maxHashedBytes = 256 * 1024 * 1024;
/** Pairs of text files that are compared by their lines. */
const maxPairs = 4000;
const maxTextBytes = 256 * 1024;
/** All of these lines are in memory at once. */
const maxAllTextBytes = 8 * 1024 * 1024;
/** The least similarity in percent; less is not a rename, as in git. */
const minSimilarity = 50;

const nameOf = ({ path }: Change): string => pathKey(path.subarray(path.lastIndexOf(0x2f) + 1));

class Finder {
  readonly #sessions: readonly Session[];
  readonly found = new Map<Change, Rename>();
  readonly #taken = new Set<Change>();
  #bytesLeft = maxHashedBytes;

  constructor(sessions: readonly Session[]) {
    this.#sessions = sessions;
  }

  /** @param similarity of files that are not equal, or of a directory with such files */
  #pair(to: Change, from: Change, equal: boolean, similarity = 100): void {
    const same =
      equal && from.before !== undefined && to.after !== undefined
        ? !metadataDiffers(from.before, to.after)
        : false;
    this.found.set(to, { from, equal, similarity: same ? similarity : Math.min(similarity, 99) });
    this.#taken.add(from);
  }

  #free(changes: readonly Change[]): Change[] {
    return changes.filter((change) => !this.#taken.has(change) && !this.found.has(change));
  }

  #session(change: Change): Session {
    return this.#sessions[change.tree] as Session;
  }

  /** A key that equal files share; undefined for what is not compared. */
  #content(change: Change, side: 'before' | 'after'): string | undefined {
    const state = change[side];
    if (state === undefined) return undefined;
    if (state.type === 'symlink') return `link ${state.link?.toString('latin1')}`;
    if (state.type !== 'file') return undefined;
    // All empty files are equal, so the name must match.
    if (state.size === 0) return `empty ${nameOf(change)}`;
    this.#bytesLeft -= state.size;
    if (this.#bytesLeft < 0) return undefined;
    const read = side === 'before' ? fromHost : fromLayer;
    const hash = read(this.#session(change), change, hashOf);
    return hash === undefined || hash === '?' ? undefined : `file ${hash}`;
  }

  equal(deleted: readonly Change[], added: readonly Change[]): void {
    const sizeOf = (change: Change): string =>
      `${change.type} ${(change.before ?? change.after)?.size}`;
    const sizes = new Set(added.map(sizeOf));
    const byContent = new Map<string, Change[]>();
    const wanted = new Set<string>();
    for (const from of deleted) {
      if (!sizes.has(sizeOf(from))) continue;
      const content = this.#content(from, 'before');
      if (content === undefined) continue;
      wanted.add(sizeOf(from));
      byContent.set(content, [...(byContent.get(content) ?? []), from]);
    }
    const sources = new Map<Change, Change[]>();
    for (const to of added) {
      if (!wanted.has(sizeOf(to))) continue;
      const content = this.#content(to, 'after');
      const from = content === undefined ? undefined : byContent.get(content);
      if (from !== undefined) sources.set(to, from);
    }
    // Among equal files, those with the same name come first.
    for (const sameName of [true, false]) {
      for (const [to, list] of sources) {
        if (this.found.has(to)) continue;
        const free = this.#free(list);
        const from = free.find((one) => !sameName || nameOf(one) === nameOf(to));
        if (from !== undefined) this.#pair(to, from, true);
      }
    }
  }

  similar(deleted: readonly Change[], added: readonly Change[]): void {
    const isText = ({ before, after }: Change): boolean => {
      const state = before ?? after;
      return state?.type === 'file' && state.size > 0 && state.size <= maxTextBytes;
    };
    const from = this.#free(deleted).filter(isText);
    const to = this.#free(added).filter(isText);
    if (from.length === 0 || to.length === 0 || from.length * to.length > maxPairs) return;
    const bytes = [...from, ...to].reduce(
      (sum, one) => sum + ((one.before ?? one.after)?.size ?? 0),
      0,
    );
    if (bytes > maxAllTextBytes) return;
    const linesOf = (side: FileContent): Map<string, number> | undefined =>
      'bytes' in side && side.lines ? countLines(textOf(side.bytes)) : undefined;
    // Equal lines in any order: enough to detect a rename.
    const old = from.map((change) => linesOf(contentBefore(this.#session(change), change)));
    const now = to.map((change) => linesOf(contentAfter(this.#session(change), change)));
    const pairs: { from: Change; to: Change; similarity: number }[] = [];
    for (const [i, a] of old.entries()) {
      for (const [j, b] of now.entries()) {
        const [one, two] = [from[i], to[j]];
        if (a === undefined || b === undefined || one === undefined || two === undefined) continue;
        const similarity = similarityOf(a, b);
        if (similarity >= minSimilarity) pairs.push({ from: one, to: two, similarity });
      }
    }
    pairs.sort((a, b) => b.similarity - a.similarity);
    for (const pair of pairs) {
      if (this.#taken.has(pair.from) || this.found.has(pair.to)) continue;
      this.#pair(pair.to, pair.from, false, pair.similarity);
    }
  }

  /** A directory moved if everything that was deleted in it was added in the other. */
  directories(deleted: readonly Change[], added: readonly Change[]): void {
    const moved = new Map<string, Change>();
    const key = ({ tree, path }: Change): string => `${tree} ${pathKey(path)}`;
    const from = new Map(deleted.map((change) => [key(change), change]));
    for (const [to, rename] of this.found) {
      const [old, now] = [rename.from.path, to.path];
      const oldEnd = old.lastIndexOf(0x2f);
      const nowEnd = now.lastIndexOf(0x2f);
      if (oldEnd < 0 || nowEnd < 0 || nameOf(to) !== nameOf(rename.from)) continue;
      const parent = from.get(`${rename.from.tree} ${pathKey(old.subarray(0, oldEnd))}`);
      if (parent !== undefined) moved.set(`${to.tree} ${pathKey(now.subarray(0, nowEnd))}`, parent);
    }
    // Inner directories first, so that an outer one finds them paired.
    const directories = added.filter(({ type }) => type === 'directory').reverse();
    for (const to of directories) {
      const old = moved.get(key(to)) ?? this.#parentOfMoved(to, directories, from);
      if (old === undefined || this.#taken.has(old)) continue;
      const least = this.#leastOfMoved(old, to, deleted, added);
      if (least !== undefined) this.#pair(to, old, least === 100, least);
    }
  }

  /** The origin of a directory that contains only directories. */
  #parentOfMoved(
    to: Change,
    directories: readonly Change[],
    from: ReadonlyMap<string, Change>,
  ): Change | undefined {
    for (const inner of directories) {
      const rename = this.found.get(inner);
      if (rename === undefined || inner === to || !isWithin(inner.path, to.path)) continue;
      const { path, tree } = rename.from;
      const tail = inner.path.length - to.path.length;
      const same = path.subarray(-tail).equals(inner.path.subarray(-tail));
      if (same) return from.get(`${tree} ${pathKey(path.subarray(0, path.length - tail))}`);
    }
    return undefined;
  }

  /** The lowest similarity in a directory that moved completely; undefined for any other. */
  #leastOfMoved(
    old: Change,
    to: Change,
    deleted: readonly Change[],
    added: readonly Change[],
  ): number | undefined {
    const within = (list: readonly Change[], top: Change): Change[] =>
      list.filter((one) => one !== top && one.tree === top.tree && isWithin(one.path, top.path));
    const now = within(added, to);
    if (now.length !== within(deleted, old).length) return undefined;
    let least = 100;
    for (const one of now) {
      const rename = this.found.get(one);
      const tail = rename?.from.path.subarray(old.path.length);
      if (tail?.equals(one.path.subarray(to.path.length)) !== true) return undefined;
      if (rename?.from.tree !== old.tree) return undefined;
      least = Math.min(least, rename.similarity);
    }
    return least;
  }
}

/** Number of bytes in each distinct line. */
function countLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  for (const line of text.split(/(?<=\n)/)) {
    lines.set(line, (lines.get(line) ?? 0) + line.length);
  }
  return lines;
}

function similarityOf(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  const sum = (lines: ReadonlyMap<string, number>): number =>
    [...lines.values()].reduce((total, length) => total + length, 0);
  let common = 0;
  for (const [line, length] of a) common += Math.min(length, b.get(line) ?? 0);
  return Math.floor((100 * common) / Math.max(sum(a), sum(b), 1));
}

/** Limit for finding directories: each one is compared with all changes. */
const maxDirectoryWork = 20_000_000;

/** Finds renames, by the added path. A deletion with flags is never part of one. */
export function findRenames(
  sessions: readonly Session[],
  changes: readonly Change[],
): ReadonlyMap<Change, Rename> {
  const plain = changes.filter(({ flags }) => !flags.includes('special'));
  const deleted = plain.filter(({ kind, flags }) => kind === 'deleted' && flags.length === 0);
  const added = plain.filter(({ kind }) => kind === 'added');
  const finder = new Finder(sessions);
  if (deleted.length === 0 || added.length === 0) return finder.found;
  finder.equal(deleted, added);
  finder.similar(deleted, added);
  const directories = added.filter(({ type }) => type === 'directory').length;
  if (directories * changes.length < maxDirectoryWork) finder.directories(deleted, added);
  return finder.found;
}
