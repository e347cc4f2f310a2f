// Builds, for src/build.mjs, dist/native/PLATFORM/wasbox-engine: the TypeScript of the command line (bundle.mjs),
// compiled to bytecode, and linked with QuickJS, musl and zlib (libraries.mjs), the addon's objects and the policy
// core's module (core-module.mjs). Where their sources are not there, the command runs in Node.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { addonFolder, buildNative } from '../build.mjs';
import { addonObjects, whyNoHeaders } from '../targets.mjs';
import { bundle, engine, imageOf, prepare } from './bundle.mjs';
import { coreModule } from './core-module.mjs';
import { kept } from './kept.mjs';
import { bytecodeCompiler, haveLibraries, librariesFor } from './libraries.mjs';
import { compileC, linkStatic, missingPrograms, runOn } from './toolchain.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const coreFile = join(root, 'dist', 'wasbox-core.wasm');
const installed = (arch) => join(root, 'dist', 'native', `linux-${arch}`, 'wasbox-engine');

const sources = [
  'main.c',
  'math.c',
  'arena.c',
  'core.c',
  'crash.c',
  'digest.c',
  'errors.c',
  'files.c',
  'host.c',
  'loop.c',
  'napi.c',
  'program.c',
  'system.c',
  'text.c',
].map((name) => join(here, name));
const napi = () => createRequire(import.meta.url)('node-api-headers').include_dir;

/**
 * Why the engine cannot be built for a processor; undefined where it can.
 * @param {string} arch
 * @param {boolean} hasLibraries whether QuickJS, musl and zlib are there
 */
export function whyNoEngine(arch, hasLibraries = haveLibraries(arch)) {
  const programs = missingPrograms(arch);
  if (programs.length > 0) return `these programs are missing: ${programs.join(', ')}`;
  if (!hasLibraries)
    return 'its sources are not on this machine (npm run engine, then npm run build)';
  return whyNoHeaders();
}

/** Only Node's addon has these: accounts (whose modules need a dynamic program), repeated runs, sessions. */
const nodesOwn = ['reads_check.c', 'src/reads.cc', 'src/session.cc', 'src/users.cc'];

/** Returns the objects that the addon is made of, but for what only Node needs. */
function objectsOfAddon(arch) {
  buildNative(arch);
  return addonObjects(addonFolder(arch), nodesOwn);
}

const flags = ['-std=gnu17', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE'];

/** Compiles sources to object files, which are kept. What they include is part of what they are made of. */
function compiled(name, arch, how, sources, headers, module) {
  const { musl, includes } = librariesFor(arch);
  const files = [...sources, ...headers].map((path) => readFileSync(path));
  const inputs = [
    how.join(' '),
    basename(musl),
    ...includes.map((path) => basename(dirname(path))),
    ...files,
  ];
  return kept(`${name}-${arch}`, inputs, (directory) =>
    compileC(
      arch,
      musl,
      [
        ...[...how, `-I${here}`, `-I${module}`, `-I${napi()}`, `-ffile-prefix-map=${root}=.`],
        ...includes.flatMap((path) => ['-isystem', path]),
      ],
      sources,
      directory,
    ),
  );
}

const filesIn = (folder, pattern) =>
  readdirSync(folder)
    .filter((file) => pattern.test(file))
    .sort()
    .map((file) => join(folder, file));

/**
 * The policy core's module. Floating-point operations are neither contracted nor rounded in advance, as in other
 * engines; wasm-rt.h counts on what a call takes of the stack.
 */
const coreObjects = (arch, module) =>
  compiled(
    'core',
    arch,
    [
      ...['-O2', '-std=gnu17', '-DNDEBUG', '-Werror=frame-larger-than=1024'],
      ...['-ffp-contract=off', '-frounding-math', '-fsignaling-nans'],
    ],
    filesIn(module, /\.c$/),
    [...filesIn(module, /\.h$/), join(here, 'wasm-rt.h')],
    module,
  );

const headers = [
  '.',
  '..',
  '../fastpath',
  '../net',
  '../rundir',
  '../search',
  '../supervisor',
  '../sys',
].flatMap((name) => filesIn(join(here, name), /\.h$/));

/** The engine's own C, and the policy core's. */
function ownObjects(arch, wasm) {
  const module = coreModule(wasm);
  const all = [...filesIn(module, /\.h$/), ...headers];
  const own = compiled('own', arch, ['-O2', ...flags], sources, all, module);
  return [...own, ...coreObjects(arch, module)];
}

/** Compiles them all, so that a build need not. */
export function makeObjects(arch = process.arch) {
  if (whyNoEngine(arch) !== undefined) return;
  ownObjects(arch, coreFile);
  bytecodeCompiler();
}

/** Bytecode of modules by name. */
function bytecode(directory, names) {
  for (const name of names) prepare(join(directory, name));
  const others = names.filter((name) => name !== 'engine.js');
  execFileSync(bytecodeCompiler(), [directory, 'engine.js', ...others], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Map(names.map((name) => [name, readFileSync(join(directory, `${name}.bin`))]));
}

/** An executable with modules at its end, as addon/engine/program.c reads them. */
function withModules(executable, modules) {
  const pieces = [executable, Buffer.alloc(-executable.length & 7)];
  const size = () => pieces.reduce((sum, { length }) => sum + length, 0);
  const table = [];
  for (const [name, bytes] of modules) {
    const stored = deflateSync(bytes, { level: 9 });
    const part = Buffer.alloc(48);
    part.write(name, 0, 31);
    part.writeBigUInt64LE(BigInt(size()), 32);
    part.writeUInt32LE(stored.length, 40);
    part.writeUInt32LE(bytes.length, 44);
    table.push(part);
    pieces.push(stored);
  }
  const trailer = Buffer.alloc(40);
  trailer.write('wengine2');
  trailer.writeBigUInt64LE(BigInt(size()), 8);
  trailer.writeBigUInt64LE(BigInt(table.length), 16);
  return Buffer.concat([...pieces, ...table, trailer]);
}

function compile(directory, { outputs }, out, arch, wasm) {
  const names = Object.keys(outputs).map((path) => basename(path));
  const main = Object.keys(outputs).find((path) => basename(path) === 'engine.js');
  const inImage = imageOf(outputs, main);
  const loads = inImage.more.map((path) => `\nimport("./${basename(path)}");`);
  appendFileSync(join(directory, 'engine.js'), loads.join(''));
  const modules = bytecode(directory, names);
  const bare = join(directory, 'bare');
  const { musl, archives } = librariesFor(arch);
  linkStatic(
    arch,
    musl,
    bare,
    [...ownObjects(arch, wasm), ...objectsOfAddon(arch), ...archives],
    ['-Wl,--wrap=gettimeofday'],
  );
  // The engine with its program loaded, so that no start loads it again.
  const executable = readFileSync(bare);
  const maker = join(directory, 'maker');
  writeFileSync(maker, withModules(executable, modules), { mode: 0o755 });
  const later = [...modules].filter(([name]) => !inImage.names.has(name));
  writeFileSync(out, withModules(executable, later), { mode: 0o755 });
  const [command, ...words] = runOn(arch, maker);
  execFileSync(command, [...words, out], {
    env: { PATH: process.env.PATH, WASBOX_FASTPATH: 'explain:image' },
  });
}

/**
 * @param more injected into the bundle, by tests
 * @param entry the program, which tests replace
 * @param wasm the policy core, which tests replace
 * @returns esbuild's account of the bundle; undefined where the engine cannot be built, and nothing was
 */
export async function buildEngine(
  out = installed(process.arch),
  more = [],
  entry = join(engine, 'main.ts'),
  arch = process.arch,
  wasm = coreFile,
) {
  rmSync(out, { force: true });
  const why = whyNoEngine(arch);
  if (why !== undefined) {
    console.log(
      `wasbox-engine is not built: ${why}. Until it is, each new command line starts Node, 50 ms more.`,
    );
    return undefined;
  }
  const directory = mkdtempSync(join(tmpdir(), 'wasbox-engine-'));
  try {
    const metafile = await bundle(directory, entry, more, arch);
    compile(directory, metafile, out, arch, wasm);
    return metafile;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The engine of this package for a processor. */
export const buildEngineFor = (arch) => buildEngine(installed(arch), [], undefined, arch);
