/** Notices find the packages of a bundle wherever a package manager put them. */
import { expect, test } from 'vitest';
import { bundled } from '../../src/notices/parties.mjs';
import { thirdPartyNotices } from '../../src/notices/write.mjs';

const metafile = (paths: readonly string[], bytesInOutput = 1) => ({
  outputs: {
    'dist/a.js': { inputs: Object.fromEntries(paths.map((path) => [path, { bytesInOutput }])) },
  },
});

test('a package of a bundle is found by its directory, as npm and as pnpm install it', () => {
  const npm = ['src/a.ts', 'node_modules/zod/index.js', 'node_modules/@scope/a/lib/a.js'];
  expect(bundled([metafile(npm), metafile(npm)])).toEqual([
    'node_modules/@scope/a',
    'node_modules/zod',
  ]);
  const pnpm = 'node_modules/.pnpm/ajv-formats@3.0.1_ajv@8.20.0/node_modules/ajv-formats';
  expect(bundled([metafile([`${pnpm}/dist/index.js`])])).toEqual([pnpm]);
});

test('a package of which no byte is in the output is left out', () => {
  expect(bundled([metafile(['node_modules/zod/index.js'], 0)])).toEqual([]);
});

test('notices are not written where a part has no licence, or an empty text of it', () => {
  const part = { component: 'left-pad', version: '1.0.0', license: 'MIT', text: 'Be kind.' };
  expect(thirdPartyNotices([part])).toContain('left-pad 1.0.0 (MIT)');
  expect(() => thirdPartyNotices([{ ...part, text: ' \n' }])).toThrow(
    'the licence file of left-pad is empty',
  );
  expect(() => thirdPartyNotices([{ ...part, license: '' }])).toThrow(
    'left-pad is in the package and names no licence',
  );
});
