/** Directories of the user's PATH: a program that is put there runs in place of another of its name. */
import { realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoOf } from '../files/fdtree.js';
import type { Names } from '../files/path.js';
import type { AutoExecuted } from './match.js';

let known: { readonly path: string; readonly directories: ReadonlySet<string> } | undefined;

/** By the names in PATH and where they lead, one character per byte. */
function directoriesOf(path: string): ReadonlySet<string> {
  if (known?.path === path) return known.directories;
  const directories = new Set<string>();
  for (const entry of path.split(':')) {
    if (!entry.startsWith('/')) continue;
    const named = Buffer.from(posix.resolve(entry)).toString('latin1');
    directories.add(named);
    try {
      const real = realpathSync(Buffer.from(named, 'latin1'), { encoding: 'buffer' });
      directories.add(real.toString('latin1'));
    } catch (error) {
      errnoOf(error); // the run may have made it
    }
  }
  known = { path, directories };
  return directories;
}

/** @param root absolute path of the tree, one character per byte */
export function inPath(root: string, path: Names): AutoExecuted | undefined {
  const directory = [root === '/' ? '' : root, ...path.slice(0, -1)].join('/');
  if (!directoriesOf(process.env.PATH ?? '').has(directory)) return undefined;
  return { level: 'held', why: 'the directory is in your PATH: your shell runs programs from it' };
}
