// The compilers, and how the engine's C is compiled and linked with musl. Called by the other files of this folder.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compilersFor } from '../targets.mjs';

const folders = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** libgcc's atomics look at the processor, which takes a constructor and another libc's symbols. */
const forArch = { x64: [], arm64: ['-mno-outline-atomics'] };

/** Everything that reads data of others is compiled with these: QuickJS, zlib, the engine. */
export const hardening = [
  '-fstack-protector-strong',
  '-fstack-clash-protection',
  '-ffunction-sections',
  '-fdata-sections',
];

const first = (command, words) =>
  spawnSync(command, words, { encoding: 'utf8' }).stdout?.trim() ?? '';

/** Names the compiler, for what is kept of it. */
export const compilerName = (arch) => {
  const { cc } = compilersFor(arch);
  return `${first(cc, ['--version'])}\n${arch}`;
};

/** The programs that are missing for a processor. */
export function missingPrograms(arch) {
  const { cc, cxx, prefix } = compilersFor(arch);
  const wanted = [cc, cxx, `${prefix}ar`, 'make', 'tar', 'python3'];
  if (arch !== process.arch) wanted.push(emulator(arch));
  return wanted.filter((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error);
}

/** Runs the programs of another processor: the engine writes its own image. */
export const emulator = (arch) => ({ x64: 'qemu-x86_64', arm64: 'qemu-aarch64' })[arch];

/** A command that runs a program made for this processor. */
export const runOn = (arch, program) =>
  arch === process.arch ? [program] : [emulator(arch), program];

/** musl's headers, the compiler's, and behind them the kernel's. */
function includes(arch, musl) {
  const { cc } = compilersFor(arch);
  const own = ['include', 'include-fixed'].map((name) => first(cc, [`-print-file-name=${name}`]));
  const kernel = [
    `/usr/${folders[arch]}/include`,
    `/usr/include/${folders[arch]}`,
    ...(arch === process.arch ? ['/usr/include'] : []),
  ];
  return [
    '-nostdinc',
    ...[join(musl, 'include'), ...own]
      .filter((path) => existsSync(path))
      .flatMap((path) => ['-isystem', path]),
    ...kernel.filter((path) => existsSync(path)).flatMap((path) => ['-idirafter', path]),
  ];
}

/** Compiles C sources in a directory, with names relative to it: paths would be in the bytes. */
export function compileC(arch, musl, flags, files, directory) {
  const words = ['-c', ...forArch[arch], ...hardening, ...includes(arch, musl), ...flags];
  // asynchronous unwind tables: nothing here unwinds.
  const small = ['-fno-asynchronous-unwind-tables', '-fno-pie', '-fno-ident'];
  execFileSync(compilersFor(arch).cc, [...words, ...small, ...files], {
    cwd: directory,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

export function makeArchive(arch, file, objects) {
  execFileSync(`${compilersFor(arch).prefix}ar`, ['rcsD', file, ...objects]);
}

/**
 * Links an executable at addresses that do not change, as the image holds those of its functions. musl gives threads
 * a stack of the size that the file names.
 */
export function linkStatic(arch, musl, out, objects, more = []) {
  const { cc } = compilersFor(arch);
  const lib = (name) => join(musl, name);
  const how = [
    ...['-static', '-no-pie', '-s', '-nostdlib', '-nostartfiles'],
    ...['-Wl,--gc-sections', '-Wl,--build-id=none', '-Wl,-z,noexecstack', '-Wl,-z,relro,-z,now'],
    ...['-Wl,-z,stack-size=8388608', '-Wl,-z,separate-code', ...more],
  ];
  const files = [lib('crt1.o'), lib('crti.o'), ...objects];
  const end = ['-Wl,--start-group', lib('libc.a'), '-lgcc', '-Wl,--end-group', lib('crtn.o')];
  execFileSync(cc, [...how, '-o', out, ...files, ...end], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
