/**
 * Stage: changes. One difference between layer and host becomes a {@link Change}: with all that one
 * should know about it.
 */
import { stateFlags } from './compare.js';
import { gitFiles, type Later, runsLater } from './later.js';
import { leadsOut } from './leads-out.js';
import { looksLikeGit, type MergedTree } from './merged-tree.js';
import type { Change, ChangeFlag, ChangeKind, FileState } from './model.js';
import { displayPath, emptyPath, joinPath, splitPath } from './path.js';
import { whySteered } from './steered.js';

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

/** Git also takes a directory of another name for a repository, by what is in it. */
function inGitDirectory(tree: MergedTree, path: Buffer, directory: Buffer): boolean {
  const slash = directory.lastIndexOf(0x2f);
  const parent = directory.toString('latin1', slash + 1).toLowerCase();
  const name = path.toString('latin1', path.lastIndexOf(0x2f) + 1).toLowerCase();
  const deeper = parent === 'hooks' || (parent === 'info' && name === 'attributes');
  if (!deeper && !gitFiles.includes(name)) return false;
  const root = deeper ? directory.subarray(0, Math.max(0, slash)) : directory;
  return looksLikeGit(
    tree,
    splitPath(root).map((name) => name.toString('latin1')),
  );
}

/**
 * The path with the last names of its tree's: a tree may itself be `.vscode` or `.config/nvim`. Not
 * with all of them, or a project somewhere below `.config` would be held back whole.
 */
function namedPath({ root }: TreePlace, path: Buffer): Buffer {
  const names = splitPath(Buffer.from(root)).slice(-2);
  return [...names, path].reduce(joinPath, emptyPath);
}

/** The path as it is shown. */
function display({ prefix }: TreePlace, path: Buffer): string {
  if (prefix.length > 0) return displayPath(path.length === 0 ? prefix : joinPath(prefix, path));
  return path.length === 0 ? '.' : displayPath(path);
}

function laterOf(
  place: TreePlace,
  tree: MergedTree,
  path: Buffer,
  after: FileState,
  directory: Buffer,
): Later | undefined {
  if (after.type === 'directory') return undefined;
  const named = runsLater(namedPath(place, path), false, inGitDirectory(tree, path, directory));
  if (named?.level === 'held') return named;
  const why = whySteered(tree.steered(), path);
  return why === undefined ? named : { level: 'held', why };
}

export function describeChange(place: TreePlace, tree: MergedTree, found: Difference): Change {
  const { kind, path, before, after, hostChanged, block } = found;
  const flags = [...found.flags];
  let runs: string | undefined;
  if (after !== undefined && kind !== 'time' && kind !== 'xattr') {
    const directory = path.subarray(0, Math.max(0, path.lastIndexOf(0x2f)));
    const later = laterOf(place, tree, path, after, directory);
    runs =
      path.length === 0
        ? 'it is the directory itself, whose mode opens or shuts all of it'
        : later?.why;
    if (path.length === 0) flags.push('held');
    if (later !== undefined) flags.push(later.level === 'held' ? 'held' : 'runs-later');
    flags.push(...stateFlags(kind, before, after));
    if (after.link !== undefined && leadsOut(tree, path, after.link)) flags.push('leads-out');
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
