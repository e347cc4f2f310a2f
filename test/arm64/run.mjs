/**
 * Tries what `npm run release` made for arm64, on an emulated arm64 machine with Debian 13: its kernel, its Node, npm's
 * package and the .deb; as ordinary users and as root, with Landlock and in a second boot without it.
 *
 *     npm run nightly -- arm64
 *     node test/arm64/run.mjs [--release DIR] [--keep DIR]
 *
 * Prints a line for each part that works (test/versions/check.mjs); ends with 1 if something does not. Needs root,
 * mmdebstrap, qemu-system-arm, e2fsprogs and a Debian mirror; installs nothing.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addUsers, run } from '../distros/roots.mjs';
import { debianSource } from '../support/debian.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const checkout = resolve(here, '../..');
const { values } = parseArgs({
  options: { release: { type: 'string' }, keep: { type: 'string' } },
});
const release = resolve(values.release ?? join(checkout, 'build/release'));
const work = values.keep ?? fs.mkdtempSync('/var/tmp/wasbox-arm64-');
fs.mkdirSync(work, { recursive: true });
const { version } = JSON.parse(fs.readFileSync(join(checkout, 'package.json'), 'utf8'));

const find = (directory, pattern) => {
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const found = names.find((name) => pattern.test(basename(name)));
  if (found === undefined) throw new Error(`${directory} has no ${pattern}`);
  return join(directory, found);
};

/** Unpacked, not configured: no program of it can run here. */
function makeRoot() {
  const root = join(work, 'root');
  const system = [
    'base-files',
    'dash',
    'coreutils',
    'hostname',
    'iproute2',
    'kmod',
    'mount',
    'util-linux',
  ];
  const packages = [...system, 'linux-image-cloud-arm64', 'nodejs', 'python3'];
  const how = ['--quiet', '--arch=arm64', '--variant=extract', '--format=directory'];
  run('mmdebstrap', [
    ...how,
    `--include=${packages.join(',')}`,
    'trixie',
    root,
    debianSource().uri,
  ]);
  for (const name of ['proc', 'sys', 'run', 'root', 'home', 'check', 'usr/local/bin'])
    fs.mkdirSync(join(root, name), { recursive: true });
  fs.writeFileSync(join(root, 'etc/passwd'), 'root:*:0:0::/root:/bin/sh\n');
  fs.writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  addUsers(root);
  for (const module of ['overlay', 'veth']) {
    const file = find(join(root, 'usr/lib/modules'), new RegExp(`^${module}\\.ko`));
    const read = file.endsWith('.xz') ? ['xz', '-dc', file] : ['cat', file];
    const bytes = run(read[0], read.slice(1), { encoding: 'buffer' });
    fs.writeFileSync(join(root, `check/${module}.ko`), bytes);
  }
  fs.copyFileSync(join(here, 'init.sh'), join(root, 'check/init.sh'));
  fs.chmodSync(join(root, 'check/init.sh'), 0o755);
  fs.copyFileSync(join(checkout, 'test/versions/check.mjs'), join(root, 'check/check.mjs'));
  fs.cpSync(join(checkout, 'docs/examples'), join(root, 'check/examples'), { recursive: true });
  return root;
}

/** npm's package as npm unpacks it, and the .deb. */
function addReleased(root) {
  const modules = 'lib/node_modules/wasbox';
  const target = join(root, 'usr/local', modules);
  fs.mkdirSync(target, { recursive: true });
  const tarball = join(release, `wasbox-${version}-npm.tgz`);
  run('tar', ['-C', target, '--strip-components=1', '-xzf', tarball]);
  fs.symlinkSync(`../${modules}/dist/bin/wasbox.bin`, join(root, 'usr/local/bin/wasbox'));
  run('dpkg-deb', ['-x', join(release, `wasbox_${version}_arm64.deb`), root]);
}

/** Shows what the machine prints as it comes; resolves to what it printed last. */
async function boot(kernel, disk, words) {
  const machine = spawn(
    'qemu-system-aarch64',
    [
      ...['-machine', 'virt', '-accel', 'tcg,thread=multi', '-cpu', 'neoverse-n1', '-smp', '2'],
      ...['-m', '2048', '-kernel', kernel, '-nographic', '-no-reboot', '-nodefaults'],
      ...['-drive', `file=${disk},format=raw,if=none,id=disk`],
      ...['-device', 'nvme,drive=disk,serial=disk', '-serial', 'stdio'],
      '-append',
      `console=ttyAMA0 quiet panic=-1 root=/dev/nvme0n1 rw init=/check/init.sh ${words}`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const stop = () => machine.kill('SIGKILL');
  const limit = setTimeout(stop, 30 * 60_000);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stop);
  let status = '';
  const began = Date.now();
  for await (const text of createInterface({ input: machine.stdout })) {
    const line = text.replaceAll('\r', '');
    console.log(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${line}`);
    status = /^arm64: status (\d+)$/.exec(line)?.[1] ?? status;
  }
  clearTimeout(limit);
  return status;
}

const root = makeRoot();
addReleased(root);
const kernel = find(join(root, 'boot'), /^vmlinuz/);
const disk = join(work, 'disk');
fs.rmSync(disk, { force: true });
run('mkfs.ext4', ['-q', '-d', root, disk, '1536M']);
const statuses = [];
for (const words of ['', 'lsm=yama wasbox.landlock=no'])
  statuses.push(await boot(kernel, disk, words));
if (values.keep === undefined) fs.rmSync(work, { recursive: true });
const isGood = statuses.every((status) => status === '0');
console.log(isGood ? 'all work' : 'not all works');
process.exitCode = isGood ? 0 : 1;
