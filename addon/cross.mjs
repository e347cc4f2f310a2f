// Compiles the native part for each platform that a further compiler is installed for, as a check: the executables must need
// neither a libc nor anything of one architecture alone, the addon no library and no symbol of a certain version. What the
// build made with its own compiler is looked at as it is.
// `node addon/cross.mjs`; with --built nothing is compiled.
import { spawn, spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tellMissing } from '../test/support/packages.mjs';
import { compileTarget, faultOf } from './targets.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'test', '.build');

/** Files of the build by target. */
const built = {
  'wasbox-fastpath': 'wasbox',
  'wasbox-init': 'wasbox-init',
  wasbox: 'wasbox.node',
};

const kernelHeaders = [
  '/usr/include',
  `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
].flatMap((path) => ['-idirafter', path]);

const compilers = [
  // Debian's wrapper knows no kernel headers; behind musl's own they replace none of those.
  { cc: 'musl-gcc', arch: process.arch, more: kernelHeaders },
  { cc: 'x86_64-linux-gnu-gcc', cxx: 'x86_64-linux-gnu-g++', arch: 'x64' },
  { cc: 'aarch64-linux-gnu-gcc', cxx: 'aarch64-linux-gnu-g++', arch: 'arm64' },
];

/** Returns whether a compiler is there with its libc: Debian packages them apart. */
const installed = (
  command,
  input = '#include <stdint.h>\n#include <stddef.h>\n#include <errno.h>\n',
) =>
  command !== undefined &&
  spawnSync(command, ['-fsyntax-only', '-xc', '-'], { input, stdio: ['pipe', 'ignore', 'ignore'] })
    .status === 0;

/** The file that a command is, by which two names of one compiler are told. */
function fileOf(command) {
  for (const folder of process.env.PATH.split(delimiter)) {
    try {
      return realpathSync(join(folder, command));
    } catch {
      // not in this folder
    }
  }
  return command;
}

/** Returns what is wrong with a file, as a list of one line or none. */
function faultsOf(name, file, { cc, arch }) {
  const fault = faultOf(file, arch);
  return fault === undefined ? [] : [`${name}, by ${cc}: it ${fault}`];
}

/** Returns what is wrong with the files of the build. */
function checkBuilt() {
  const native = join(root, 'dist/native', `linux-${process.arch}`);
  const wrong = Object.entries(built).flatMap(([name, file]) =>
    faultsOf(name, join(native, file), { cc: 'the build', arch: process.arch }),
  );
  if (wrong.length === 0) console.log(`native part: as built, ${Object.keys(built).join(', ')}`);
  return wrong;
}

function tell(wrong) {
  for (const text of wrong) {
    console.error(text);
    process.exitCode = 1;
  }
}

/** Compiles everything with one compiler; returns what is wrong with it. */
function check(compiler) {
  const names = ['wasbox-fastpath', 'wasbox-init', ...(installed(compiler.cxx) ? ['wasbox'] : [])];
  const wrong = names.flatMap((name) => {
    const file = join(out, `${name}.${compiler.cc.replaceAll('/', '_')}`);
    if (!compileTarget(name, { ...compiler, file, directory: `${file}.d` }))
      return [`${name}: ${compiler.cc} does not compile it`];
    return faultsOf(name, file, compiler);
  });
  if (wrong.length === 0) console.log(`native part: ${compiler.cc} compiles ${names.join(', ')}`);
  return wrong;
}

/** A process of its own for the compiler at this position: they run beside each other. */
const checkBeside = (at) =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [script, String(at)], { stdio: 'inherit' });
    child.on('close', (status) => resolve(status === 0));
  });

const [, script, position] = process.argv;
if (position === '--built') {
  tell(checkBuilt());
} else if (position === undefined) {
  tell(checkBuilt());
  const own = fileOf(process.env.CC ?? 'cc');
  const waiting = [...compilers.keys()].filter(
    (at) => installed(compilers[at].cc) && fileOf(compilers[at].cc) !== own,
  );
  if (!installed('musl-gcc')) tellMissing('musl-tools');
  const other = process.arch === 'x64' ? 'aarch64-linux-gnu-g++' : undefined;
  if (other !== undefined && !installed(other)) tellMissing('g++-aarch64-linux-gnu');
  const worker = async () => {
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift())
      if (!(await checkBeside(at))) process.exitCode = 1;
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
} else {
  tell(check(compilers[Number(position)]));
}
