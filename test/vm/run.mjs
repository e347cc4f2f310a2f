// `npm run test:vm`: limits held by cgroups, in a virtual machine with Debian's kernel, where this one
// may have no delegated cgroup. Nothing is installed: the kernel's package is unpacked into a
// temporary directory. Needs: qemu-system-x86, busybox (static), perl, apt-get and dpkg-deb, cpio.
//
//   node test/vm/run.mjs [--kernel PACKAGE.deb] [--keep DIR]
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const { values } = parseArgs({ options: { kernel: { type: 'string' }, keep: { type: 'string' } } });
const work = values.keep ?? mkdtempSync(join(tmpdir(), 'wasbox-vm-'));
mkdirSync(work, { recursive: true });

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr ?? status}`);
}

/** The package that the metapackage stands for, downloaded. */
function downloadKernel() {
  const depends = run('apt-cache', ['depends', 'linux-image-cloud-amd64']);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error('apt knows no linux-image-cloud-amd64');
  run('apt-get', ['download', name], { cwd: work });
  return join(
    work,
    readdirSync(work).find((file) => file.startsWith('linux-image-') && file.endsWith('.deb')) ??
      '',
  );
}

function find(directory, wanted) {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .find((path) => basename(path).startsWith(wanted));
}

/** A program and the libraries that it is linked with, at the same paths. */
function addProgram(tree, path, target = path) {
  mkdirSync(join(tree, dirname(target)), { recursive: true });
  copyFileSync(realpathSync(path), join(tree, target));
  chmodSync(join(tree, target), 0o755);
  const { stdout } = spawnSync('ldd', [realpathSync(path)], { encoding: 'utf8' });
  for (const [, library] of stdout.matchAll(/(\/\S+\.so\S*)/g)) {
    mkdirSync(join(tree, dirname(library)), { recursive: true });
    if (!existsSync(join(tree, library))) copyFileSync(realpathSync(library), join(tree, library));
  }
}

function makeTree(kernel) {
  const tree = join(work, 'tree');
  rmSync(tree, { recursive: true, force: true });
  for (const name of ['mnt', 'proc', 'tmp', 'etc', 'home/user', 'modules', 'usr/bin', 'var/tmp']) {
    mkdirSync(join(tree, name), { recursive: true });
  }
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) {
    mkdirSync(join(tree, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(tree, name));
  }
  run('chown', ['-R', '1000:1000', join(tree, 'home/user')]);
  chmodSync(join(tree, 'tmp'), 0o1777);
  writeFileSync(
    join(tree, 'etc/passwd'),
    'root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n',
  );
  writeFileSync(join(tree, 'etc/group'), 'root:x:0:\nuser:x:1000:\n');
  const busybox = ['/usr/bin/busybox', '/bin/busybox'].find((path) => existsSync(path));
  if (busybox === undefined) throw new Error('there is no busybox');
  addProgram(tree, busybox, '/usr/bin/busybox');
  for (const name of ['sh', 'cat', 'sleep', 'ls', 'true'])
    symlinkSync('busybox', join(tree, 'usr/bin', name));
  addProgram(tree, process.execPath, '/usr/bin/node');
  addProgram(tree, '/usr/bin/setpriv');
  addProgram(tree, '/usr/bin/perl');
  cpSync(join(root, 'dist'), join(tree, 'wasbox/dist'), { recursive: true });
  writeFileSync(join(tree, 'wasbox/package.json'), '{"type":"module"}');
  copyFileSync(join(here, 'cases.mjs'), join(tree, 'wasbox/cases.mjs'));
  copyFileSync(join(here, 'init.sh'), join(tree, 'init'));
  chmodSync(join(tree, 'init'), 0o755);
  const overlay = find(kernel, 'overlay.ko');
  if (overlay?.endsWith('.xz')) {
    writeFileSync(
      join(tree, 'modules/overlay.ko'),
      run('xz', ['-dc', overlay], { encoding: 'buffer' }),
    );
  } else if (overlay !== undefined) {
    copyFileSync(overlay, join(tree, 'modules/overlay.ko'));
  }
  return tree;
}

const image = join(work, 'image');
if (!existsSync(image)) run('dpkg-deb', ['-x', values.kernel ?? downloadKernel(), image]);
const vmlinuz = find(join(image, 'boot'), 'vmlinuz');
const tree = makeTree(image);
const initramfs = join(work, 'initramfs');
run('sh', ['-c', `find . | cpio -o -H newc --quiet > ${initramfs}`], { cwd: tree });

// For what a payload sends to swap.
const swap = join(work, 'swap');
writeFileSync(swap, '');
truncateSync(swap, 512 * 1048576);

const { stdout, error } = spawnSync(
  'qemu-system-x86_64',
  [
    ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1536'],
    ...['-drive', `file=${swap},format=raw,if=none,id=swap`],
    ...['-device', 'nvme,drive=swap,serial=swap'],
    ...['-kernel', vmlinuz, '-initrd', initramfs, '-nographic', '-no-reboot', '-nodefaults'],
    ...['-serial', 'stdio', '-append', 'console=ttyS0 quiet no_timer_check panic=-1 lsm=landlock'],
  ],
  { encoding: 'utf8', timeout: 900_000, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 26 },
);
if (error) console.error(error.message);
process.stdout.write(stdout.replaceAll('\r', ''));
if (values.keep === undefined) rmSync(work, { recursive: true, force: true });
process.exitCode = /^vm: status 0\s*$/m.test(stdout) ? 0 : 1;
