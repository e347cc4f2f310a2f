/** The full name of a test is a sentence: one that stands alone in its file names its subject. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A test at the margin of its file, under no `describe`, with the first word of its name. */
const alone = /^(?:\w+\.)?(?:test|it)(?:\.\w+)*\(\s*(['"`])(\w+)[^\n]*/gm;
const verbs = /^(?:of|is|are|has|have|says|does|works|for|with)$/;

const withoutSubject = (text: string): string[] =>
  [...text.matchAll(alone)].filter(([, , word = '']) => verbs.test(word)).map(([line]) => line);

test('a test that stands alone names its subject', () => {
  const kinds = ['--cached', '--others', '--exclude-standard'];
  const names = execFileSync('git', ['ls-files', ...kinds, 'test'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.endsWith('.test.ts') && existsSync(join(root, name)));
  expect(names.length).toBeGreaterThan(300);
  const found = names.flatMap((name) =>
    withoutSubject(readFileSync(join(root, name), 'utf8')).map((line) => `${name}: ${line}`),
  );
  expect(found).toEqual([]);
});

test('a name without a subject is found', () => {
  const bad = ['works offline', 'of a small run is short'];
  expect(withoutSubject(bad.map((name) => `test('${name}', () => {});`).join('\n'))).toHaveLength(
    2,
  );
  const good = "  it('works offline', () => {});\ntest('a run ends', () => {});";
  expect(withoutSubject(good)).toEqual([]);
});
