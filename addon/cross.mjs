// Compiles the native part for each platform that a compiler is installed for, as a check: the executables must need
// neither a libc nor anything of one architecture alone, the addon no library and no symbol of a certain version.
// `node addon/cross.mjs`.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileTarget, elfOf, machines } from './targets.mjs';

const out = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', '.build');

const kernelHeaders = [
  '/usr/include',
  `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
].flatMap((path) => ['-idirafter', path]);

const compilers = [
  { cc: process.env.CC ?? 'cc', cxx: process.env.CXX ?? 'c++', arch: process.arch },
  // Debian's wrapper knows no kernel headers; behind musl's own they replace none of those.
  { cc: 'musl-gcc', arch: process.arch, more: kernelHeaders },
  { cc: 'x86_64-linux-gnu-gcc', cxx: 'x86_64-linux-gnu-g++', arch: 'x64' },
  { cc: 'aarch64-linux-gnu-gcc', cxx: 'aarch64-linux-gnu-g++', arch: 'arm64' },
];

const installed = (command) =>
  command !== undefined && spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;

let failed = false;
function fail(text) {
  console.error(text);
  failed = true;
}

for (const compiler of compilers.filter(({ cc }) => installed(cc))) {
  const names = ['wasbox-fastpath', 'wasbox-init', ...(installed(compiler.cxx) ? ['wasbox'] : [])];
  for (const name of names) {
    const file = join(out, `${name}.${compiler.cc.replaceAll('/', '_')}`);
    if (!compileTarget(name, { ...compiler, file })) {
      fail(`${name}: ${compiler.cc} does not compile it`);
      continue;
    }
    const { machine, interpreter, libraries, versions } = elfOf(file);
    if (machine !== machines[compiler.arch])
      fail(`${name}: ${compiler.cc} made it for another machine`);
    if (interpreter || libraries > 0 || versions) fail(`${name}: it needs a library`);
  }
  if (!failed) console.log(`native part: ${compiler.cc} compiles ${names.join(', ')}`);
}
process.exitCode = failed ? 1 : 0;
