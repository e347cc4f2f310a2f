/**
 * Bundles the library: dist/index.js, whose exports come from two parts, one with the errors and one with all else
 * that an import needs; a part with what runs programs, for the first call that does; parts that only some functions
 * load; and session-owner.js, for `wasbox session`.
 * Node finds, reads and compiles module by module: few and small ones make a fast import.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { pureModules } from './pure-modules.mjs';

/** Files that are loaded by `import()`, in any file of `src`. */
function loadedLater(src) {
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' });
  const found = names
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const text = readFileSync(join(src, name), 'utf8');
      const dynamic = text.matchAll(/\bimport\('(\.[^']+)\.js'\)/g);
      return [...dynamic].map(([, path]) => join(src, dirname(name), `${path}.ts`));
    });
  return new Set(found);
}

const statement = /^(import|export) (?!type ){([^}]*)} from '(\.[^']*)\.js';/gm;

const namesOf = (list) =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
    .map((name) => {
      const [theirs, own = theirs] = name.split(' as ');
      return { theirs, own };
    });

const sourceOf = (file, path) => join(dirname(file), `${path}.ts`);

/** Where a name comes from that an index passes on: the file that has it, and its name there. */
function origin(file, name) {
  if (basename(file) !== 'index.ts') return { file, name };
  for (const [, , list, path] of readFileSync(file, 'utf8').matchAll(statement)) {
    const found = namesOf(list).find(({ own }) => own === name);
    if (found !== undefined) return origin(sourceOf(file, path), found.theirs);
  }
  return { file, name };
}

/**
 * The text with what it imports from an index imported from the file that has it. esbuild puts a file into a part by
 * what can be reached through imports, used or not, and through an index everything can.
 */
function withoutIndexes(file, text) {
  return text.replaceAll(statement, (whole, verb, list, path) => {
    if (!path.endsWith('/index')) return whole;
    const direct = namesOf(list).map(({ theirs, own }) => {
      const { file: from, name } = origin(sourceOf(file, path), theirs);
      return `${verb} { ${name} as ${own} } from ${JSON.stringify(from)};`;
    });
    return direct.join(' ');
  });
}

/**
 * Code that is loaded later imports the library's entry, too, and what runs programs. So all of it shares what these
 * need, and esbuild makes one part of each, not one for each set of those that share something.
 * @param {string} entry
 * @param {string} runs
 * @param {ReadonlySet<string>} later
 * @returns {import('esbuild').Plugin}
 */
const inTwoParts = (entry, runs, later) => ({
  name: 'in-two-parts',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = withoutIndexes(path, readFileSync(path, 'utf8'));
      const shared = !later.has(path) ? [] : path === runs ? [entry] : [entry, runs];
      const more = shared.map((one) => `import ${JSON.stringify(one)};\n`).join('');
      return { contents: `${text}\n${more}`, loader: 'ts' };
    });
  },
});

/**
 * The statements of an entry point that only passes on what parts export. With these in one file Node need not
 * read one for each entry point, and bundlers leave out a part of which nothing is used.
 */
function reexports(text) {
  const sources = new Map();
  for (const [, names, from] of text.matchAll(/\bimport\s*{([^}]*)}\s*from\s*("[^"]+")/g)) {
    for (const name of names.split(',')) {
      const [theirs, own = theirs] = name.trim().split(/\s+as\s+/);
      sources.set(own, { theirs, from });
    }
  }
  const [, exported] = /\bexport\s*{([^}]*)}/.exec(text) ?? [];
  if (exported === undefined) throw new Error(`no entry point that only passes on: ${text}`);
  const passed = new Map();
  for (const name of exported.split(',')) {
    const [own, as = own] = name.trim().split(/\s+as\s+/);
    const source = sources.get(own);
    if (source === undefined) throw new Error(`${own} is of no part`);
    const { theirs, from } = source;
    const list = passed.get(from) ?? [];
    passed.set(from, [...list, theirs === as ? as : `${theirs} as ${as}`]);
  }
  const lines = [...passed].map(
    ([from, names]) => `export{${names.sort().join(',')}}from${from};\n`,
  );
  return lines.join('');
}

/**
 * @param {string} src
 * @param {import('esbuild').BuildOptions} options
 * @returns the files by name, and of which source each is
 */
export async function bundleLibrary(src, options) {
  const entry = join(src, 'index.ts');
  const errors = join(src, 'errors', 'index.ts');
  const runs = join(src, 'launch', 'runs.ts');
  const owner = join(src, 'owner', 'serve.ts');
  const { metafile, outputFiles } = await build({
    ...options,
    entryPoints: { index: entry, errors, 'session-owner': owner },
    splitting: true,
    chunkNames: 'part-[hash]',
    charset: 'ascii',
    minifySyntax: true,
    minifyWhitespace: true,
    // The line that Node shows of an error stays one that fits.
    lineLimit: 160,
    metafile: true,
    logOverride: { 'ignored-bare-import': 'silent' },
    plugins: [inTwoParts(entry, runs, new Set([...loadedLater(src), owner])), pureModules],
    write: false,
  });
  const files = new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
  // The file is there only so that esbuild makes a part of the errors.
  files.delete('errors.js');
  files.set('index.js', reexports(files.get('index.js')));
  return { files, metafile };
}
