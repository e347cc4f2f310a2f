/** What a program loads that imports the library: not what only few of its functions need. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';

const dist = dirname(ordinaryUser().cli);

/** Sources in what is loaded from `index.js` on, by the comments that the bundle has of them. */
function sourcesLoaded(edge: RegExp): string[] {
  const files = new Set(['index.js']);
  const sources = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join(dist, file), 'utf8');
    for (const [, source = ''] of text.matchAll(/^\/\/ (\S+\.(?:ts|js))$/gm)) sources.add(source);
    for (const [, next = ''] of text.matchAll(edge)) files.add(next);
  }
  return [...sources];
}

/** The policy core with what it needs of WASI, and the language. */
const isLater = (source: string): boolean =>
  /^src\/core\/|^src\/policy\/(compile|messages|listing)\.|wasi_shim/.test(source);

test('the import does not load the policy core', () => {
  const loaded = sourcesLoaded(/\bfrom ?["']\.\/([\w-]+\.js)["']/g);
  expect(loaded).toContain('src/launch/run.ts');
  expect(loaded.filter(isLater)).toEqual([]);
});

test('control: functions that need it load it', () => {
  const loaded = sourcesLoaded(/\b(?:from ?|import\()["']\.\/([\w-]+\.js)["']/g).filter(isLater);
  for (const source of ['src/core/load.ts', 'src/policy/compile.ts'])
    expect(loaded).toContain(source);
  expect(loaded.some((source) => source.includes('wasi_shim'))).toBe(true);
});
