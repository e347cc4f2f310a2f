/**
 * Links in the user's home that point into a tree, as with a repository of dotfiles:
 * `~/.bashrc -> dotfiles/bashrc` makes that file a start-up file.
 */
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoOf } from '../files/fdtree.js';
import type { Names } from '../files/path.js';
import { homeOfUser } from '../store/state-dir.js';

export interface HomeLink {
  /** The name below home; one character per byte. */
  readonly name: Names;
  /** Absolute path in the tree. */
  readonly target: Buffer;
}

/** Directories of home with links to start-up files. */
const places = ['', '.config', '.config/git', '.config/autostart', '.config/systemd/user', '.ssh'];

function quietly<T>(use: () => T, otherwise: T): T {
  try {
    return use();
  } catch (error) {
    errnoOf(error); // missing or not accessible
    return otherwise;
  }
}

const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1');

/** A link's target as written, and where it ends. */
function targetsOf(link: string): string[] {
  const read = () => readlinkSync(bytesOf(link), { encoding: 'buffer' }).toString('latin1');
  const end = () => realpathSync(bytesOf(link), { encoding: 'buffer' }).toString('latin1');
  return [
    quietly(() => posix.resolve(posix.dirname(link), read()), undefined),
    quietly(end, undefined),
  ].filter((target) => target !== undefined);
}

/** The real path of the user's home; one character per byte. */
export function homeDirectory(): string | undefined {
  const own = homeOfUser();
  if (own === undefined) return undefined;
  if (known?.own !== own) {
    const bytes = bytesOf(Buffer.from(own).toString('latin1'));
    const read = () => realpathSync(bytes, { encoding: 'buffer' }).toString('latin1');
    known = { own, real: quietly(read, undefined) };
  }
  return known.real;
}

let known: { readonly own: string; readonly real: string | undefined } | undefined;

/** @param workdir absolute path of the tree, one character per byte */
export function linksOfHome(workdir: string): readonly HomeLink[] {
  const home = homeDirectory();
  if (home === undefined) return [];
  const found: HomeLink[] = [];
  for (const place of places) {
    const directory = posix.join(home, place);
    const read = () => readdirSync(bytesOf(directory), { encoding: 'latin1', withFileTypes: true });
    for (const entry of quietly(read, [])) {
      if (!entry.isSymbolicLink()) continue;
      for (const target of targetsOf(posix.join(directory, entry.name))) {
        if (!`${target}/`.startsWith(`${workdir}/`)) continue;
        const name = [...place.split('/'), entry.name].filter((part) => part !== '');
        found.push({ name, target: bytesOf(target) });
      }
    }
  }
  return found;
}
