/** Temporary projects: directories of the identity, in which runs are made. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Identity } from './identity.js';
import { removeTree } from './remove-tree.js';

/** Content by relative path; a name that ends in `/` is an empty directory. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** Writes files that belong to the identity. Names that end in .sh, .py … become executable. */
export function writeFiles(as: Identity, directory: string, files: Files): void {
  const own = (path: string): void => {
    if (process.getuid?.() !== as.uid) fs.lchownSync(path, as.uid, as.gid);
  };
  const makeDirectory = (path: string): void => {
    if (fs.existsSync(path)) return;
    makeDirectory(dirname(path));
    fs.mkdirSync(path, { mode: 0o755 });
    own(path);
  };
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    if (name.endsWith('/')) {
      makeDirectory(path.slice(0, -1));
      continue;
    }
    makeDirectory(dirname(path));
    fs.writeFileSync(path, content);
    if (/\.(sh|py|mjs|pl|rb)$/.test(name)) fs.chmodSync(path, 0o755);
    own(path);
  }
}

let count = 0;
const made: string[] = [];

/** A new directory with these files, in the identity's scratch directory. */
export function makeProject(as: Identity, files: Files = {}, name = 'project'): string {
  count += 1;
  const path = join(as.scratch, `${name}-${process.pid}-${count}`);
  fs.mkdirSync(path, { mode: 0o755 });
  made.push(path);
  if (process.getuid?.() !== as.uid) fs.chownSync(path, as.uid, as.gid);
  writeFiles(as, path, files);
  return path;
}

/**
 * Removes all of them, and these. A user's lie in the home, which wasbox looks through when a run has changed something
 * there: the later files would pay for the earlier ones. What is in use is left to the end of the tests.
 */
export function removeProjects(others: readonly string[]): void {
  for (const path of [...made.splice(0), ...others]) {
    try {
      removeTree(path);
    } catch {
      // A mount, or a process that ends.
    }
  }
}
