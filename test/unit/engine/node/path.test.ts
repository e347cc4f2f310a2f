import { posix } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { posix as path } from '../../../../src/engine/node/path.js';

/** Words of the characters that paths are about, and ordinary names among them. */
const word = fc
  .array(fc.constantFrom('/', '/', '.', '..', 'a', 'bc', '.d', 'e.f', 'ä', ' ', '...'), {
    maxLength: 8,
  })
  .map((pieces) => pieces.join(''));

const one = ['normalize', 'isAbsolute', 'dirname', 'basename', 'extname'] as const;

test.each(one)('%s is what node:path says', (name) => {
  fc.assert(
    fc.property(word, (text) => {
      expect(path[name](text)).toBe(posix[name](text));
    }),
    { numRuns: 20_000 },
  );
});

test.each(['join', 'resolve'] as const)('%s is what node:path says', (name) => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 4 }), (words) => {
      expect(path[name](...words)).toBe(posix[name](...words));
    }),
    { numRuns: 20_000 },
  );
});

test('names without a suffix, and paths from one to another', () => {
  fc.assert(
    fc.property(word, word, fc.constantFrom('.d', '.f', 'e.f', '.'), (a, b, suffix) => {
      expect(path.basename(`a${a}`, suffix)).toBe(posix.basename(`a${a}`, suffix));
      expect(path.relative(a, b)).toBe(posix.relative(a, b));
    }),
    { numRuns: 20_000 },
  );
});
