/** The first page, the README and the install page name the same commands to install wasbox. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { wasboxVersion } from '../../src/version.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const channels = JSON.parse(read('docs/landing/channels.json')) as [
  name: string,
  command: string,
][];

test.each(channels)('%s: %s', (_, command) => {
  expect(read('README.md')).toContain(command);
  expect(read('docs/pages/guide/install.md')).toContain(command);
  const file = /wasbox[-_]\d\S*/.exec(command)?.[0];
  if (file !== undefined) expect(file).toContain(wasboxVersion);
});
