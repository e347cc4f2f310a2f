/**
 * Stage: changes. Links of the user's home that lead into a tree, as a repository of dotfiles has
 * them: `~/.bashrc -> dotfiles/bashrc` makes that file a start-up file.
 */
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix } from 'node:path';
import { errnoOf } from './fdtree.js';
import type { Names } from './merged-tree.js';

export interface HomeLink {
  /** Below home, a byte a character. */
  readonly name: Names;
  /** Absolute path in the tree. */
  readonly target: Buffer;
}

/** Where links to such files lie. */
const places = ['', '.config', '.config/git', '.config/autostart', '.config/systemd/user', '.ssh'];

function quietly<T>(use: () => T, otherwise: T): T {
  try {
    return use();
  } catch (error) {
    errnoOf(error); // absent or closed
    return otherwise;
  }
}

const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1');

/** Where a link leads as it is written, and in the end. */
function targetsOf(link: string): string[] {
  const read = () => readlinkSync(bytesOf(link), { encoding: 'buffer' }).toString('latin1');
  const end = () => realpathSync(bytesOf(link), { encoding: 'buffer' }).toString('latin1');
  return [
    quietly(() => posix.resolve(posix.dirname(link), read()), undefined),
    quietly(end, undefined),
  ].filter((target) => target !== undefined);
}

/** @param workdir absolute path of the tree, a byte a character */
export function linksOfHome(workdir: string): readonly HomeLink[] {
  const own = bytesOf(Buffer.from(homedir()).toString('latin1'));
  const home = quietly(
    () => realpathSync(own, { encoding: 'buffer' }).toString('latin1'),
    undefined,
  );
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
