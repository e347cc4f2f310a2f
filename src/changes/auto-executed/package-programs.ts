/**
 * Programs in `node_modules/.bin`: links, and shell scripts that pnpm writes in place of them. One is as installed if it
 * starts the file that a package there says is its program of that name, and nothing else.
 */
import { posix } from 'node:path';
import { canonicalName } from '../files/canonical-name.js';
import { readText } from '../files/host-text.js';
import { type Names, namesIn } from '../files/path.js';
import { inLayer, type MergedTree, onHost } from '../merged-tree/tree.js';
import type { FileState } from '../model/index.js';
import type { AutoExecuted } from './match.js';
import { shimTarget, shimText } from './package-shim.js';

/** Returns whether `package.json` names a program, and which file it is, as npm reads it. */
function namesProgram(text: string, name: string, file: string): boolean {
  let own: unknown;
  try {
    own = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
  const { bin, name: packageName, directories } = Object(own) as Record<string, unknown>;
  const clean = (path: unknown): string => posix.join('/', typeof path === 'string' ? path : '');
  const at = clean(file);
  if (typeof bin === 'string') {
    return posix.basename(String(packageName)) === name && clean(bin) === at;
  }
  if (bin !== undefined) {
    return Object.entries(Object(bin) as object).some(
      ([program, path]) => posix.basename(program) === name && clean(path) === at,
    );
  }
  const { bin: directory } = Object(directories) as Record<string, unknown>;
  return typeof directory === 'string' && at === posix.join(clean(directory), name);
}

/** The names of a package's directory, which is a link where the package is of the project itself; undefined outside. */
function packageAt(tree: MergedTree, names: Names): Names | undefined {
  const found = inLayer(tree, names) ?? onHost(tree, names);
  const link = typeof found === 'object' ? found.link?.toString('latin1') : undefined;
  if (link === undefined) return names;
  const to = posix.join(...names.slice(0, -1), link);
  return link.startsWith('/') || to.startsWith('..') ? undefined : namesIn(to);
}

/** A file of a package, by the path with which a program leads to it. */
interface PackageFile {
  /** The directory that the package is named by. */
  readonly directory: Names;
  /** The file's path in the package. */
  readonly file: string;
}

/** Splits the path of a file at its package; undefined if it is in none, or behind a hidden name. */
function packageFile(path: Names): PackageFile | undefined {
  const at = path.lastIndexOf('node_modules');
  const [, own, file = ''] =
    /^((?:@[^/.][^/]*\/)?[^/.@][^/]*)\/(.+)$/s.exec(path.slice(at + 1).join('/')) ?? [];
  const isPlain = file.split('/').every((part) => part !== '' && !part.startsWith('.'));
  if (at < 0 || own === undefined || !isPlain) return undefined;
  return { directory: [...path.slice(0, at + 1), ...namesIn(own)], file };
}

/** The run's own text of a file comes first: the host's counts only where the run wrote none. */
const textOf = (tree: MergedTree, path: Names): string | undefined =>
  [tree.layer.root, tree.host]
    .map((root) => readText(tree.native, root, path))
    .find((one) => one !== undefined)?.text;

/** The path to which a program leads, as it is spelled; undefined if it has none. */
function endOf(
  place: Names,
  link: Buffer | undefined,
  shim: string | undefined,
): Names | undefined {
  if (shim !== undefined) return shimTarget(shim, place);
  const [up, ...names] = link?.toString('latin1').split('/') ?? [];
  return up === '..' ? [...place, ...names] : undefined;
}

/**
 * A program in `node_modules/.bin`, unless it leads to the file that a package, which is there or comes with it, says is
 * its program of that name, as an install makes it.
 */
export function ofPackages(
  tree: MergedTree,
  path: Names,
  { type, link }: FileState,
): AutoExecuted | undefined {
  const names = path.map(canonicalName);
  const at = names.findIndex(
    (name, from) => name === 'node_modules' && names[from + 1] === '.bin' && from + 2 < path.length,
  );
  if (at < 0) return undefined;
  const why = 'npm, npx and scripts of the project run it, and no package there says it is its own';
  const held = { level: 'held', why, mayGo: true, start: at + 1, whole: at + 2 } as const;
  const place = path.slice(0, at + 1);
  const name = path[at + 2] ?? '';
  // No install makes directories there.
  if (path.length !== at + 3) return held;
  const shim = type === 'file' ? textOf(tree, path) : undefined;
  const end = endOf(place, type === 'symlink' ? link : undefined, shim);
  const to = end && packageFile(end);
  const directory = to && packageAt(tree, to.directory);
  if (to === undefined || directory === undefined) return held;
  const text = textOf(tree, [...directory, 'package.json']);
  if (text === undefined || !namesProgram(text, name, to.file)) return held;
  if (shim === undefined) return undefined;
  const program = textOf(tree, [...directory, ...namesIn(to.file)]);
  return program !== undefined && shimText(tree, shim, program) ? undefined : held;
}
