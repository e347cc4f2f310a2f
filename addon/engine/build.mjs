// For src/build.mjs: builds dist/native/PLATFORM/wasbox-engine: the TypeScript of the command line, bundled by esbuild, compiled to
// bytecode by qjsc, and linked with QuickJS, the addon's objects and the policy core. Where a library for it is not
// installed, the command runs in Node.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { build } from 'esbuild';
import { pureModules } from '../../src/pure-modules.mjs';
import { addonSources, compileAddonObjects } from '../targets.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const engine = join(root, 'src', 'engine');
const platform = `linux-${process.arch}`;
const library = { x64: '/usr/lib/x86_64-linux-gnu', arm64: '/usr/lib/aarch64-linux-gnu' }[
  process.arch
];
/** Static libraries: QuickJS, digests, deflate. */
const libraries = ['quickjs/libquickjs.a', 'libmd.a', 'libz.a'].map((name) => join(library, name));
const installed = join(root, 'dist', 'native', platform, 'wasbox-engine');

const sources = [
  'main.c',
  'math.c',
  'arena.c',
  'core.c',
  'crash.c',
  'files.c',
  'host.c',
  'loop.c',
  'napi.c',
  'program.c',
  'system.c',
  'text.c',
  '../sys/utf8.c',
].map((name) => join(here, name));
const napi = createRequire(import.meta.url)('node-api-headers').include_dir;

const has = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;

/** Whether what the engine is made with is installed. */
const isPossible = () => has('qjsc') && libraries.every((path) => existsSync(path));

/**
 * Modules of Node's: what src/engine has in their place, else nothing. What needs one of these does not get
 * into the bundle, since no file of src does anything by being imported.
 */
const withoutNode = {
  name: 'without-node',
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) =>
      path === 'node:path' ? undefined : { path, namespace: 'node', sideEffects: false },
    );
    // As CommonJS where there is none, so that it is only missed where it is used.
    build.onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => {
      const own = `./node/${path.slice('node:'.length)}.ts`;
      const has = existsSync(join(engine, own));
      const contents = has ? `export * from '${own}'` : 'module.exports = {}';
      return { contents, resolveDir: engine };
    });
  },
};

/** Files that are injected for what they do, which esbuild would leave out of a package that says it has no such files. */
const withEffects = (paths) => ({
  name: 'with-effects',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ path }) =>
      paths.includes(path) ? { path, sideEffects: true } : undefined,
    );
  },
});

/** The policy core is linked with the engine, not loaded as a WebAssembly module. */
const nativeCore = {
  name: 'native-core',
  setup(build) {
    const folder = join(root, 'src', 'core');
    const contents = readFileSync(join(folder, 'native.ts'), 'utf8');
    build.onLoad({ filter: /\/src\/core\/load\.ts$/ }, () => ({
      contents,
      loader: 'ts',
      resolveDir: folder,
    }));
  },
};

/** Filters of the built-in policies are in the image, and not read from dist/filters by each start. */
const shippedFilters = {
  name: 'shipped-filters',
  setup(build) {
    const folder = join(root, 'dist', 'filters');
    const arch = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
    build.onLoad({ filter: /\/src\/plan\/shipped\.ts$/ }, () => {
      const names = readdirSync(folder)
        .filter((name) => name.endsWith(`.${arch}.bpf`))
        .sort();
      const entries = names.map((name) => [
        name.replace(/\.bpf$/, ''),
        readFileSync(join(folder, name), 'base64'),
      ]);
      return {
        contents: `const filters = new Map(${JSON.stringify(entries)}.map(
          ([name, text]) => [name, new Uint8Array(Buffer.from(text, 'base64'))]));
          export const shippedFilter = (name) => filters.get(name);`,
      };
    });
  },
};

async function bundle(directory, entry, more) {
  const inject = [join(engine, 'polyfills.ts'), ...more];
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    inject,
    outdir: directory,
    entryNames: 'engine',
    chunkNames: '[hash]',
    splitting: true,
    metafile: true,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    alias: { 'node:path': join(engine, 'node', 'path.ts') },
    plugins: [withEffects(inject), withoutNode, nativeCore, shippedFilters, pureModules],
    define: {
      'import.meta.url': 'distribution',
      'process.arch': JSON.stringify(process.arch),
      'process.platform': '"linux"',
    },
    minify: process.env.WASBOX_ENGINE_PLAIN === undefined,
    logLevel: 'warning',
  });
  return metafile;
}

/** Of Node's addon alone: the version of its libc, accounts (whose modules need a dynamic program), repeated runs, sessions. */
const nodesOwn = [
  'reads_check.c',
  'src/libc_versions.cc',
  'src/reads.cc',
  'src/session.cc',
  'src/users.cc',
];

/** Object files in a directory of addon/engine/build that is kept until what they are made of changes. `make` fills it. */
function kept(name, inputs, make) {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(input);
  const place = join(here, 'build', `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(place)) {
    mkdirSync(dirname(place), { recursive: true });
    const directory = mkdtempSync(`${place}.`);
    make(directory);
    try {
      renameSync(directory, place);
    } catch {
      rmSync(directory, { recursive: true }); // another build was first
    }
  }
  return readdirSync(place).map((file) => join(place, file));
}

/** What the addon is made of, but for what only Node needs. */
const addonObjects = () =>
  kept(
    'addon',
    addonSources().map((path) => readFileSync(path)),
    (directory) => {
      const how = { without: nodesOwn, arch: process.arch, file: join(directory, 'addon') };
      if (compileAddonObjects(how) === undefined)
        throw new Error('the addon could not be compiled');
    },
  );

const flags = ['-std=gnu17', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE', '-DWB_NATIVE'];

const linking = [
  '-static',
  '-no-pie',
  '-s',
  '-Wl,--gc-sections',
  '-Wl,--wrap=gettimeofday',
  '-Wl,--build-id=none',
];

const corePaths = ['include', 'syscalls'].map((name) => `-I${join(root, 'wasm-core', name)}`);

/** Compiles sources to object files, which are kept. Headers beside them are part of what they are made of. */
function compiled(name, how, sources, headers) {
  const files = [...sources, ...headers].map((path) => readFileSync(path));
  const compiler = execFileSync('gcc', ['--version']);
  return kept(name, [how.join(' '), compiler, ...files], (directory) =>
    execFileSync('gcc', ['-c', ...how, ...corePaths, `-I${napi}`, ...sources], {
      cwd: directory,
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
  );
}

const filesIn = (folder, pattern) =>
  readdirSync(folder)
    .filter((file) => pattern.test(file))
    .sort()
    .map((file) => join(folder, file));

const coreFolders = ['src', 'syscalls', 'include'].map((name) => join(root, 'wasm-core', name));
const coreHeaders = coreFolders.flatMap((folder) => filesIn(folder, /\.h$/));

/** The policy core. No contraction of floating-point operations: the module has none either. */
const coreObjects = () =>
  compiled(
    'core',
    ['-Os', '-ffp-contract=off', ...flags],
    coreFolders.flatMap((folder) => filesIn(folder, /\.c$/)),
    coreHeaders,
  );

/** The engine's own C. */
const engineObjects = () =>
  compiled('own', ['-O2', ...flags], sources, [
    ...coreHeaders,
    ...[
      here,
      ...['..', '../sys', '../supervisor', '../rundir', '../fastpath', '../net'].map((name) =>
        join(here, name),
      ),
    ].flatMap((folder) => filesIn(folder, /\.h$/)),
  ]);

/** Compiles them all, so that a build need not. */
export function makeObjects() {
  if (!isPossible()) return;
  addonObjects();
  engineObjects();
  coreObjects();
}

/** Modules that the main one imports, and those that they import: what the image holds. */
function imported(outputs, name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  for (const { path, kind } of outputs[name].imports)
    if (kind === 'import-statement') imported(outputs, path, found);
  return found;
}

/**
 * Bytes of JavaScript. Modules up to this size that need no module outside the image are in it: loading one takes longer
 * than running it.
 */
const small = 4096;

/** The names of the modules in the image; `more` are those that the main module does not import by itself. */
function imageOf(outputs, main) {
  const inImage = imported(outputs, main);
  const more = Object.keys(outputs).filter(
    (name) =>
      !inImage.has(name) &&
      outputs[name].bytes <= small &&
      [...imported(outputs, name)].every((one) => one === name || inImage.has(one)),
  );
  return { names: new Set([...inImage, ...more].map((path) => basename(path))), more };
}

/** Functions that addon/engine/math.c leaves out. */
const unusedMath = /\bMath\.(a?(?:cos|sin|tan)h?|atan2|cbrt|exp|expm1|hypot|log1p)\b/;

/** Bytecode of modules by name, from the C that qjsc writes. */
function bytecode(directory, names) {
  for (const name of names) {
    const path = join(directory, name);
    // import() needs the names of files in the bytecode; addon/engine/program.c has this instead.
    const text = readFileSync(path, 'utf8').replaceAll(/\bimport\("\.\//g, 'loadModule("./');
    const found = unusedMath.exec(text);
    if (found !== null) throw new Error(`addon/engine/math.c has no ${found[0]}`);
    writeFileSync(path, text);
  }
  const later = names.filter((name) => name !== 'engine.js').flatMap((name) => ['-D', name]);
  const how = ['-c', '-m', '-s', '-p', '', '-o', 'bytecode.c'];
  execFileSync('qjsc', [...how, ...later, 'engine.js'], { cwd: directory });
  const text = readFileSync(join(directory, 'bytecode.c'), 'utf8');
  const arrays = new Map(
    [...text.matchAll(/const uint8_t (\w+)\[\d+\] = \{([^}]*)\}/g)].map(([, name, bytes]) => [
      name,
      Buffer.from(bytes.match(/0x[0-9a-f]{2}/g).map(Number)),
    ]),
  );
  return new Map(
    names.map((name) => {
      const bytes = arrays.get(name.replace(/\.js$/, '').replaceAll(/[^A-Za-z0-9]/g, '_'));
      if (bytes === undefined) throw new Error(`qjsc wrote no bytecode for ${name}`);
      return [name, bytes];
    }),
  );
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

function compile(directory, { outputs }, out) {
  const names = Object.keys(outputs).map((path) => basename(path));
  const main = Object.keys(outputs).find((path) => basename(path) === 'engine.js');
  const inImage = imageOf(outputs, main);
  const loads = inImage.more.map((path) => `\nimport("./${basename(path)}");`);
  appendFileSync(join(directory, 'engine.js'), loads.join(''));
  const modules = bytecode(directory, names);
  const bare = join(directory, 'bare');
  const objects = [...engineObjects(), ...coreObjects(), ...addonObjects()];
  const words = ['-o', bare, ...objects, ...libraries, '-lm', '-lpthread', ...linking];
  execFileSync('gcc', words, { stdio: ['ignore', 'inherit', 'inherit'] });
  // The engine with its program loaded, so that no start loads it again.
  const executable = readFileSync(bare);
  const maker = join(directory, 'maker');
  writeFileSync(maker, withModules(executable, modules), { mode: 0o755 });
  const later = [...modules].filter(([name]) => !inImage.names.has(name));
  writeFileSync(out, withModules(executable, later), { mode: 0o755 });
  execFileSync(maker, [out], { env: { WASBOX_FASTPATH: 'explain:image' } });
}

/**
 * @param more injected into the bundle, by tests
 * @param entry the program, which tests replace
 * @returns esbuild's account of the bundle; undefined where QuickJS is not installed, and nothing was built
 */
export async function buildEngine(out = installed, more = [], entry = join(engine, 'main.ts')) {
  rmSync(out, { force: true });
  if (!isPossible()) {
    console.log(
      'wasbox-engine is not built: it needs QuickJS, libmd and zlib (Debian: quickjs libquickjs libmd-dev zlib1g-dev). The command runs in Node.',
    );
    return undefined;
  }
  const directory = mkdtempSync(join(tmpdir(), 'wasbox-engine-'));
  try {
    const metafile = await bundle(directory, entry, more);
    compile(directory, metafile, out);
    return metafile;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
