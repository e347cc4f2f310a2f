// `npm run build:native`: the native part for this processor, in dist/native/linux-PROCESSOR, where the package looks for it;
// `npm run build:all`: for each processor that the package serves, with a compiler for each (Debian: g++-aarch64-linux-gnu,
// or the x86-64 one on arm64). One build serves glibc and musl: the executables have no libc, and the addon names none
// (src/runtime.cc). Compiles only what is made of a file that changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compilersFor, compileTarget, nativeSources, whyNoHeaders } from './targets.mjs';

const addon = dirname(fileURLToPath(import.meta.url));
const dist = join(addon, '..', 'dist', 'native');

/** Targets, the names that they are installed by, and their modes. */
const files = [
  ['wasbox-init', 'wasbox-init', 0o755],
  ['wasbox-fastpath', 'wasbox', 0o755],
  ['wasbox', 'wasbox.node', 0o644],
];

const versionOf = (compiler) => spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout;

/** Each compiler and set of options has a folder of its own. */
function folderOf(arch, { cc, cxx }) {
  const hash = createHash('sha256');
  for (const name of ['native.mjs', 'targets.mjs']) hash.update(readFileSync(join(addon, name)));
  hash.update(`${versionOf(cc)}${versionOf(cxx)}`);
  return join(addon, 'build', `${arch}-${hash.digest('hex').slice(0, 12)}`);
}

function sourcesHash(folder) {
  const hash = createHash('sha256').update(basename(folder));
  for (const path of nativeSources())
    hash.update(`${relative(addon, path)}\0`).update(readFileSync(path));
  const headers = join(addon, '..', 'package-lock.json'); // has the versions of Node's headers
  return hash.update(readFileSync(headers)).digest('hex');
}

/** The engine links the addon's objects, which lie here. */
export const addonFolder = (arch) => join(folderOf(arch, compilersFor(arch)), 'wasbox.objects');

/** Why the native part cannot be compiled; undefined where it can. */
function whyNot({ cc, cxx }) {
  const missing = [cc, cxx, 'make'].filter(
    (name) => versionOf(name) === undefined || versionOf(name) === null,
  );
  const programs =
    missing.length === 0 ? undefined : `these programs are missing: ${missing.join(', ')}`;
  const reasons = [programs, whyNoHeaders()].filter((reason) => reason !== undefined);
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

/** Builds and installs the native part for a processor; ends this process where it cannot. */
export function buildNative(arch) {
  const compilers = compilersFor(arch);
  const why = whyNot(compilers);
  if (why !== undefined) {
    console.error(`wasbox: the native part cannot be built for ${arch}: ${why}`);
    process.exit(1);
  }
  const folder = folderOf(arch, compilers);
  const stamp = join(folder, 'sources.hash');
  const hash = sourcesHash(folder);
  const place = join(dist, `linux-${arch}`);
  const isCurrent = existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
  if (isCurrent && files.every(([, name]) => existsSync(join(place, name)))) return;
  for (const [name, installed, mode] of files) {
    const file = join(folder, installed);
    if (
      !compileTarget(name, { ...compilers, arch, file, directory: join(folder, `${name}.objects`) })
    ) {
      console.error(
        `wasbox: ${compilers.cc} could not build ${installed} for ${arch}; its errors are above`,
      );
      process.exit(1);
    }
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, `${installed}.new`), readFileSync(file));
    chmodSync(join(place, `${installed}.new`), mode);
    renameSync(join(place, `${installed}.new`), join(place, installed)); // a running copy keeps its file
  }
  writeFileSync(stamp, hash);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.platform !== 'linux') {
    console.error('wasbox: the native part is for Linux; the policy core works everywhere');
    process.exit(0);
  }
  const all = process.argv.includes('--all') ? ['x64', 'arm64'] : [process.arch];
  for (const arch of all) buildNative(arch);
}
