// The C that the engine is made of besides wasbox's own: archives by version and hash, which Debian's mirrors serve as the
// upstream sources of its packages. Nothing of them is in the tree (docs/decisions/engine-sources.md).
// `npm ci` and `npm run engine` get what is missing (fetch.mjs); any other build reads what is there, and never the network.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** @typedef {{ name: string, version: string, license: string, file: string, pool: string, sha256: string }} Source */

/** @type {Readonly<Record<'quickjs' | 'musl' | 'zlib', Source>>} */
export const sources = {
  quickjs: {
    name: 'quickjs',
    version: '2025-04-26',
    license: 'MIT',
    file: 'quickjs_2025.04.26.orig.tar.xz',
    pool: 'main/q/quickjs',
    sha256: 'ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe',
  },
  musl: {
    name: 'musl',
    version: '1.2.6',
    license: 'MIT',
    file: 'musl_1.2.6.orig.tar.gz',
    pool: 'main/m/musl',
    sha256: 'd585fd3b613c66151fc3249e8ed44f77020cb5e6c1e635a616d3f9f82460512a',
  },
  zlib: {
    name: 'zlib',
    version: '1.3.2',
    license: 'Zlib',
    file: 'zlib_1.3.dfsg+really1.3.2.orig.tar.gz',
    pool: 'main/z/zlib',
    sha256: '7b6903eb019983987b7112eccf90f1703f1c6c0e0cede36564bf611d19ca579d',
  },
};

const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

/** This folder holds the archives and what is compiled of them. All of the user's checkouts share it. */
export const sourceFolder = process.env.WASBOX_SOURCES || join(cache, 'wasbox-sources');

export const isWhole = (path, { sha256 }) =>
  existsSync(path) && createHash('sha256').update(readFileSync(path)).digest('hex') === sha256;

/** The archive's path, where it is there and is the one that is meant; else undefined. */
export function archiveOf(source) {
  const path = join(sourceFolder, source.file);
  return isWhole(path, source) ? path : undefined;
}

/** The sources that are not there. */
export const missingSources = () =>
  Object.values(sources).filter((source) => archiveOf(source) === undefined);

const decompress = `import gzip, lzma, shutil, sys
path = sys.argv[1]
with (lzma if path.endswith('xz') else gzip).open(path) as data:
    shutil.copyfileobj(data, sys.stdout.buffer)`;

/** Unpacks an archive into a directory, without the one that is in it. */
export function unpack(source, directory) {
  const archive = archiveOf(source);
  if (archive === undefined) throw new Error(`${source.file} is not in ${sourceFolder}`);
  mkdirSync(directory, { recursive: true });
  const how = ['--strip-components=1', '--no-same-owner', '--no-same-permissions'];
  // A minimal Debian has no xz, and python3 is needed to build anyway.
  const input = execFileSync('python3', ['-c', decompress, archive], { maxBuffer: 1 << 28 });
  execFileSync('tar', ['-C', directory, ...how, '-x'], { input });
}
