import { expect, test } from 'vitest';
import { isWithin, joinPath, splitPath } from '../../../../src/changes/files/path.js';
import { displayPath } from '../../../../src/text/index.js';

test.each([
  ['plain/name.txt', 'plain/name.txt'],
  ['with space', 'with space'],
  ['größe/日本', 'größe/日本'],
  ['new\nline', '"new\\nline"'],
  ['\x1b[31mred', '"\\x1b[31mred"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ['rtl\u202etxt', '"rtl\\xe2\\x80\\xaetxt"'],
  ['zero\u200bwidth', '"zero\\xe2\\x80\\x8bwidth"'],
  ['c1\u009b', '"c1\\xc2\\x9b"'],
  ['\ufeffbom', '"\\xef\\xbb\\xbfbom"'],
  [' leading', '" leading"'],
])('%j is shown as %s', (path, shown) => {
  expect(displayPath(Buffer.from(path))).toBe(shown);
});

test('invalid UTF-8 is shown byte by byte, and never like another name', () => {
  expect(displayPath(Buffer.from([0x61, 0xff, 0xc3, 0x28]))).toBe('"a\\xff\\xc3("');
  expect(displayPath(Buffer.from('\\xff'))).toBe('"\\\\xff"');
  expect(displayPath(Buffer.from([0xff]))).toBe('"\\xff"');
  // Every one-byte and two-byte name has a form of its own, without control characters.
  const seen = new Set<string>();
  let count = 0;
  for (let first = 1; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      const bytes = second === 0 ? [first] : [first, second];
      const shown = displayPath(Buffer.from(bytes));
      expect(shown).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      seen.add(shown);
      count++;
    }
  }
  expect(seen.size).toBe(count);
});

test('paths are cut and joined as bytes', () => {
  const path = Buffer.from([0x61, 0x2f, 0xff]);
  expect(splitPath(path)).toEqual([Buffer.from('a'), Buffer.from([0xff])]);
  expect(joinPath(Buffer.from('a'), Buffer.from([0xff]))).toEqual(path);
  expect(isWithin(path, Buffer.from('a'))).toBe(true);
  expect(isWithin(Buffer.from('ab'), Buffer.from('a'))).toBe(false);
  expect(isWithin(path, Buffer.alloc(0))).toBe(true);
});
