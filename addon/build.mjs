// Builds the addon and wasbox-init with node-gyp and puts them where the package looks for them:
// dist/native/<platform>-<arch>. One build serves glibc and musl: the executables have no libc, and the addon
// names none (src/runtime.cc).
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const addon = dirname(fileURLToPath(import.meta.url));
const dist = join(addon, '..', 'dist', 'native');

if (process.platform !== 'linux') {
  console.error('wasbox: the native part is for Linux; the policy core works everywhere');
  process.exit(0);
}

/** Node's own headers, where they are installed beside it; else node-gyp finds them itself. */
const headers = join(process.execPath, '..', '..');
const gyp = ['rebuild', '--silent', '-C', addon];
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

const base = `${process.platform}-${process.arch}`;
install('wasbox-init', join(dist, base), 0o755);
install('wasbox-fastpath', join(dist, base), 0o755, 'wasbox');
install('wasbox.node', join(dist, base), 0o644);
