/**
 * Repositories of Fossil, whatever their names: one file has the settings and the hooks, which Fossil runs when the user
 * commits. It is a database of SQLite, which says in its header whose it is (SQLite's magic.txt).
 */
import { readSync } from 'node:fs';
import { errnoOf, withFd } from '../files/fdtree.js';
import type { Names } from '../files/path.js';
import type { MergedTree } from '../merged-tree/tree.js';
import type { FileState } from '../model/index.js';
import type { AutoExecuted } from './match.js';

const begin = 'SQLite format 3\0';
const idAt = 68;
/** A checkout, the user's settings, and a repository. */
const ids: ReadonlySet<number> = new Set([0x0f055111, 0x0f055112, 0x0f055113]);
/** A database has whole pages, of at least these bytes: most other files need not be opened. */
const pageBytes = 512;

function headOf(tree: MergedTree, path: Names): Buffer | undefined {
  const directory = Buffer.from(path.slice(0, -1).join('/'), 'latin1');
  try {
    return withFd(tree.layer.openPath(directory), (parent) =>
      withFd(tree.layer.openFile(parent, Buffer.from(path.at(-1) ?? '', 'latin1')), (fd) => {
        const head = Buffer.alloc(idAt + 4);
        return readSync(fd, head, 0, head.length, 0) === head.length ? head : undefined;
      }),
    );
  } catch (error) {
    errnoOf(error); // it cannot be read
    return undefined;
  }
}

/** Returns the reason to hold a file that Fossil reads as its own; undefined for any other. */
export function ofFossil(
  tree: MergedTree,
  path: Names,
  { type, size }: FileState,
): AutoExecuted | undefined {
  if (type !== 'file' || size < pageBytes || size % pageBytes !== 0) return undefined;
  const head = headOf(tree, path);
  if (head?.toString('latin1', 0, begin.length) !== begin) return undefined;
  if (!ids.has(head.readUInt32BE(idAt))) return undefined;
  return { level: 'held', why: 'Fossil runs the hooks and programs that it names' };
}
