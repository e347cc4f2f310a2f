/**
 * Directories of the user's PATH: a program that is put there runs in place of another of its name. A
 * relative entry (`.`, `node_modules/.bin`) means such a directory below any in which the user may be.
 */
import { realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { canonicalName } from '../files/canonical-name.js';
import { errnoOf } from '../files/fdtree.js';
import { type Names, namesIn } from '../files/path.js';
import type { FileState } from '../model/index.js';
import type { AutoExecuted } from './match.js';

interface Directories {
  readonly path: string;
  /** Absolute paths. */
  readonly absolute: ReadonlySet<string>;
  /** The canonical names of relative entries, without `..` at the beginning. */
  readonly relative: readonly Names[];
  /** True if any directory may be one. */
  readonly any: boolean;
}

let known: Directories | undefined;

/** Returns the directories by the names in PATH and where they lead, one character per byte. */
function directories(): Directories {
  const { PATH: path = '' } = process.env;
  if (known?.path === path) return known;
  const absolute = new Set<string>();
  const relative: Names[] = [];
  // An unset PATH has no entries; an empty entry of another is the current directory.
  for (const entry of path === '' ? [] : path.split(':')) {
    const named = Buffer.from(posix.normalize(entry)).toString('latin1');
    if (!entry.startsWith('/')) {
      const names = namesIn(named).filter((name) => name !== '.');
      relative.push(names.slice(names.lastIndexOf('..') + 1).map(canonicalName));
      continue;
    }
    absolute.add(named.replace(/(?<=.)\/$/, ''));
    try {
      const real = realpathSync(Buffer.from(named, 'latin1'), { encoding: 'buffer' });
      absolute.add(real.toString('latin1'));
    } catch (error) {
      errnoOf(error); // the run may have made it
    }
  }
  const any = relative.some((names) => names.length === 0);
  known = { path, absolute, relative: relative.filter((names) => names.length > 0), any };
  return known;
}

/** The absolute directories of PATH, as named there and where they lead. */
export const pathDirectories = (): ReadonlySet<string> => directories().absolute;

const absoluteOf = (root: string, path: Names): string =>
  [root === '/' ? '' : root, ...path].join('/');

/** Returns whether the path ends in the first `count` of these names. */
const endsIn = (path: Names, names: Names, count: number): boolean =>
  path.length >= count &&
  names
    .slice(0, count)
    .every((name, at) => canonicalName(path[path.length - count + at] ?? '') === name);

/** @param root absolute path of the tree, one character per byte */
export function inPath(root: string, path: Names): AutoExecuted | undefined {
  const { absolute, relative } = directories();
  const parent = path.slice(0, -1);
  const whole = (): Names => [...namesIn(root), ...parent];
  const isOne =
    absolute.has(absoluteOf(root, parent)) ||
    (path.length > 0 && relative.some((names) => endsIn(whole(), names, names.length)));
  if (!isOne) return undefined;
  const why = 'the directory is in your PATH: your shell runs programs from it';
  return { level: 'held', why, whole: parent.length };
}

/** Returns whether a directory of that path, or one below it, is in PATH: a link there makes others of it. */
export function mayBeInPath(root: string, path: Names): boolean {
  const { absolute, relative } = directories();
  const own = absoluteOf(root, path);
  for (const one of absolute) if (`${one}/`.startsWith(`${own}/`)) return true;
  const whole = relative.length === 0 ? [] : [...namesIn(root), ...path];
  return relative.some((names) => names.some((_, at) => endsIn(whole, names, at + 1)));
}

/** Where PATH has the current directory, a program anywhere may run in place of another. */
export function runsAnywhere({ type, mode }: FileState): AutoExecuted | undefined {
  const isProgram = type === 'symlink' || (type === 'file' && (mode & 0o111) !== 0);
  if (!isProgram || !directories().any) return undefined;
  const why = 'your PATH has the current directory: your shell runs programs from any';
  return { level: 'held', why };
}
