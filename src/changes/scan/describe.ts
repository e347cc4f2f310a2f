/**
 * One difference between layer and host becomes a {@link Change}: with all that one
 * should know about it.
 */

import { displayPath } from '../../text/index.js';
import type { NameRules } from '../auto-executed/configured.js';
import { completesGit, inGitDirectory } from '../auto-executed/git-directory.js';
import { homeDirectory } from '../auto-executed/home-links.js';
import { type Later, mayHoldBelow, namesRunLater } from '../auto-executed/match.js';
import { joinPath } from '../files/path.js';
import type { Change, ChangeFlag, ChangeKind, FileState } from '../model.js';
import { stateFlags } from './compare.js';
import type { MergedTree, Names } from './merged-tree.js';
import { leadsOut, namesOf } from './symlink-escape.js';

/** Which tree the change lies in. */
export interface TreePlace {
  readonly root: string;
  readonly tree: number;
  /** Put before paths that are shown; empty for the working directory. */
  readonly prefix: Buffer;
}

/** Why a change cannot be applied where it lies. */
export type Block = 'mount-point' | 'unreadable' | undefined;

export interface Difference {
  readonly kind: ChangeKind;
  readonly path: Buffer;
  readonly before: FileState | undefined;
  readonly after: FileState | undefined;
  readonly flags: readonly ChangeFlag[];
  readonly hostChanged: boolean;
  readonly block: Block;
}

/**
 * The path with the last names of its tree's: a tree may itself be `.vscode` or `.config/nvim`. Not
 * with all of them, or a project somewhere below `.config` would be held back whole.
 */
const named = ({ root }: TreePlace, path: Names): Names => [
  ...namesOf(Buffer.from(root)).slice(-2),
  ...path,
];

/** The path from the user's home; none where it lies elsewhere. */
function fromHome({ root }: TreePlace, path: Names): Names {
  const [home, own] = [homeDirectory(), Buffer.from(root).toString('latin1')];
  if (home === undefined || !`${own}/`.startsWith(`${home}/`)) return [];
  return [...namesOf(Buffer.from(own.slice(home.length), 'latin1')), ...path];
}

const autoExecutedByName = (place: TreePlace, tree: MergedTree, path: Names): Later | undefined =>
  namesRunLater(named(place, path), inGitDirectory(tree, path), fromHome(place, path));

/** What the names in a tree say, whatever is there. */
export function nameRules(place: TreePlace, tree: MergedTree): NameRules {
  const isHeld = (path: Names): boolean => autoExecutedByName(place, tree, path)?.level === 'held';
  return {
    isHeld,
    mayHold: (path) => isHeld(path) || mayHoldBelow(named(place, path), fromHome(place, path)),
    show: (path) => displayPath(Buffer.from(path.join('/'), 'latin1')),
  };
}

/** The path as it is shown. */
function display({ prefix }: TreePlace, path: Buffer): string {
  if (prefix.length > 0) return displayPath(path.length === 0 ? prefix : joinPath(prefix, path));
  return path.length === 0 ? '.' : displayPath(path);
}

function autoExecutedOf(
  place: TreePlace,
  tree: MergedTree,
  path: Names,
  after: FileState,
): Later | undefined {
  const byName = after.type === 'directory' ? undefined : autoExecutedByName(place, tree, path);
  if (byName?.level === 'held') return byName;
  if (completesGit(tree, path, after)) {
    const why = 'git would treat the directory as a repository, and run what is configured there';
    return { level: 'held', why };
  }
  // A link by whose name others would be held back.
  if (after.type === 'symlink' && mayHoldBelow(named(place, path), fromHome(place, path))) {
    return {
      level: 'held',
      why: 'through this link, existing files get names that run by themselves',
    };
  }
  const why = tree.steered()?.why(path, after);
  return why === undefined ? byName : { level: 'held', why };
}

const ofRoot: Later = {
  level: 'held',
  why: 'it changes the mode of the directory itself, which opens or closes everything in it',
};

export function describeChange(place: TreePlace, tree: MergedTree, found: Difference): Change {
  const { kind, path, before, after, hostChanged, block } = found;
  const flags = [...found.flags];
  let runs: string | undefined;
  if (after !== undefined && kind !== 'time' && kind !== 'xattr') {
    const names = namesOf(path);
    const later = names.length === 0 ? ofRoot : autoExecutedOf(place, tree, names, after);
    runs = later?.why;
    if (later !== undefined) flags.push(later.level === 'held' ? 'held' : 'runs-later');
    flags.push(...stateFlags(kind, before, after));
    if (after.link !== undefined && leadsOut(tree, names, after.link)) flags.push('leads-out');
  }
  if (hostChanged) flags.push('host-changed');
  if (block !== undefined && !flags.includes(block)) flags.push(block);
  return {
    path,
    root: place.root,
    tree: place.tree,
    display: display(place, path),
    kind,
    type: (after ?? before)?.type ?? 'file',
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    flags,
    ...(runs === undefined ? {} : { runs }),
  };
}
