/**
 * The README's commands on a machine that has what the README asks for and nothing else: Debian's base, Node, gcc, g++,
 * make, python3 and git. As root, then as an ordinary user: `npm ci`, the example, `npm test`.
 *
 *     npm run test:fresh [-- --root FILE.tar] [--keep DIRECTORY] [root | user]
 *
 * `--root` names a root file system of an earlier run, which is made there the first time. Needs root, mmdebstrap, and
 * the registries of apt and npm; changes nothing of this machine.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { debianMirror, run } from '../distros/roots.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const checkout = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { root: { type: 'string' }, keep: { type: 'string' } },
});
const work = values.keep ?? fs.mkdtempSync('/var/tmp/wasbox-fresh-');
const root = join(work, 'root');
const archive = values.root ?? join(work, 'root.tar');
const packages = ['ca-certificates', 'gcc', 'g++', 'make', 'python3', 'git'];

/** Debian's base and the packages, unpacked. */
function makeRoot() {
  if (!fs.existsSync(archive)) {
    const quiet = ['--quiet', '--variant=minbase', `--include=${packages.join(',')}`];
    run('mmdebstrap', [...quiet, 'trixie', archive, debianMirror()]);
  }
  fs.mkdirSync(root, { recursive: true });
  run('tar', ['-C', root, '-xf', archive]);
}

/** This machine's Node with its headers, which node-gyp would fetch, and npm. */
function addNode() {
  const local = join(root, 'usr/local');
  fs.copyFileSync(process.execPath, join(local, 'bin/node'));
  const headers = join(dirname(process.execPath), '../include/node');
  if (fs.existsSync(headers))
    fs.cpSync(headers, join(local, 'include/node'), { recursive: true, dereference: true });
  const npm = join(run('npm', ['root', '--global']).trim(), 'npm');
  const target = 'lib/node_modules/npm';
  fs.cpSync(fs.realpathSync(npm), join(local, target), { recursive: true });
  for (const name of ['npm', 'npx'])
    fs.symlinkSync(`../${target}/bin/${name}-cli.js`, join(local, 'bin', name));
}

/** How this machine reaches the registry: names, certificates, npm's settings. */
function addNetwork() {
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  for (const path of ['/etc/resolv.conf', '/etc/hosts', certificates])
    if (fs.existsSync(path)) fs.copyFileSync(path, join(root, path));
  fs.mkdirSync(join(root, 'usr/local/etc'), { recursive: true });
  fs.writeFileSync(
    join(root, 'usr/local/etc/npmrc'),
    `registry=${run('npm', ['config', 'get', 'registry']).trim()}\n`,
  );
}

/** A clone of what is committed, in the home of each. */
function addCheckouts() {
  execFileSync('chroot', [root, 'useradd', '--create-home', '--shell', '/bin/bash', 'me']);
  for (const home of ['root', 'home/me']) {
    const clone = join(root, home, 'wasbox');
    run('git', ['clone', '--quiet', '--no-hardlinks', checkout, clone]);
  }
  execFileSync('chroot', [root, 'chown', '-R', 'me:', '/home/me/wasbox']);
}

/** Starts the commands as the user; says how long each took, and returns whether all succeeded. */
function commandsAs(user) {
  const certificates = Object.entries(process.env).filter(([name]) => /_CERT|_CA_|SSL/.test(name));
  const login = user === 'root' ? ['sh', '-ec'] : ['su', '--preserve-environment', user, '-c'];
  const home = user === 'root' ? '/root' : `/home/${user}`;
  const script = `set -e; export HOME=${home} USER=${user} LOGNAME=${user} SHELL=/bin/bash LANG=C.UTF-8; cd ~/wasbox
    begun=$(date +%s)
    step() { now=$(date +%s); echo "== $1: $((now - begun)) s, as ${user}"; begun=$now; }
    npm ci --no-audit --no-fund; step 'npm ci'
    node dist/cli.js run --discard docs/examples/hello.py; step example
    npm test; step 'npm test'`;
  const { status } = spawnSync(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', '--kill-child', 'sh', join(here, 'enter.sh'), root],
      ...login,
      script,
    ],
    { stdio: 'inherit', env: { PATH: process.env.PATH, ...Object.fromEntries(certificates) } },
  );
  return status === 0;
}

try {
  makeRoot();
  addNode();
  addNetwork();
  addCheckouts();
  const users = { root: 'root', user: 'me' };
  for (const name of positionals.length > 0 ? positionals : Object.keys(users)) {
    const good = commandsAs(users[name]);
    console.log(`${good ? 'ok' : 'FAILED'}   as ${users[name]}`);
    if (!good) process.exitCode = 1;
  }
} finally {
  if (values.keep === undefined) fs.rmSync(work, { recursive: true, force: true });
}
