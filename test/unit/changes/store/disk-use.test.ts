import { expect, test } from 'vitest';
import { parseDiskUse } from '../../../../src/changes/store/disk-use.js';

test('the first line says what was seen, each other what was added', () => {
  expect(parseDiskUse('1 1000 500\n')).toEqual({ lookedMs: 1000, bytes: 500, added: 0 });
  expect(parseDiskUse('1 1000 500\n8\n4096\n')).toEqual({
    lookedMs: 1000,
    bytes: 500,
    added: 4104,
  });
});

test.each([
  '',
  '1 1000\n',
  '2 1000 500\n',
  '1 1000 500',
  '1 1000 500\n8',
  '1 1000 500\n8\nx\n',
  '1 1000 500\n-8\n',
  `1 1000 500\n${'8\n'.repeat(40_000)}`,
])('what is cut short, damaged, of another version or long leads to a look: %#', (text) => {
  expect(parseDiskUse(text)).toBeUndefined();
});
