/**
 * Tests that what the native part counts of texts is what the lines that `diff` shows have, and what a look at
 * each character finds.
 */
import { describe, expect, it } from 'vitest';
import { countMarked, hunksOf, maxEditLength } from '../../../src/changes/show/hunks.js';
import { loadNative } from '../../../src/native/index.js';
import { piecesOf } from '../../../src/text/index.js';
import { numbers, oneOf } from '../../support/random.js';
import { seedsFor } from '../../support/seeds.js';

const { native } = loadNative();

function shown(before: Buffer, after: Buffer): [number, number] {
  const hunks = hunksOf(before.toString('latin1'), after.toString('latin1'));
  const count = (mark: string): number =>
    hunks.reduce((sum, { lines }) => sum + countMarked(lines, mark), 0);
  return [count('+'), count('-')];
}

const counted = (before: Buffer, after: Buffer): [number, number] =>
  native.lineChanges(before, after, maxEditLength);

describe('the lines that differ', () => {
  it.each([
    ['', ''],
    ['', 'a'],
    ['a\n', ''],
    ['a', 'a\n'],
    ['a\r\nb\r\n', 'a\nb\n'],
    ['\n\n\n', '\n'],
    ['a\nb\nc\n', 'c\nb\na\n'],
    ['a\0b\n\xff\n', 'a\0c\n\xff\n'],
    ['a\n'.repeat(5000), 'b\n'.repeat(5000)],
    ['a\n'.repeat(4000), ''],
    [`x\n${'a\n'.repeat(1999)}`, `${'b\n'.repeat(2001)}x\n`],
    ['a\n'.repeat(2000), 'b\n'.repeat(2000)],
    ['a\n'.repeat(2001), 'b\n'.repeat(2000)],
  ])('are as many as diff shows, case %#', (before, after) => {
    const texts = [Buffer.from(before, 'latin1'), Buffer.from(after, 'latin1')] as const;
    expect(counted(...texts)).toEqual(shown(...texts));
  });

  it('are as many as diff shows of random texts', () => {
    for (const seed of seedsFor('texts', 100, 3000)) {
      const next = numbers(seed);
      const alphabet = ['a', 'b', 'c', 'd', 'a\r', '', '}', 'return;'].slice(0, 2 + (seed % 7));
      const before = Array.from({ length: Math.floor(next() * 60) }, () => oneOf(next, alphabet));
      const after = before.flatMap((line) => {
        const kind = next();
        if (kind < 0.1) return [];
        if (kind < 0.2) return [oneOf(next, alphabet), line];
        return [kind < 0.3 ? oneOf(next, alphabet) : line];
      });
      const end = (): string => (next() < 0.5 ? '\n' : '');
      const texts = [
        Buffer.from(before.join('\n') + end(), 'latin1'),
        Buffer.from(after.join('\n') + end(), 'latin1'),
      ] as const;
      expect([seed, counted(...texts)]).toEqual([seed, shown(...texts)]);
    }
  });
});

/** Counts by the definition. */
function junkIn(bytes: Uint8Array): number {
  let junk = 0;
  for (const piece of piecesOf(bytes)) {
    if (typeof piece === 'number') junk++;
    else junk += piece.match(/[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/g)?.length ?? 0;
  }
  return junk;
}

describe('a byte that is no text', () => {
  it('is each control character, and each byte of no character', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (const around of [[], [0x61], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98]]) {
        const bytes = Uint8Array.from([...around, byte, ...around]);
        expect([...bytes, native.textJunk(bytes)]).toEqual([...bytes, junkIn(bytes)]);
      }
    }
  });

  it('is counted as by a look at each character, in random bytes', () => {
    for (const seed of seedsFor('bytes', 100, 3000)) {
      const next = numbers(seed);
      const some = [
        0x61, 0, 0x7f, 0x1b, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xff, 0xed, 0xa0,
      ];
      const bytes = Uint8Array.from({ length: Math.floor(next() * 40) }, () => oneOf(next, some));
      expect([seed, native.textJunk(bytes)]).toEqual([seed, junkIn(bytes)]);
    }
  });

  it('is the same in pieces of text, with U+FFFD written in it or not', () => {
    const text = Buffer.from('a\ufffdb');
    expect([...piecesOf(text)]).toEqual(['a\ufffdb']);
    expect([...piecesOf(Buffer.concat([text, Buffer.from([0xff]), text]))]).toEqual([
      'a\ufffdb',
      0xff,
      'a\ufffdb',
    ]);
    expect([...piecesOf(Buffer.alloc(0))]).toEqual([]);
  });
});
