/** A file that a program goes on writing is read up to the size that it had, or the end of a diff would never come. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readUpTo } from '../../../../src/changes/files/content.js';
import { hashOf } from '../../../../src/changes/show/file-contents.js';

/** A file of procfs says that its size is 0 and has content, as one that grew since it was looked at. */
const grown = '/proc/version';

function withFile<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, 'r');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('content behind the size that a file had is not read', () => {
  expect(readFileSync(grown).length).toBeGreaterThan(0); // control
  expect(withFile(grown, (fd) => readUpTo(fd, 100))).toEqual(Buffer.alloc(0));
  expect(withFile(grown, hashOf)).toBe(sha256(Buffer.alloc(0)));
});

test('control: a file that does not grow is read whole', () => {
  const bytes = readFileSync(import.meta.filename);
  expect(withFile(import.meta.filename, (fd) => readUpTo(fd, bytes.length))).toEqual(bytes);
  expect(withFile(import.meta.filename, hashOf)).toBe(sha256(bytes));
  expect(withFile(import.meta.filename, (fd) => readUpTo(fd, bytes.length - 1))).toBeUndefined();
});
