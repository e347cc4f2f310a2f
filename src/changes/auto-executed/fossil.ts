/**
 * Repositories of Fossil, whatever their names: one file has the settings and the hooks, which Fossil runs when the user
 * commits. It is a database of SQLite, which says in its header whose it is (SQLite's magic.txt). What takes the place of one
 * that the user has counts whatever it says, and so do the journals beside it, from which SQLite writes into it.
 */
import { readSync } from 'node:fs';
import { withFile } from '../files/host-text.js';
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
const journal = /-(?:journal|wal)$/;

/** Returns whether a file says in its header that it is one of Fossil's. */
function saysSo({ native }: MergedTree, root: number, path: Names): boolean {
  const found = withFile(native, root, path, (file, size) => {
    if (size < pageBytes || size % pageBytes !== 0) return false;
    const head = Buffer.alloc(idAt + 4);
    if (readSync(file, head, 0, head.length, 0) !== head.length) return false;
    return head.toString('latin1', 0, begin.length) === begin && ids.has(head.readUInt32BE(idAt));
  });
  return found === true;
}

/** Returns the reason to hold a file that Fossil reads as its own; undefined for any other. */
export function ofFossil(
  tree: MergedTree,
  path: Names,
  { type, size }: FileState,
): AutoExecuted | undefined {
  const base = [...path.slice(0, -1), (path.at(-1) ?? '').replace(journal, '')];
  const isJournal = journal.test(path.at(-1) ?? '');
  const mayBe = isJournal || (type === 'file' && size % pageBytes === 0);
  const roots = mayBe ? [tree.host, tree.layer.root] : [tree.host];
  if (!roots.some((root) => saysSo(tree, root, base))) return undefined;
  return { level: 'held', why: 'Fossil runs the hooks and programs that it names' };
}
