// The TypeScript of the command line as modules that the engine runs: bundled by esbuild, with src/engine in the place of
// Node. Called by build.mjs.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { pureModules } from '../../src/pure-modules.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const engine = join(root, 'src', 'engine');

/**
 * Replaces modules of Node's by what src/engine has in their place, else by an empty one. What needs one of these does
 * not get into the bundle, since no file of src does anything by being imported.
 */
const withoutNode = {
  name: 'without-node',
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) =>
      path === 'node:path' ? undefined : { path, namespace: 'node', sideEffects: false },
    );
    // A module that src/engine does not have is an empty one of CommonJS: a name is only missed where it is used.
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

/** Filters of the built-in policies are in the image, and not read from dist/filters by each start. */
const shippedFilters = (processor) => ({
  name: 'shipped-filters',
  setup(build) {
    const folder = join(root, 'dist', 'filters');
    const arch = { x64: 'x86_64', arm64: 'aarch64' }[processor];
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
});

export async function bundle(directory, entry, more, processor) {
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
    plugins: [withEffects(inject), withoutNode, shippedFilters(processor), pureModules],
    define: {
      'import.meta.url': 'distribution',
      'process.arch': JSON.stringify(processor),
      'process.platform': '"linux"',
    },
    minify: process.env.WASBOX_ENGINE_PLAIN === undefined,
    logLevel: 'warning',
  });
  return metafile;
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
export function imageOf(outputs, main) {
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

/** main.c and polyfills.ts leave these out or replace them: addon/engine/main.c says why. */
const unusedGlobals = /\bnew (?:WeakRef|FinalizationRegistry|Function)\b|(?<![.\w$])eval\(/;

/** Makes a module ready for the compiler of bytecode, and refuses what the engine does not have. */
export function prepare(path) {
  // import() needs the names of files in the bytecode; addon/engine/program.c has this instead.
  const text = readFileSync(path, 'utf8').replaceAll(/\bimport\("\.\//g, 'loadModule("./');
  const math = unusedMath.exec(text);
  if (math !== null) throw new Error(`addon/engine/math.c has no ${math[0]}`);
  const global = unusedGlobals.exec(text);
  if (global !== null) throw new Error(`addon/engine/main.c leaves out ${global[0]}`);
  writeFileSync(path, text);
}
