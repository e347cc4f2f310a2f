// Root file systems of other distributions, made of packages: Debian's by mmdebstrap, and one of musl and busybox with
// the Node that npm has for musl. Each has the users `me` and `other`.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianSource } from '../support/debian.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
export const run = (command, args, options = {}) =>
  execFileSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });

export function addUsers(root) {
  fs.writeFileSync(join(root, 'etc/resolv.conf'), 'nameserver 10.53.0.1\n');
  const users = { me: 1000, other: 1001 };
  for (const [name, id] of Object.entries(users)) {
    fs.appendFileSync(join(root, 'etc/passwd'), `${name}:*:${id}:${id}::/home/${name}:/bin/sh\n`);
    fs.appendFileSync(join(root, 'etc/group'), `${name}:x:${id}:\n`);
    const home = join(root, 'home', name);
    fs.mkdirSync(home, { recursive: true });
    fs.chownSync(home, id, id);
  }
}

/** One npm package, unpacked. */
function npmPackage(work, name) {
  const [{ filename }] = JSON.parse(
    run('npm', ['pack', '--json', '--silent', '--pack-destination', work, name], { cwd: work }),
  );
  const to = fs.mkdtempSync(join(work, 'package-'));
  run('tar', ['-C', to, '--strip-components=1', '-xzf', join(work, filename)]);
  return to;
}

function install(root, target, from, mode = 0o755) {
  const path = join(root, target);
  fs.mkdirSync(join(path, '..'), { recursive: true });
  fs.copyFileSync(fs.realpathSync(from), path);
  fs.chmodSync(path, mode);
}

/** npm is the one of this machine: JavaScript alone. */
function addNpm(root) {
  const npm = join(run('npm', ['root', '--global']).trim(), 'npm');
  const target = 'usr/local/lib/node_modules/npm';
  fs.cpSync(fs.realpathSync(npm), join(root, target), { recursive: true });
  fs.symlinkSync(`/${target}/bin/npm-cli.js`, join(root, 'usr/local/bin/npm'));
}

/**
 * @param {string} suite
 * @param {{ packages?: string[], node?: string }} with `node` is a package of npm's, where Debian's Node is too old
 */
export function debianRoot(work, suite, { packages = [], node }) {
  const root = join(work, suite);
  const include = ['python3', 'mount', 'man-db', ...packages].join(',');
  const quiet = ['--quiet', '--variant=essential', '--format=directory'];
  run('mmdebstrap', [...quiet, `--include=${include}`, suite, root, debianSource().uri]);
  if (node !== undefined)
    install(root, 'usr/local/bin/node', join(npmPackage(work, node), 'bin/node'));
  addNpm(root);
  addUsers(root);
  return root;
}

/**
 * A root like Alpine: musl and busybox. npm has Node for musl only inside a single executable application; without the
 * mark that says so, it is Node. It wants a libstdc++ for musl, which Debian does not have; musl/cxx.c makes do with
 * glibc's.
 */
export function muslRoot(work) {
  const root = join(work, 'musl');
  const names = [
    'dev',
    'etc',
    'proc',
    'root',
    'run',
    'sys',
    'tmp',
    'usr/bin',
    'usr/lib',
    'var/tmp',
  ];
  for (const name of names) fs.mkdirSync(join(root, name), { recursive: true });
  for (const name of ['bin', 'lib', 'sbin']) fs.symlinkSync(`usr/${name}`, join(root, name));
  fs.symlinkSync('bin', join(root, 'usr/sbin'));
  fs.writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
  fs.writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  fs.writeFileSync(join(root, 'etc/os-release'), 'PRETTY_NAME="musl and busybox"\n');
  addUsers(root);
  install(root, 'usr/bin/busybox', '/usr/bin/busybox');
  for (const applet of run('/usr/bin/busybox', ['--list']).split('\n').filter(Boolean))
    if (applet !== 'busybox') fs.symlinkSync('busybox', join(root, 'usr/bin', applet));

  install(root, 'usr/lib/ld-musl-x86_64.so.1', '/lib/ld-musl-x86_64.so.1');
  fs.symlinkSync('ld-musl-x86_64.so.1', join(root, 'usr/lib/libc.musl-x86_64.so.1'));
  const library = (name) => run('gcc', [`-print-file-name=${name}`]).trim();
  install(root, 'usr/lib/libgcc_s.so.1', library('libgcc_s.so.1'));
  install(root, 'usr/lib/libstdc++-glibc.so', library('libstdc++.so.6'));
  const shared = ['-shared', '-fPIC', '-O2', '-Wall', '-Werror'];
  const stub = join(work, 'stub.so');
  run('musl-gcc', [
    ...shared,
    '-x',
    'c',
    '/dev/null',
    '-Wl,-soname,libstdc++-glibc.so',
    '-o',
    stub,
  ]);
  const source = join(here, 'musl/cxx.c');
  const made = join(root, 'usr/lib/libstdc++.so.6');
  run('musl-gcc', [...shared, source, '-Wl,--no-as-needed', stub, '-o', made]);
  fs.symlinkSync('libstdc++.so.6', join(root, 'usr/lib/ld-linux-x86-64.so.2'));

  const application = fs.readFileSync(
    join(npmPackage(work, '@pnpm/linuxstatic-x64@11.21.0'), 'pnpm'),
  );
  const mark = Buffer.from('NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1');
  const at = application.indexOf(mark);
  if (at < 0) throw new Error('the package has no Node with an application in it');
  application[at + mark.length - 1] = '0'.charCodeAt(0);
  fs.mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  fs.writeFileSync(join(root, 'usr/local/bin/node'), application, { mode: 0o755 });
  addNpm(root);
  return root;
}
