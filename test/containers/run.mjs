/**
 * Containers that runc makes of this machine's file tree. Without namespaces, as Docker and Kubernetes start them by default,
 * wasbox isolates with Landlock. With namespaces, its state directory is on the container's overlay. In each, a user's work
 * with wasbox.
 *
 *     npm run nightly -- containers [NAME…]
 *
 * Prints a line a part; ends with 1 if one failed. Needs root, runc, bubblewrap, Debian's golang-github-docker-docker-dev
 * (Docker's filter), and a built checkout. Changes nothing of this machine.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { must } from '../support/checks.mjs';
import { bundleConfig } from './bundle.mjs';
import { MachineRoot } from './machine-root.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const checkout = resolve(here, '../..');
const wasbox = join(checkout, 'dist/bin/wasbox.bin');
const user = 54321;

const machine = new MachineRoot('containers');
const { work, path: root } = machine;

/** A registry with one package, on this machine's loopback, which the containers share. */
async function startRegistry() {
  const directory = join(work, 'registry');
  fs.mkdirSync(directory);
  const child = spawn(process.execPath, [join(checkout, 'test/support/verdaccio.mjs'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise((done) => child.stdout.once('data', (data) => done(Number(data))));
  child.stdout.resume();
  const url = `http://127.0.0.1:${port}/`;
  const source = join(work, 'package');
  fs.mkdirSync(source);
  fs.writeFileSync(join(source, 'package.json'), '{"name":"from-registry","version":"1.0.0"}');
  // The environment has nothing that `npm run` sets: npm_config_userconfig would hide the token below.
  const env = { PATH: process.env.PATH, npm_config_registry: url, HOME: work };
  fs.writeFileSync(join(work, '.npmrc'), `//127.0.0.1:${port}/:_authToken=anybody\n`);
  const published = spawn('npm', ['publish', source, '--quiet', '--registry', url], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const status = await new Promise((done) => published.on('close', done));
  if (status !== 0) throw new Error(`npm publish ended with ${status}`);
  return { url, stop: () => child.kill() };
}

function inContainer(name, uid, options, argv, cwd) {
  const bundle = join(work, `bundle-${name}`);
  fs.mkdirSync(bundle);
  const env = ['PATH=/usr/local/bin:/usr/bin:/bin', 'LANG=C.UTF-8'];
  const config = bundleConfig({ root, uid, argv, env, cwd, ...options });
  fs.writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return ['runc', 'run', '--bundle', bundle, `wasbox-${process.pid}-${name}`];
}

const become = (uid) => ['setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'];
const docker = { capabilities: true, noNewPrivileges: false };
const nothing = { capabilities: false, noNewPrivileges: true };
const open = { ...docker, open: true };
/** The words that a line at the start of a run says: how it is isolated, or where its changes are. */
const landlock = 'isolated by Landlock';
const inMemory = 'changes are in memory';
/** Name, user, what starts a program there, and what a run says at its start (by default, `landlock`). */
const places = [
  ['docker-root', 0, (argv, cwd) => inContainer('docker-root', 0, docker, argv, cwd)],
  ['docker-user', user, (argv, cwd) => inContainer('docker-user', user, docker, argv, cwd)],
  [
    'docker-namespaces',
    user,
    (argv, cwd) => inContainer('docker-namespaces', user, open, argv, cwd),
    inMemory,
  ],
  ['cap-drop-user', user, (argv, cwd) => inContainer('cap-drop-user', user, nothing, argv, cwd)],
  [
    'kubernetes-restricted',
    user,
    (argv, cwd) => inContainer('kubernetes-restricted', user, { ...nothing }, argv, cwd),
  ],
  [
    'chroot',
    user,
    (argv, cwd) => [
      'chroot',
      root,
      'sh',
      '-c',
      'cd "$0" && exec "$@"',
      cwd,
      ...become(user),
      ...argv,
    ],
  ],
  [
    'bubblewrap',
    user,
    (argv, cwd) => [
      ...become(user),
      ...['bwrap', '--unshare-user', '--disable-userns', '--bind', root, '/', '--proc', '/proc'],
      ...[
        '--dev',
        '/dev',
        '--chdir',
        cwd,
        '--clearenv',
        '--setenv',
        'PATH',
        '/usr/bin:/bin',
        ...argv,
      ],
    ],
  ],
];

const wanted = process.argv.slice(2);
let failed = 0;
let registry;
try {
  machine.mount();
  must(['mount', '-t', 'proc', 'proc', join(root, 'proc')]);
  must(['mount', '--rbind', '/dev', join(root, 'dev')]);
  must(['mount', '--make-rslave', join(root, 'dev')]);
  registry = await startRegistry();
  for (const [name, uid, start, said = landlock] of places) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const cwd = `/srv/${name}`;
    fs.mkdirSync(join(root, cwd), { recursive: true });
    fs.chownSync(join(root, cwd), uid, uid);
    const argv = [
      'sh',
      join(here, 'inside.sh'),
      wasbox,
      join(checkout, 'docs/examples'),
      registry.url,
      said,
    ];
    console.log(name);
    const [file, ...args] = start(argv, cwd);
    const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const status = await new Promise((done) => child.on('close', done));
    if (status !== 0) failed++;
  }
} finally {
  registry?.stop();
  machine.remove([join(root, 'dev'), join(root, 'proc')]);
}
console.log(failed === 0 ? 'all passed' : `${failed} places failed`);
process.exit(failed === 0 ? 0 : 1);
