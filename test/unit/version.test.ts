import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { wasboxVersion } from '../../src/version.js';

it('the version is that of package.json', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(wasboxVersion).toBe(manifest.version);
});
