// For src/build.mjs: builds dist/native/PLATFORM/wasbox-engine: the TypeScript of a start, bundled by esbuild, compiled to bytecode by
// qjsc, and linked with QuickJS (Debian: quickjs, libquickjs). Where these are not installed, wasbox starts through Node.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { pureModules } from '../../src/pure-modules.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const engine = join(root, 'src', 'engine');
const platform = `linux-${process.arch}`;
const library = { x64: '/usr/lib/x86_64-linux-gnu', arm64: '/usr/lib/aarch64-linux-gnu' }[
  process.arch
];
const quickjs = `${library}/quickjs/libquickjs.a`;
const installed = join(root, 'dist', 'native', platform, 'wasbox-engine');

const has = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;

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
    // As CommonJS, so that a name that is not there is only missed where it is used.
    build.onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => {
      const own = `./node-${path.slice('node:'.length)}.ts`;
      const contents = existsSync(join(engine, own)) ? `require('${own}')` : '{}';
      return { contents: `module.exports = ${contents};`, resolveDir: engine };
    });
  },
};

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

async function bundle(directory, entry, more) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    inject: [join(engine, 'polyfills.ts'), ...more],
    outfile: join(directory, 'engine.js'),
    metafile: true,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    alias: { 'node:path': 'path-browserify' },
    plugins: [withoutNode, nativeCore, pureModules],
    define: {
      'import.meta.url': 'distribution',
      'process.arch': JSON.stringify(process.arch),
      'process.platform': '"linux"',
    },
    minify: true,
    logLevel: 'warning',
  });
  return metafile;
}

const flags = ['-std=gnu17', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE', '-DWB_NATIVE'];

/** Object files of the policy core. No contraction of floating-point operations: the module has none either. */
function compileCore(directory) {
  const folder = join(directory, 'core');
  mkdirSync(folder);
  const core = join(root, 'wasm-core');
  const sources = ['src', 'syscalls'].flatMap((name) =>
    readdirSync(join(core, name))
      .filter((file) => file.endsWith('.c'))
      .map((file) => join(core, name, file)),
  );
  const paths = ['include', 'syscalls'].map((name) => `-I${join(core, name)}`);
  const how = ['-c', '-Os', '-ffp-contract=off', ...flags, ...paths];
  execFileSync('gcc', [...how, ...sources], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return readdirSync(folder).map((file) => join(folder, file));
}

function compile(directory, out) {
  const bytecode = join(directory, 'bytecode.c');
  // By its name alone: that is in the bytecode.
  const from = ['-N', 'bytecode', '-o', bytecode, 'engine.js'];
  execFileSync('qjsc', ['-c', '-m', '-s', ...from], { cwd: directory });
  const sources = ['main.c', 'arena.c', 'host.c', 'core.c'].map((name) => join(here, name));
  const paths = ['include', 'syscalls'].map((name) => `-I${join(root, 'wasm-core', name)}`);
  const bare = join(directory, 'wasbox-engine');
  const objects = [...compileCore(directory), quickjs, '-lm', '-lpthread'];
  const linking = ['-static', '-no-pie', '-s', '-Wl,--wrap=gettimeofday', '-Wl,--build-id=none'];
  execFileSync(
    'gcc',
    ['-O2', ...flags, ...paths, '-o', bare, ...sources, bytecode, ...objects, ...linking],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  // What the engine is once its program is loaded, so that no start loads it again.
  copyFileSync(bare, out);
  execFileSync(bare, [out], { env: { WASBOX_FASTPATH: 'explain:image' } });
}

/**
 * @param more injected into the bundle, by tests
 * @param entry the program, which tests replace
 * @returns esbuild's account of the bundle; undefined where QuickJS is not installed, and nothing was built
 */
export async function buildEngine(out = installed, more = [], entry = join(engine, 'main.ts')) {
  rmSync(out, { force: true });
  if (!has('qjsc') || !existsSync(quickjs)) {
    console.log(
      'wasbox-engine is not built: QuickJS is missing (Debian: quickjs, libquickjs). New starts go through Node.',
    );
    return undefined;
  }
  const directory = mkdtempSync(join(tmpdir(), 'wasbox-engine-'));
  try {
    const metafile = await bundle(directory, entry, more);
    compile(directory, out);
    return metafile;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
