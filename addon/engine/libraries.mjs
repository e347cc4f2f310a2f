// Compiles the pinned sources (sources.mjs) for a processor: musl, QuickJS, zlib, and the compiler of bytecode.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compilersFor } from '../targets.mjs';
import { fixes, mend } from './fixes.mjs';
import { isKept, keptDirectory } from './kept.mjs';
import { missingSources, sourceFolder, sources, unpack } from './sources.mjs';
import { compileC, compilerName, hardening, linkStatic, makeArchive } from './toolchain.mjs';

const here = dirname(fileURLToPath(import.meta.url));
/** A release takes nothing that another checkout compiled (src/release/main.mjs). */
const shared = process.env.WASBOX_COMPILE_ALL === '1' ? undefined : join(sourceFolder, 'compiled');

/** Raised where this file or toolchain.mjs compiles otherwise, and what was kept is not that any more. */
const RECIPE = '1';

function withSource(source, use) {
  const directory = mkdtempSync(join(tmpdir(), `wasbox-${source.name}-`));
  try {
    unpack(source, directory);
    use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Folders of musl that nothing of the engine calls. */
const unusedFolders = ['aio', 'complex', 'crypt', 'ipc', 'mq', 'regex', 'search'];

const muslInputs = (arch) => [
  ...['musl', RECIPE, sources.musl.sha256, compilerName(arch)],
  ...hardening,
  ...unusedFolders,
];

/** crt1.o, crti.o, crtn.o, libc.a and the headers. */
const musl = (arch) =>
  keptDirectory(
    `musl-${arch}`,
    muslInputs(arch),
    (out) =>
      withSource(sources.musl, (directory) => {
        for (const name of unusedFolders)
          rmSync(join(directory, 'src', name), { recursive: true, force: true });
        const { cc, prefix } = compilersFor(arch);
        const flags = [...hardening, ...(arch === 'arm64' ? ['-mno-outline-atomics'] : [])];
        const run = (command, words) =>
          execFileSync(command, words, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
        const target = { x64: 'x86_64-linux-musl', arm64: 'aarch64-linux-musl' }[arch];
        const tools = [`CC=${cc}`, `CFLAGS=-O2 -w ${flags.join(' ')}`];
        run('./configure', [`--target=${target}`, '--disable-shared', '--prefix=/', ...tools]);
        const make = [
          '-s',
          `-j${availableParallelism()}`,
          `AR=${prefix}ar`,
          `RANLIB=${prefix}ranlib`,
        ];
        run('make', [...make, 'lib/libc.a', 'lib/crt1.o', 'lib/crti.o', 'lib/crtn.o']);
        run('make', [...make, 'install-headers', `includedir=${join(out, 'include')}`]);
        for (const name of ['libc.a', 'crt1.o', 'crti.o', 'crtn.o'])
          copyFileSync(join(directory, 'lib', name), join(out, name));
        copyFileSync(join(directory, 'COPYRIGHT'), join(out, 'LICENSE'));
      }),
    shared,
  );

const quickjsFiles = ['quickjs.c', 'libregexp.c', 'libunicode.c', 'cutils.c', 'dtoa.c'];
const quickjsFlags = [
  ...['-O2', '-std=gnu11', '-fwrapv', '-funsigned-char', '-D_GNU_SOURCE', '-w'],
  `-DCONFIG_VERSION="${sources.quickjs.version}"`,
];
const quickjsInputs = (arch) => [
  ...['quickjs', sources.quickjs.sha256, JSON.stringify(fixes), ...quickjsFlags],
  ...muslInputs(arch),
];

const objectsIn = (directory) =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.o'))
    .sort()
    .map((name) => join(directory, name));

/** libquickjs.a, and its headers in quickjs. */
const quickjs = (arch) =>
  keptDirectory(
    `quickjs-${arch}`,
    quickjsInputs(arch),
    (out) =>
      withSource(sources.quickjs, (directory) => {
        mend(directory);
        compileC(arch, musl(arch), quickjsFlags, quickjsFiles, directory);
        makeArchive(arch, join(out, 'libquickjs.a'), objectsIn(directory));
        mkdirSync(join(out, 'include/quickjs'), { recursive: true });
        copyFileSync(join(directory, 'quickjs.h'), join(out, 'include/quickjs/quickjs.h'));
        copyFileSync(join(directory, 'LICENSE'), join(out, 'LICENSE'));
      }),
    shared,
  );

const zlibFiles = [
  ...['adler32', 'compress', 'crc32', 'deflate', 'inffast', 'inflate', 'inftrees'],
  ...['trees', 'uncompr', 'zutil'],
].map((name) => `${name}.c`);

const zlibInputs = (arch) => ['zlib', sources.zlib.sha256, ...muslInputs(arch)];

/** libz.a: deflate and inflate of bytes in memory. */
const zlib = (arch) =>
  keptDirectory(
    `zlib-${arch}`,
    zlibInputs(arch),
    (out) =>
      withSource(sources.zlib, (directory) => {
        compileC(arch, musl(arch), ['-O2', '-DNO_GZIP', '-w'], zlibFiles, directory);
        makeArchive(arch, join(out, 'libz.a'), objectsIn(directory));
        mkdirSync(join(out, 'include'));
        for (const name of ['zlib.h', 'zconf.h'])
          copyFileSync(join(directory, name), join(out, 'include', name));
        copyFileSync(join(directory, 'LICENSE'), join(out, 'LICENSE'));
      }),
    shared,
  );

const compilerSource = join(here, 'bytecode.c');

/** The program that makes bytecode, for this machine: both processors run the same bytecode. */
export function bytecodeCompiler() {
  const arch = process.arch;
  const inputs = [readFileSync(compilerSource), ...quickjsInputs(arch)];
  const place = keptDirectory('bytecode', inputs, (out) => {
    const flags = ['-O2', '-std=gnu17', '-D_GNU_SOURCE', `-I${join(quickjs(arch), 'include')}`];
    compileC(arch, musl(arch), flags, [compilerSource], out);
    const objects = [join(out, 'bytecode.o'), join(quickjs(arch), 'libquickjs.a')];
    linkStatic(arch, musl(arch), join(out, 'bytecode'), objects);
  });
  return join(place, 'bytecode');
}

/** The engine is compiled and linked with these. */
export function librariesFor(arch) {
  const [libc, engine, deflate] = [musl(arch), quickjs(arch), zlib(arch)];
  return {
    musl: libc,
    archives: [join(engine, 'libquickjs.a'), join(deflate, 'libz.a')],
    includes: [engine, deflate].map((place) => join(place, 'include')),
    /** The terms of each, by its name in sources.mjs. */
    licences: {
      musl: join(libc, 'LICENSE'),
      quickjs: join(engine, 'LICENSE'),
      zlib: join(deflate, 'LICENSE'),
    },
  };
}

/** Returns whether they are there, or can be made. */
export const haveLibraries = (arch) =>
  missingSources().length === 0 ||
  (isKept(`musl-${arch}`, muslInputs(arch)) &&
    isKept(`quickjs-${arch}`, quickjsInputs(arch)) &&
    isKept(`zlib-${arch}`, zlibInputs(arch)));

export function makeLibraries(arch) {
  librariesFor(arch);
  bytecodeCompiler();
}
