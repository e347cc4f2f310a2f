/**
 * Selects changes by path.
 *
 * A path selects a change and everything below it. Changes that are not applied automatically are applied
 * by their own path, or by that of a directory that is held as a whole, as `.venv`: naming any other directory does not
 * approve the hook in it.
 */

import { posix } from 'node:path';
import { displayPath } from '../../text/index.js';
import {
  homePrefix,
  isWithin,
  joinPath,
  notHome,
  pathKey,
  shownPath,
  splitPath,
} from '../files/path.js';
import type { Change } from '../model/index.js';

export interface Selection {
  readonly chosen: ReadonlySet<Change>;
  /** Chosen by their own path. */
  readonly named: ReadonlySet<Change>;
  readonly unmatched: readonly string[];
}

/** `./a//b/` and `a/b` are the same; `.` is the root. A `..` matches nothing. */
function normalise(bytes: Buffer): Buffer {
  const parts = splitPath(bytes).filter((name) => !name.equals(Buffer.from('.')));
  return Buffer.from(parts.map((name) => name.toString('latin1')).join('/'), 'latin1');
}

/** Paths that cannot be typed are matched by the forms in which they are displayed, both quoted. */
const isShownAs = (change: Change, given: string | Buffer): boolean =>
  change.display === given ||
  (typeof given === 'string' && given.startsWith('"') && shownPath(change) === given);

/** Resolves a given path in the tree of a change; an absolute path must be in that tree. */
class Name {
  readonly #bytes: Buffer;
  readonly #inTree = new Map<number, Buffer | undefined>();

  constructor(given: string | Buffer) {
    this.#bytes = typeof given === 'string' ? Buffer.from(given) : given;
  }

  in(change: Change): Buffer | undefined {
    if (!this.#inTree.has(change.tree)) this.#inTree.set(change.tree, this.#resolve(change));
    return this.#inTree.get(change.tree);
  }

  /** A tree's own directory is named by its absolute path; `.` only means everything in it. */
  names({ path }: Change, exactly: boolean): boolean {
    return path.length > 0 || exactly || this.#bytes[0] === 0x2f;
  }

  /** The path in the home, where it was written as one; a shell makes it absolute. */
  #belowHome(): Buffer | undefined {
    const [first, next] = this.#bytes;
    if (first !== 0x7e || (next !== undefined && next !== 0x2f)) return undefined;
    return normalise(this.#bytes.subarray(1));
  }

  #resolve({ tree, root, home }: Change): Buffer | undefined {
    // A directory that is itself named ~ is named ./~.
    const below = this.#belowHome();
    if (below !== undefined) return home === undefined ? undefined : below;
    const path = normalise(this.#bytes);
    if (this.#bytes[0] !== 0x2f) return tree === 0 ? path : undefined;
    const top = normalise(Buffer.from(root));
    return isWithin(path, top) ? path.subarray(top.length === 0 ? 0 : top.length + 1) : undefined;
  }
}

/**
 * Returns whether naming a directory approves what is in it: where the catalogue holds back whatever is in that
 * directory (`.venv`, `~/.nvm`), its name says as much as the names in it.
 */
const approves = (path: Buffer, { heldWith }: Change): boolean =>
  path.length > 0 && heldWith !== undefined && splitPath(path).length >= heldWith;

/** A tree's own directory has an absolute path. */
const ownName = ({ path, display, root }: Change): string =>
  path.length === 0 ? displayPath(Buffer.from(root)) : display;

/** The directory that is held as a whole, as it is displayed; the change's own path where none is. */
function wholeOf(change: Change): string {
  const { path, heldWith, home, tree, root } = change;
  if (heldWith === undefined) return ownName(change);
  const whole = Buffer.concat(
    splitPath(path)
      .slice(0, heldWith)
      .flatMap((name, at) => (at === 0 ? [name] : [Buffer.from('/'), name])),
  );
  if (home !== undefined) return displayPath(joinPath(homePrefix, whole));
  return displayPath(tree === 0 ? notHome(whole) : joinPath(Buffer.from(root), whole));
}

/**
 * The path to name to apply each of the changes, which are held, as it is displayed: its own, or that of the directory that
 * is held as a whole, where several of them are in it.
 */
export function namesToApply(held: readonly Change[]): ReadonlyMap<Change, string> {
  const counts = new Map<string, number>();
  for (const change of held) {
    const whole = wholeOf(change);
    counts.set(whole, (counts.get(whole) ?? 0) + 1);
  }
  return new Map(
    held.map((change) => {
      const whole = wholeOf(change);
      return [change, counts.get(whole) === 1 ? ownName(change) : whole];
    }),
  );
}

/** Returns the selection without what is in the home, which is applied only when named. */
export function withoutHome(selection: Selection): Selection {
  const chosen = [...selection.chosen].filter(({ home }) => home === undefined);
  return { ...selection, chosen: new Set(chosen) };
}

/** How paths are meant. */
export interface PathMeaning {
  /** True if a path means only itself, without what is below. @default false */
  readonly exactly?: boolean | undefined;
  /** True if the new parent directories of a change are chosen with it. @default true */
  readonly parents?: boolean | undefined;
  /** Where in the working directory the user is: a relative path starts there, if a change is there. */
  readonly from?: string | undefined;
}

/** A path as it may be meant, the likelier first. */
function formsOf(given: string | Buffer, from: string | undefined): (string | Buffer)[] {
  const bytes = typeof given === 'string' ? Buffer.from(given) : given;
  const isRelative = bytes[0] !== 0x2f && bytes[0] !== 0x7e;
  if (from === undefined || from === '' || !isRelative) return [given];
  const below = posix.normalize(
    `${Buffer.from(from).toString('latin1')}/${bytes.toString('latin1')}`,
  );
  return [Buffer.from(below, 'latin1'), given];
}

/** Returns what an `apply` with these paths means: without paths not the home, which is applied only when named. */
export function selectToApply(
  changes: readonly Change[],
  paths: readonly (string | Buffer)[] | undefined,
  meaning?: PathMeaning,
): Selection {
  const found = selectChanges(changes, paths, meaning);
  return paths === undefined ? withoutHome(found) : found;
}

/** Paths are relative to where the user is or to the working directory, below `~`, or absolute. */
export function selectChanges(
  changes: readonly Change[],
  paths: readonly (string | Buffer)[] | undefined,
  { exactly = false, parents = true, from }: PathMeaning = {},
): Selection {
  if (paths === undefined) {
    return { chosen: new Set(changes), named: new Set(), unmatched: [] };
  }
  const chosen = new Set<Change>();
  const named = new Set<Change>();
  const unmatched: string[] = [];
  const choose = (form: string | Buffer): boolean => {
    const name = new Name(form);
    let matched = false;
    for (const change of changes) {
      const path = name.in(change);
      const exact =
        name.names(change, exactly) && (path?.equals(change.path) || isShownAs(change, form));
      if (!exact && (exactly || path === undefined || !isWithin(change.path, path))) continue;
      matched = true;
      chosen.add(change);
      if (exact || (path !== undefined && approves(path, change))) named.add(change);
    }
    return matched;
  };
  for (const given of paths) {
    if (formsOf(given, from).some(choose)) continue;
    unmatched.push(typeof given === 'string' ? given : displayPath(given));
  }
  if (parents) addParents(changes, chosen);
  return { chosen, named, unmatched };
}

/** Adds the new directories that chosen files need. */
function addParents(changes: readonly Change[], chosen: Set<Change>): void {
  const directories = new Map<string, Change>();
  for (const change of changes) {
    if (change.after?.type === 'directory' && (change.kind === 'added' || change.kind === 'type')) {
      directories.set(`${change.tree} ${pathKey(change.path)}`, change);
    }
  }
  if (directories.size === 0) return;
  for (const change of [...chosen]) {
    for (let end = change.path.lastIndexOf(0x2f); end > 0; ) {
      const parent = directories.get(`${change.tree} ${pathKey(change.path.subarray(0, end))}`);
      if (parent !== undefined) chosen.add(parent);
      end = change.path.lastIndexOf(0x2f, end - 1);
    }
  }
}
