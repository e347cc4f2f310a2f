// Lists what the virtual machine has in memory: wasbox, Node and a few programs of this machine, and of the
// kernel's packages the modules that wasbox uses.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appArmorProfile } from '../../src/release/apparmor.mjs';
import { run } from './command.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const accounts = 'root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n';

const needed = ['overlay', 'veth'];
/** The modules in the order in which they load. */
const nfs = [
  ...['sunrpc', 'grace', 'lockd', 'nfs_acl', 'auth_rpcgss', 'nfsd', 'netfs', 'dns_resolver'],
  ...['nfs', 'nfsv4'],
];

/** A profile that allows everything but user namespaces; a program with a profile of its own gets that. */
const restricted = `abi <abi/4.0>,
profile restricted flags=(attach_disconnected, mediate_deleted) {
  capability,
  network,
  mount,
  remount,
  umount,
  pivot_root,
  ptrace,
  signal,
  unix,
  mqueue,
  io_uring,
  /{,**} rwmlk,
  /** pix,
}
`;

/** AppArmor's parser, that profile, and the package's for the command here. */
function addAppArmor(tree) {
  addProgram(tree, '/usr/sbin/apparmor_parser');
  const folder = join(tree, 'etc/apparmor.d');
  mkdirSync(join(folder, 'abi'), { recursive: true });
  copyFileSync('/etc/apparmor.d/abi/4.0', join(folder, 'abi/4.0'));
  writeFileSync(join(folder, 'restricted'), restricted);
  const command = '/wasbox/dist/native/linux-x64/wasbox';
  writeFileSync(join(folder, 'wasbox'), appArmorProfile(command));
}

/** Unpacks the packages of one kernel: where it is, and where which module is. */
export function unpackKernel(packages, work) {
  const image = join(work, 'image');
  rmSync(image, { recursive: true, force: true });
  for (const one of packages) run('dpkg-deb', ['-x', one, image]);
  const files = readdirSync(image, { recursive: true, encoding: 'utf8' });
  const find = (start) => {
    const found = files.find((name) => basename(name).startsWith(start));
    if (found === undefined) throw new Error(`${packages.join(' ')}: no ${start}`);
    return join(image, found);
  };
  const modules = [...needed, ...nfs].map((name) => find(`${name}.ko`));
  const [, release] = /\/modules\/([^/]+)\//.exec(modules[0]) ?? [];
  return { vmlinuz: find('vmlinuz'), release, modules };
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

function addModule(tree, path) {
  const target = join(tree, 'modules', basename(path).replace(/\.xz$/, ''));
  if (path.endsWith('.xz')) writeFileSync(target, run('xz', ['-dc', path], { encoding: 'buffer' }));
  else copyFileSync(path, target);
}

/** Writes `initramfs` in the directory given. */
export function makeInitramfs({ modules }, work) {
  const tree = join(work, 'tree');
  rmSync(tree, { recursive: true, force: true });
  const directories = ['mnt', 'proc', 'tmp', 'etc', 'home/user', 'modules', 'usr/bin', 'var/tmp'];
  for (const name of directories) mkdirSync(join(tree, name), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) {
    mkdirSync(join(tree, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(tree, name));
  }
  for (const name of ['tmp', 'var/tmp']) chmodSync(join(tree, name), 0o1777);
  writeFileSync(join(tree, 'etc/passwd'), accounts);
  writeFileSync(join(tree, 'etc/group'), 'root:x:0:\nuser:x:1000:\n');
  const busybox = ['/usr/bin/busybox', '/bin/busybox'].find((path) => existsSync(path));
  if (busybox === undefined) throw new Error('there is no busybox: install busybox-static');
  addProgram(tree, busybox, '/usr/bin/busybox');
  addProgram(tree, process.execPath, '/usr/bin/node');
  for (const path of ['/usr/bin/setpriv', '/usr/bin/perl']) addProgram(tree, path);
  for (const name of ['exportfs', 'rpc.mountd', 'mount.nfs']) addProgram(tree, `/usr/sbin/${name}`);
  copyFileSync('/etc/netconfig', join(tree, 'etc/netconfig'));
  writeFileSync(join(tree, 'etc/exports'), '/export *(rw,no_root_squash,insecure,fsid=0)\n');
  writeFileSync(join(tree, 'nfs-modules'), nfs.join('\n'));
  addAppArmor(tree);
  for (const module of modules) addModule(tree, module);
  cpSync(join(root, 'dist'), join(tree, 'wasbox/dist'), { recursive: true });
  cpSync(join(root, 'docs/examples'), join(tree, 'wasbox/examples'), { recursive: true });
  cpSync(join(here, 'inside'), join(tree, 'wasbox/inside'), { recursive: true });
  writeFileSync(join(tree, 'wasbox/package.json'), '{"type":"module"}');
  copyFileSync(join(here, 'inside/init.sh'), join(tree, 'init'));
  chmodSync(join(tree, 'init'), 0o755);
  const archive = join(work, 'initramfs');
  run('sh', ['-c', `find . | cpio -o -H newc --quiet > "$1"`, 'sh', archive], { cwd: tree });
}
