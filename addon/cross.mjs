// Compiles the freestanding executables for each platform that a compiler is installed for, as a
// check: they must need neither a libc nor anything of one architecture alone. `node addon/cross.mjs`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const addon = dirname(fileURLToPath(import.meta.url));
const out = join(addon, '..', 'test', '.build');
mkdirSync(out, { recursive: true });

/** The same sources and flags as the build: binding.gyp is JSON. */
const gyp = JSON.parse(readFileSync(join(addon, 'binding.gyp'), 'utf8'));
const defaults = gyp.target_defaults;
const targets = gyp.targets.filter(({ type }) => type === 'executable');

/** libgcc's atomics look at the processor, which takes a libc. */
const [[, { cflags: arm64 }]] = defaults.conditions;

const kernelHeaders = [
  '/usr/include',
  `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
].flatMap((path) => ['-idirafter', path]);

/** Compiler, and the machine that its executables must be for (elf.h). */
const compilers = [
  { cc: process.env.CC ?? 'cc', machine: undefined },
  // Debian's wrapper knows no kernel headers; behind musl's own they replace none of those.
  { cc: 'musl-gcc', machine: undefined, more: kernelHeaders },
  { cc: 'x86_64-linux-gnu-gcc', machine: 62 },
  { cc: 'aarch64-linux-gnu-gcc', machine: 183, more: arm64 },
];

const installed = ({ cc }) => spawnSync(cc, ['--version'], { stdio: 'ignore' }).status === 0;

let failed = false;
for (const { cc, machine, more = [] } of compilers.filter(installed)) {
  for (const target of targets) {
    const file = join(out, `${target.target_name}.${cc.replaceAll('/', '_')}`);
    const args = [
      ...defaults.cflags,
      ...defaults.cflags_c,
      ...target.cflags,
      ...more,
      ...(target.defines ?? []).map((define) => `-D${define}`),
      ...target.ldflags,
      ...['-o', file],
      ...target.sources,
    ];
    const { status } = spawnSync(cc, args, { cwd: addon, stdio: 'inherit' });
    const elf = status === 0 ? readFileSync(file) : undefined;
    const right = elf !== undefined && (machine === undefined || elf.readUInt16LE(18) === machine);
    // PT_INTERP (3) would ask for a dynamic linker.
    const headers =
      elf === undefined ? [] : Array.from({ length: elf.readUInt16LE(56) }, (_, i) => i);
    const dynamic = headers.some(
      (i) => elf.readUInt32LE(Number(elf.readBigUInt64LE(32)) + i * 56) === 3,
    );
    if (right && !dynamic) continue;
    console.error(`${target.target_name}: ${cc} made no static executable for its machine`);
    failed = true;
  }
  if (!failed) console.log(`freestanding executables: ${cc} compiles them`);
}
process.exitCode = failed ? 1 : 0;
