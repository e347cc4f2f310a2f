/** A foreign byte hides no line that a tool reads, and what is not text is told by its kind. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { diffRun, finishRun, formatUnified, openRun } from '../../../src/changes/index.js';
import { type Fixture, makeFixture, runScript } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  fixture.dispose();
});

function shown(script: string): string {
  const run = runScript(fixture, script);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const kept = openRun(fixture.store);
  try {
    return [...diffRun(fixture.store, kept)].map((file) => formatUnified(file)).join('');
  } finally {
    kept.close();
  }
}

test.each([
  ['a NUL at the end', "printf 'all:\\n\\ttouch FIRED\\n# \\000\\n' > Makefile"],
  ['a NUL in a comment', "printf '# a\\000b\\nall:\\n\\ttouch FIRED\\n' > Makefile"],
  [
    'much padding',
    "{ printf 'all:\\n\\ttouch FIRED\\n#'; head -c 4000 /dev/zero; echo; } > Makefile",
  ],
  [
    'the beginning of an image',
    "printf 'GIF89a = 1\\nall:\\n\\ttouch FIRED\\n#\\000\\n' > Makefile",
  ],
])('a Makefile with %s is shown with its lines', (_, script) => {
  const text = shown(`${script}\nhead -c 3000 /bin/true > image.bin`);
  expect(text).toContain('touch FIRED');
  expect(text).not.toContain('\0');
  // Control: what is no text is not shown as lines.
  expect(text).toMatch(/image\.bin: binary: ELF program/);
});

test('make runs what stands beside a NUL', () => {
  const file = join(fixture.base, 'Makefile');
  execFileSync('sh', ['-c', `printf 'all:\\n\\techo FIRED\\n# \\000\\n' > ${file}`]);
  expect(execFileSync('make', ['-s', '-f', file], { encoding: 'utf8' })).toContain('FIRED');
});

test.each([
  ["printf '#include <x>\\nint main() {}\\n// \\000\\n' > a.c", 'int main'],
  ['printf \'import os\\nos.system("x")\\n#\\000\\n\' > a.py', 'os.system'],
  ["printf 'a=1\\n\\000\\n' > config", 'a=1'],
])('other text with a NUL is shown: %s', (script, text) => {
  expect(shown(script)).toContain(`+${text}`);
});

test.each([
  ['\\211PNG\\r\\n\\032\\n', 'PNG image'],
  ['\\037\\213\\010\\000', 'gzip data'],
  ['PK\\003\\004', 'ZIP archive'],
  ['\\313\\015\\015\\012\\000', 'Python bytecode \\(Python runs it\\)'],
  ['\\000asm\\001', 'WebAssembly module'],
])('a file that begins with %s is told by its kind', (begin, kind) => {
  const text = shown(`{ printf '${begin}'; head -c 600 /dev/zero; } > file`);
  expect(text).toMatch(new RegExp(`file: binary: ${kind}.*none -> \\d+ bytes, sha256 `));
});
