/** The tree of files on the report's page: names that are shown in quotes belong to the same directories. */
import { expect, test } from 'vitest';
import type { AuditFile } from '../../../src/report/audit/types.js';
import { filesTree } from '../../../src/report/html/files.js';
import { displayPath } from '../../../src/text/index.js';

const written = (path: string): AuditFile => ({
  action: 'write',
  path: displayPath(Buffer.from(path)),
  call: 'openat',
  count: 1,
  firstMs: 0,
  lastMs: 0,
});

/** The text of each line, without what marks the action. */
const linesOf = (...paths: readonly string[]): string[] =>
  filesTree(paths.map(written))
    .text.replace(/<span class="tag.*?<\/span>/g, '')
    .split(/<(?:li|ul)[^>]*>/)
    .map((line) => line.replace(/<[^>]+>/g, '').replaceAll('&quot;', '"'))
    .filter((line) => line !== '');

test('a name with invisible characters is in the directory of the others', () => {
  expect(linesOf('/home/ada/plain', '/home/ada/in\u202etxt', '/home/ada/a: b')).toEqual([
    '/home/ada/ 3 files',
    '"a: b"',
    '"in\\xe2\\x80\\xaetxt"',
    'plain',
  ]);
});

test('a directory with such a name is quoted by itself', () => {
  expect(linesOf('/srv/x\ny/one', '/srv/x\ny/two')).toEqual([
    '/srv/"x\\ny"/ 2 files',
    'one',
    'two',
  ]);
});

test('a quote in a name is no end of it', () => {
  expect(linesOf('/srv/"a"', '/srv/b')).toEqual(['/srv/ 2 files', '"\\"a\\""', 'b']);
});
