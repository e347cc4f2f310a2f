/** Finds what the names of a path alone do not tell: what lies beside it, what it links to, what is in it. */
import { posix } from 'node:path';
import { canonicalName } from '../files/canonical-name.js';
import { readText } from '../files/host-text.js';
import type { Names } from '../files/path.js';
import { inLayer, type MergedTree, onHost } from '../merged-tree/tree.js';
import type { FileState } from '../model/index.js';
import type { AutoExecuted } from './match.js';

/** Files that make a directory an environment of Python or conda. */
const marks: readonly string[] = ['pyvenv.cfg', 'conda-meta'];

/** How many names the environment has that a directory is, or is in; undefined if it is in none. */
type Depths = Map<string, number | undefined>;

const known = new WeakMap<MergedTree, Depths>();

function environmentOf(tree: MergedTree, directory: Names, depths: Depths): number | undefined {
  const key = directory.join('/');
  if (depths.has(key)) return depths.get(key);
  const isOne = marks.some((mark) => isThere(tree, [...directory, mark]));
  const above = directory.length === 0 ? undefined : directory.slice(0, -1);
  const depth = isOne ? directory.length : above && environmentOf(tree, above, depths);
  depths.set(key, depth);
  return depth;
}

const isThere = (tree: MergedTree, names: Names): boolean =>
  [onHost, inLayer].some((find) => ![undefined, 'absent'].includes(find(tree, names) as 'absent'));

/** The directory of the virtual environment that a path is in; undefined if it is in none. */
export function environmentAround(tree: MergedTree, path: Names): Names | undefined {
  const depths: Depths = known.get(tree) ?? new Map();
  known.set(tree, depths);
  const depth = environmentOf(tree, path.slice(0, -1), depths);
  return depth === undefined ? undefined : path.slice(0, depth);
}

/** Returns whether a path is in a virtual environment, of any name. */
export function inEnvironment(
  tree: MergedTree,
  path: Names,
  byName: AutoExecuted | undefined,
): AutoExecuted | undefined {
  const depth = environmentAround(tree, path)?.length;
  if (depth === undefined) return byName;
  if (byName?.level === 'held') return { ...byName, whole: depth };
  const why = 'it is in a virtual environment, whose programs and modules run by themselves';
  return { level: 'held', why, mayGo: true, start: depth - 1, whole: depth };
}

/** A program in `node_modules/.bin`, unless it is a link into a package, as an install makes it. */
export function ofPackages(path: Names, { type, link }: FileState): AutoExecuted | undefined {
  const at = path.length - 3;
  if (path[at] !== 'node_modules' || path[at + 1] !== '.bin') return undefined;
  const [first, ...rest] = posix.normalize(link?.toString('latin1') ?? '').split('/');
  const isPlain = rest.every((name) => name !== '..' && !name.startsWith('.'));
  if (type === 'symlink' && first === '..' && rest.length > 1 && isPlain) return undefined;
  const why = 'npm, npx and scripts of the project run it, and it is no link into a package';
  return { level: 'held', why, mayGo: true, start: at + 1, whole: at + 2 };
}

/** Returns whether git's packed references replace objects: then a commit is not what its hash says. */
export function replacesObjects(tree: MergedTree, path: Names): boolean {
  if (canonicalName(path.at(-1) ?? '') !== 'packed-refs') return false;
  const text = readText(tree.native, tree.layer.root, path);
  return text !== undefined && (text.cut || text.text.includes('refs/replace/'));
}
