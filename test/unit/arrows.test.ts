import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { circles } from '../support/circles.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The folders of src in the order of the data flow, as ARCHITECTURE.md lists them. A folder imports only
 * from folders before it, and only from their index; types included.
 */
const architecture = readFileSync(`${root}/ARCHITECTURE.md`, 'utf8');
const order = [...architecture.matchAll(/^\| `src\/([\w-]+)` \|/gm)]
  .map(([, name = '']) => name)
  .filter((name) => name !== 'release');

/** Files that may be imported beside the index of their folder, each with the reason. */
const entries: Record<string, string> = {
  'report/html/index.ts': 'loaded only for --html',
  'policy/formats/index.ts': 'loaded only for policies of other tools',
  'learn/program.ts': 'the library loads the policy core when it learns, not when it is imported',
  'policy/error.ts': 'the same of the class of its errors',
};

/** All else asks what the sandbox has of its own: `ownOf` of src/resolve/isolation.ts. */
const asksForIsolation = /isolation\s*[!=]==\s*'(?:landlock|namespaces)'/;
const mayAsk = /^backend\/|^resolve\/isolation\.ts$|^leads\/packages\.ts$/;

/** These folders have bundles of their own: a package's, or one that is loaded by its file. */
const bundles = new Set(['policy', 'bullmq', 'mcp', 'cli', 'image-store', 'engine']);

const src = join(root, 'src');

type Graph = Map<string, string[]>;

/** Returns what each file imports from src; the sources of a made-up tree where a test has one. */
function importsOf(files: ReadonlyMap<string, string>): Graph {
  const graph: Graph = new Map();
  const statement = /(?:from|import\()\s*'(\.[^']+)'/g;
  for (const [file, text] of files) {
    const targets = [...text.matchAll(statement)].map(([, path = '']) =>
      normalize(join(dirname(file), path)).replace(/\.js$/, '.ts'),
    );
    graph.set(file, [...new Set(targets.filter((target) => files.has(target)))]);
  }
  return graph;
}

const folderOf = (file: string): string | undefined => file.match(/^([^/]+)\//)?.[1];

function crossings(graph: Graph): { file: string; target: string; from: string; to: string }[] {
  const found = [];
  for (const [file, targets] of graph) {
    const from = folderOf(file);
    for (const target of targets) {
      const to = folderOf(target);
      if (from !== undefined && to !== undefined && from !== to)
        found.push({ file, target, from, to });
    }
  }
  return found;
}

function wrongArrows(graph: Graph): string[] {
  return crossings(graph)
    .filter(({ from, to }) => order.indexOf(to) === -1 || order.indexOf(from) <= order.indexOf(to))
    .map(({ file, target }) => `${file} → ${target}`);
}

function deepImports(graph: Graph): string[] {
  return crossings(graph)
    .filter(({ to, target }) => target !== `${to}/index.ts` && entries[target] === undefined)
    .map(({ file, target }) => `${file} → ${target}`);
}

function sources(): Map<string, string> {
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' });
  return new Map(
    names
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [name, readFileSync(join(src, name), 'utf8')]),
  );
}

/** Tests and measurements, which may use what no other folder does. */
function testSources(): string[] {
  return ['test', 'bench', 'docs'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.m?ts$/.test(name))
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
}

const nameLists = /(?:import|export)\s+(?:type\s+)?\{([^}]*)\}(?:\s+from\s+'([^']+)')?/g;
const namesIn = (list: string, part: RegExp): string[] =>
  list
    .split(',')
    .map((one) =>
      one
        .trim()
        .replace(/^type /, '')
        .replace(part, ''),
    )
    .filter(Boolean);

/** FOLDER: NAME of each name that an index exports and nothing outside its folder imports from there. */
function unusedNames(files: ReadonlyMap<string, string>, others: readonly string[]): string[] {
  const unused: string[] = [];
  for (const [index, text] of files) {
    const [folder = '', rest] = index.split('/');
    if (rest !== 'index.ts' || bundles.has(folder)) continue;
    const outside = [...files].filter(([file]) => folderOf(file) !== folder);
    const used = new Set<string>();
    for (const one of [...outside.map(([, source]) => source), ...others]) {
      if (!one.includes(`/${folder}/index.js'`)) continue;
      for (const [, list = '', from = ''] of one.matchAll(nameLists)) {
        if (!from.endsWith(`/${folder}/index.js`)) continue;
        for (const name of namesIn(list, / as .*/)) used.add(name);
      }
      // Any name of a module that is loaded later may be used.
      const later = new RegExp(`(?:import\\(|\\* as \\w+ from )'[^']*/${folder}/index\\.js'`);
      if (later.test(one)) for (const [word] of one.matchAll(/\w+/g)) used.add(word);
    }
    for (const [, list = ''] of text.matchAll(/export\s+(?:type\s+)?\{([^}]*)\}/g)) {
      const names = namesIn(list, /.* as /).filter((name) => !used.has(name));
      unused.push(...names.map((name) => `${folder}: ${name}`));
    }
  }
  return unused;
}

describe('src', () => {
  const graph = importsOf(sources());

  it('has its folders in an order', () => {
    const folders = readdirSync(src, { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(
      folders
        .map(({ name }) => name)
        .filter((name) => name !== 'release')
        .sort(),
    ).toEqual([...order].sort());
  });

  it('has no import against the data flow', () => {
    expect(wrongArrows(graph)).toEqual([]);
  });

  it('imports a folder by its index', () => {
    expect(deepImports(graph)).toEqual([]);
  });

  it('has no files that import each other in a circle', () => {
    expect(circles(graph)).toEqual([]);
  });

  it('shows in an index only what others use', () => {
    expect(unusedNames(sources(), testSources())).toEqual([]);
  });

  it('asks for the isolation only where it is chosen, and in the backends', () => {
    const asking = [...sources()].filter(([, text]) => asksForIsolation.test(text));
    const others = asking.map(([file]) => file).filter((file) => !mayAsk.test(file));
    expect(others).toEqual([]);
    expect(asking.map(([file]) => file)).toContain('backend/choose.ts');
  });
});

describe('the test itself', () => {
  it('finds what it looks for', () => {
    const graph = importsOf(
      new Map([
        ['resolve/a.ts', "import type { B } from './b.js';\nimport('../launch/index.js');"],
        ['resolve/b.ts', "export { c } from './c.js';"],
        ['resolve/c.ts', "import { a } from './a.js';\nimport { t } from '../host/node.js';"],
        ['host/node.ts', ''],
        ['launch/index.ts', ''],
      ]),
    );
    expect(circles(graph)).toEqual([['resolve/a.ts', 'resolve/b.ts', 'resolve/c.ts']]);
    expect(wrongArrows(graph)).toEqual(['resolve/a.ts → launch/index.ts']);
    expect(deepImports(graph)).toEqual(['resolve/c.ts → host/node.ts']);
    const shown = new Map([
      ['resolve/index.ts', "export { a, type B } from './a.js';\nexport { c as d } from './c.js';"],
      ['plan/a.ts', "import { a as x } from '../resolve/index.js';"],
    ]);
    expect(unusedNames(shown, [])).toEqual(['resolve: B', 'resolve: d']);
    expect(unusedNames(shown, ["import { type B, d } from '../src/resolve/index.js';"])).toEqual(
      [],
    );
  });
});
