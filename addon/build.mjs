// Builds the addon and wasbox-init with node-gyp and puts them where the package looks for them:
// dist/native/<platform>-<arch>. One build serves glibc and musl: the executables have no libc, and the addon
// names none (src/runtime.cc). Compiles only where a source, this file, Node or the compiler changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const addon = dirname(fileURLToPath(import.meta.url));
const dist = join(addon, '..', 'dist', 'native');

if (process.platform !== 'linux') {
  console.error('wasbox: the native part is for Linux; the policy core works everywhere');
  process.exit(0);
}

const base = `${process.platform}-${process.arch}`;
const stamp = join(addon, 'build', 'sources.hash');

/** A hash of all that the native part is made of. */
function sourcesHash() {
  const hash = createHash('sha256').update(process.version);
  for (const variable of ['CC', 'CXX', 'CFLAGS', 'CXXFLAGS', 'LDFLAGS'])
    hash.update(`${variable}=${process.env[variable]}`);
  hash.update(spawnSync(process.env.CC ?? 'cc', ['--version']).stdout ?? '');
  const names = readdirSync(addon, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/(^|\/)build\//.test(name))
    .filter((name) => name === 'build.mjs' || /\.(?:c|cc|h|S|gypi?|map)$/.test(name))
    .sort();
  for (const name of names) hash.update(`${name}\0`).update(readFileSync(join(addon, name)));
  return hash.digest('hex');
}

const hash = sourcesHash();
const made = ['wasbox-init', 'wasbox', 'wasbox.node'].map((name) => join(dist, base, name));
const isCurrent = existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
if (isCurrent && made.every((file) => existsSync(file))) process.exit(0);

/** Node's own headers, where they are installed beside it; else node-gyp finds them itself. */
const headers = join(process.execPath, '..', '..');
const gyp = ['rebuild', '--silent', '--jobs', 'max', '-C', addon];
if (existsSync(join(headers, 'include', 'node', 'common.gypi'))) gyp.push(`--nodedir=${headers}`);

// npm puts its own node-gyp on the PATH of a script; outside of npm, npm's copy is used as well.
const runner = process.env.npm_lifecycle_event
  ? ['node-gyp', gyp]
  : ['npm', ['exec', '--no', '--', 'node-gyp', ...gyp]];
const { status, error } = spawnSync(runner[0], runner[1], { stdio: 'inherit', cwd: addon });
if (status !== 0) {
  console.error(
    'wasbox: building the native part failed; it needs a C and C++ compiler, make and python3',
  );
  if (error) console.error(`  ${error.message}`);
  process.exit(1);
}

function install(from, directory, mode, name = from) {
  mkdirSync(directory, { recursive: true });
  const target = join(directory, name);
  copyFileSync(join(addon, 'build', 'Release', from), `${target}.new`);
  chmodSync(`${target}.new`, mode);
  renameSync(`${target}.new`, target); // a running copy keeps its file
}

install('wasbox-init', join(dist, base), 0o755);
install('wasbox-fastpath', join(dist, base), 0o755, 'wasbox');
install('wasbox.node', join(dist, base), 0o644);
writeFileSync(stamp, hash);
