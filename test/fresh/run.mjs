/**
 * The README's commands on a machine that has what the README asks for and nothing else: Debian's base, Node, gcc, g++,
 * make, python3 and git. As root, then as an ordinary user: `npm ci`, the example, `npm test`.
 *
 *     npm run nightly -- fresh [--root FILE.tar] [--keep DIRECTORY] [root | user]
 *
 * `--root` names a root file system of an earlier run, which is made there the first time. Needs root, mmdebstrap, and
 * the registries of apt and npm; changes nothing of this machine.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from '../distros/roots.mjs';
import { addNetwork, addNode, makeRoot, within } from './root.mjs';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { root: { type: 'string' }, keep: { type: 'string' } },
});
const work = values.keep ?? fs.mkdtempSync('/var/tmp/wasbox-fresh-');
const root = join(work, 'root');
const archive = values.root ?? join(work, 'root.tar');
const packages = ['ca-certificates', 'gcc', 'g++', 'make', 'python3', 'git'];

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
  const login = user === 'root' ? ['sh', '-ec'] : ['su', '--preserve-environment', user, '-c'];
  const home = user === 'root' ? '/root' : `/home/${user}`;
  const script = `set -e; export HOME=${home} USER=${user} LOGNAME=${user} SHELL=/bin/bash LANG=C.UTF-8; cd ~/wasbox
    begun=$(date +%s)
    step() { now=$(date +%s); echo "== $1: $((now - begun)) s, as ${user}"; begun=$now; }
    npm ci --no-audit --no-fund; step 'npm ci'
    node dist/cli.js run --discard docs/examples/hello.py; step example
    npm test; step 'npm test'`;
  return within(root, [...login, script]);
}

try {
  makeRoot(root, archive, packages);
  addNode(root);
  addNetwork(root);
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
