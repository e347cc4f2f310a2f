import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** The folders of src/changes; each imports only from those before it. src/changes/index.ts says what they are for. */
const order = [
  'model',
  'files',
  'store',
  'merged-tree',
  'auto-executed',
  'scan',
  'apply',
  'lifecycle',
  'show',
];

const root = fileURLToPath(new URL('../../../src/changes', import.meta.url));

/** The imports between folders, or of another part of src, that the order does not allow. */
function wrongImports(files: ReadonlyMap<string, string>): string[] {
  const wrong: string[] = [];
  for (const [file, text] of files) {
    const from = file.split('/')[0] ?? '';
    if (file === 'index.ts') continue;
    for (const [, path = ''] of text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
      const target = normalize(join(dirname(file), path)).replace(/\.js$/, '.ts');
      const to = target.split('/')[0] ?? '';
      const allowed =
        to === '..'
          ? !/^\.\.\/(?:launch|report|fastpath|pool|learn|cli)\//.test(target)
          : order.includes(to) && order.indexOf(to) <= order.indexOf(from);
      if (!allowed) wrong.push(`${file} → ${target}`);
    }
  }
  return wrong;
}

describe('src/changes', () => {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const sources = names.filter((name) => name.endsWith('.ts'));

  it('has its folders in an order, and nothing beside them but the index', () => {
    expect(sources.filter((name) => !name.includes('/'))).toEqual(['index.ts']);
    expect([...new Set(sources.map((name) => name.split('/')[0]))].sort()).toEqual(
      [...order, 'index.ts'].sort(),
    );
  });

  it('describes each folder in its index', () => {
    const index = readFileSync(join(root, 'index.ts'), 'utf8');
    const described = [...index.matchAll(/^ \* - `([a-z-]+)`: /gm)].map(([, name]) => name);
    expect(described).toEqual(order);
  });

  it('imports only from folders before', () => {
    const files = sources.map((name) => [name, readFileSync(join(root, name), 'utf8')] as const);
    expect(wrongImports(new Map(files))).toEqual([]);
  });
});

it('finds an import against the order', () => {
  const files = new Map([
    ['files/a.ts', "import type { Session } from '../store/session.js';"],
    [
      'store/b.ts',
      "import { a } from '../files/a.js';\nimport { c } from '../../errors/index.js';",
    ],
    ['scan/d.ts', "const x = import('../../report/index.js');"],
  ]);
  expect(wrongImports(files)).toEqual([
    'files/a.ts → store/session.ts',
    'scan/d.ts → ../report/index.ts',
  ]);
});
