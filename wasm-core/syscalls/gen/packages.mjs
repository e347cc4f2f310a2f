/**
 * Fetches and unpacks the Debian packages that the tables are generated from. Everything lands in
 * one working directory, which a second run reuses.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Folders of the kernel's source that define system calls or the tables that name them. */
const SOURCE_FOLDERS = [
  'arch/arm',
  'arch/arm64',
  'arch/loongarch',
  'arch/mips',
  'arch/powerpc',
  'arch/riscv',
  'arch/s390',
  'arch/x86',
  'block',
  'drivers/char',
  'drivers/pci',
  'fs',
  'include',
  'io_uring',
  'ipc',
  'kernel',
  'lib',
  'mm',
  'net',
  'scripts',
  'security',
];

function run(command, args, cwd) {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The name of a downloaded package's file, after fetching it where it is missing. */
function fetchPackage(work, name) {
  const find = () => readdirSync(work).find((f) => f.startsWith(`${name}_`) && f.endsWith('.deb'));
  if (find() === undefined) run('apt-get', ['download', name], work);
  const file = find();
  if (file === undefined) throw new Error(`apt-get download ${name} left no package behind`);
  return file;
}

function unpack(work, file, folder) {
  const target = join(work, folder);
  if (!existsSync(target)) run('dpkg-deb', ['-x', join(work, file), target]);
  return target;
}

const versionOf = (work, file) => run('dpkg-deb', ['-f', join(work, file), 'Version']).trim();

/** The folder with libsystemd-shared, whose path holds the host's multiarch name. */
function sharedLibraryFolder(root) {
  const library = join(root, 'usr/lib');
  const [multiarch] = readdirSync(library);
  return join(library, multiarch, 'systemd');
}

/**
 * Makes the packages ready.
 *
 * @param {string} work an existing or new directory
 * @returns where the uapi headers, the kernel's source, systemd and the manual page of the calls are, and
 *   the version of each package
 */
export function preparePackages(work) {
  mkdirSync(work, { recursive: true });
  const headerFile = fetchPackage(work, 'linux-libc-dev');
  const sourceFile = fetchPackage(work, 'linux-source-6.12');
  const manualFile = fetchPackage(work, 'manpages-dev');
  const systemdFile = fetchPackage(work, 'systemd');
  const sharedFile = fetchPackage(work, 'libsystemd-shared');
  const headers = unpack(work, headerFile, 'headers');
  const manual = unpack(work, manualFile, 'manual');
  const packed = unpack(work, sourceFile, 'packed');
  const systemd = unpack(work, systemdFile, 'systemd');
  const shared = unpack(work, sharedFile, 'systemd-shared');
  const source = join(work, 'source');
  if (!existsSync(source)) {
    mkdirSync(source);
    const archive = join(packed, 'usr/src/linux-source-6.12.tar.xz');
    const wanted = SOURCE_FOLDERS.map((folder) => `linux-source-6.12/${folder}`);
    run('tar', ['-xf', archive, '-C', source, '--strip-components=1', ...wanted]);
  }
  return {
    headers: join(headers, 'usr'),
    source,
    systemd,
    systemdLibrary: sharedLibraryFolder(shared),
    syscallsManual: gunzipSync(
      readFileSync(join(manual, 'usr/share/man/man2/syscalls.2.gz')),
    ).toString('utf8'),
    versions: {
      'linux-libc-dev': versionOf(work, headerFile),
      'linux-source-6.12': versionOf(work, sourceFile),
      'manpages-dev': versionOf(work, manualFile),
      systemd: versionOf(work, systemdFile),
    },
  };
}
