/** Temporary projects: directories of the identity, in which runs are made. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Identity } from './identity.js';

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

/** A new directory with these files, in the identity's scratch directory. */
export function makeProject(as: Identity, files: Files = {}, name = 'project'): string {
  count += 1;
  const path = join(as.scratch, `${name}-${process.pid}-${count}`);
  fs.mkdirSync(path, { mode: 0o755 });
  if (process.getuid?.() !== as.uid) fs.chownSync(path, as.uid, as.gid);
  writeFiles(as, path, files);
  return path;
}
