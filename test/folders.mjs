// Runs what `npm run check -- FOLDER` runs: the tests that belong to a folder.
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Unit tests in folders of another name. */
const elsewhere = {
  'wasm-core': ['test/unit/core', 'test/unit/policy', 'test/unit/convert', 'test/unit/tables'],
  addon: ['test/unit/native'],
  docs: ['test/docs'],
};

/** Other programs that test a folder. */
const programs = {
  'wasm-core': ['C of the policy core', process.execPath, 'wasm-core/test.mjs'],
  addon: ['C of the native part', process.execPath, 'addon/test.mjs'],
};

/** @param {readonly string[]} paths from the checkout */
export function belongsTo(paths) {
  const tests = [];
  const parts = [];
  for (const given of paths) {
    const path = relative(root, given);
    const [top = ''] = path.split('/');
    const mirrored = path.replace(/^src\//, 'test/unit/').replace(/\.ts$/, '');
    const found = [...(elsewhere[top] ?? []), mirrored, `${mirrored}.test.ts`].filter((name) =>
      existsSync(root + name),
    );
    if (!existsSync(root + path)) throw new Error(`${given} does not exist`);
    tests.push(...found.filter((name) => name.startsWith('test/')));
    if (programs[top] !== undefined) parts.push(programs[top]);
  }
  return { tests, parts };
}
