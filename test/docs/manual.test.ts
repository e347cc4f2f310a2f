/** The manual page: what the option table has, and no complaint from groff or mandoc. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commands } from '../../src/cli/catalogue.js';
import { roff } from '../../src/cli/manual.js';
import { verbs } from '../../src/cli/verbs.js';
import { builtDist } from '../support/built.mjs';

const page = join(builtDist, 'man/wasbox.1');

test('man(1) and mandoc(1) find nothing to complain about', () => {
  const man = spawnSync('man', ['--warnings', '-l', page], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, MANWIDTH: '80', LC_ALL: 'C.UTF-8', MANPAGER: 'cat' },
  });
  expect([man.status, man.stderr]).toEqual([0, '']);
  const lint = spawnSync('mandoc', ['-Tlint', page], { encoding: 'utf8' });
  expect([lint.status, lint.stdout, lint.stderr]).toEqual([0, '', '']);
});

test('every command and every option is in it', async () => {
  const text = execFileSync('mandoc', ['-Tutf8', '-Owidth=200', page], { encoding: 'utf8' })
    .replaceAll(/.\x08/g, '')
    .replaceAll(/[‐−]/g, '-');
  for (const { name, options } of await commands(verbs)) {
    expect(text).toContain(`wasbox ${name}`);
    for (const option of options) expect(text).toContain(`--${option.name}`);
  }
});

test('text cannot become a request', () => {
  expect(roff(".so /etc/passwd\n'x \\n é")).toBe("\\&.so /etc/passwd\n\\&'x \\en \\[u00E9]");
});
