import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  addDiskUse,
  parseDiskUse,
  readDiskUse,
  writeDiskUse,
} from '../../../../src/changes/store/disk-use.js';
import { loadNative } from '../../../../src/native/locate.js';

test('the first line says what was seen, each other what was added', () => {
  const before = { lookedMs: 1000, bytes: 500 };
  expect(parseDiskUse('1 1000 500\n')).toEqual({ ...before, added: 0, lines: 0 });
  expect(parseDiskUse('1 1000 500\n8\n4096\n')).toEqual({ ...before, added: 4104, lines: 2 });
});

test('the file stays short whatever is added', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wasbox-disk-use-'));
  const store = { native: loadNative().native, directory, named: directory };
  try {
    writeDiskUse(store, 1000, 500);
    for (let i = 0; i < 1000; i++) {
      const use = readDiskUse(store);
      if (use === undefined) throw new Error('cannot be read');
      addDiskUse(store, use, 7);
    }
    expect(readDiskUse(store)).toMatchObject({ lookedMs: 1000, bytes: 500, added: 7000 });
    expect(readFileSync(join(directory, 'tally')).length).toBeLessThan(200);
  } finally {
    rmSync(directory, { recursive: true });
  }
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
])('a note that is cut short, damaged, of another version or long leads to a look: %#', (text) => {
  expect(parseDiskUse(text)).toBeUndefined();
});
