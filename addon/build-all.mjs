// `npm run build:all`: the native part for every processor that the package serves, into dist/native/linux-<arch>. Needs
// a compiler for each (Debian: gcc-aarch64-linux-gnu and g++-aarch64-linux-gnu, or the x86-64 ones on arm64).
import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileTarget } from './targets.mjs';

const native = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'native');
const prefixes = { x64: 'x86_64-linux-gnu-', arm64: 'aarch64-linux-gnu-' };
const files = [
  ['wasbox-init', 'wasbox-init', 0o755],
  ['wasbox-fastpath', 'wasbox', 0o755],
  ['wasbox', 'wasbox.node', 0o644],
];

for (const [arch, prefix] of Object.entries(prefixes)) {
  const [cc, cxx] = arch === process.arch ? ['gcc', 'g++'] : [`${prefix}gcc`, `${prefix}g++`];
  const work = join(native, `.build-${arch}`);
  for (const [name, installed, mode] of files) {
    const file = join(work, installed);
    const target = join(native, `linux-${arch}`, installed);
    if (!compileTarget(name, { cc, cxx, arch, file })) {
      console.error(`wasbox: ${cc} could not build ${installed} for ${arch}`);
      process.exit(1);
    }
    chmodSync(file, mode);
    mkdirSync(dirname(target), { recursive: true });
    renameSync(file, target);
  }
  rmSync(work, { recursive: true });
  console.log(`native part: linux-${arch}`);
}
