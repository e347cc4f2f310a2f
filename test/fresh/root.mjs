// A clean root file system of Debian with this machine's Node, npm and registries, for run.mjs and test/release.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../distros/roots.mjs';
import { debianSource } from '../support/debian.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Debian's base and the packages, unpacked. */
export function makeRoot(root, archive, packages) {
  if (!fs.existsSync(archive)) {
    const quiet = ['--quiet', '--variant=minbase', `--include=${packages.join(',')}`];
    run('mmdebstrap', [...quiet, 'trixie', archive, debianSource().uri]);
  }
  fs.mkdirSync(root, { recursive: true });
  run('tar', ['-C', root, '-xf', archive]);
}

/** This machine's Node and npm. */
export function addNode(root) {
  const local = join(root, 'usr/local');
  fs.copyFileSync(process.execPath, join(local, 'bin/node'));
  const npm = join(run('npm', ['root', '--global']).trim(), 'npm');
  const target = 'lib/node_modules/npm';
  fs.cpSync(fs.realpathSync(npm), join(local, target), { recursive: true });
  for (const name of ['npm', 'npx'])
    fs.symlinkSync(`../${target}/bin/${name}-cli.js`, join(local, 'bin', name));
}

/** How this machine reaches the registry: names, certificates, npm's settings. */
export function addNetwork(root) {
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  for (const path of ['/etc/resolv.conf', '/etc/hosts', certificates])
    if (fs.existsSync(path)) fs.copyFileSync(path, join(root, path));
  fs.mkdirSync(join(root, 'usr/local/etc'), { recursive: true });
  fs.writeFileSync(
    join(root, 'usr/local/etc/npmrc'),
    `registry=${run('npm', ['config', 'get', 'registry']).trim()}\n`,
  );
}

/** Runs words in it, with mounts and processes of its own; returns whether they succeeded. */
export function within(root, words) {
  const certificates = Object.entries(process.env).filter(([name]) => /_CERT|_CA_|SSL/.test(name));
  const isolated = ['--mount', '--pid', '--fork', '--kill-child'];
  const { status } = spawnSync(
    'unshare',
    [...isolated, 'sh', join(here, 'enter.sh'), root, ...words],
    { stdio: 'inherit', env: { PATH: process.env.PATH, ...Object.fromEntries(certificates) } },
  );
  return status === 0;
}
