/** The reference of the library names what a program gets by importing it, under these names. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

interface Declaration {
  readonly name: string;
  readonly kind: string;
  readonly text: string;
}
// A computed path: the site's scripts have no types.
const script = fileURLToPath(new URL('../../docs/site/declarations.mjs', import.meta.url));
const { readDeclarations } = (await import(script)) as {
  readDeclarations(entry: string): readonly Declaration[];
};
const dist = fileURLToPath(new URL('../../dist', import.meta.url));

describe.each([
  ['wasbox', 'types/index.d.ts', 'index.js'],
  ['wasbox/policy', 'types/policy.d.ts', 'policy.js'],
  ['wasbox/bullmq', 'types/bullmq/index.d.ts', 'bullmq.js'],
])('%s', (_, declarations, module) => {
  const all = readDeclarations(join(dist, declarations));

  test('has the names that can be imported', async () => {
    const values = all.filter(({ kind }) => !['interface', 'type'].includes(kind));
    const exported = Object.keys(await import(join(dist, module)));
    expect(values.map(({ name }) => name).sort()).toEqual(exported.sort());
  });

  test('declares each under its own name', () => {
    for (const { name, kind, text } of all) {
      const head = new RegExp(`^(?:abstract )?${kind} ${name}\\b`);
      for (const line of text.split('\n').filter((one) => /^(function|class|const) /.test(one)))
        expect(line).toMatch(head);
      expect(text).toMatch(head);
    }
  });
});
