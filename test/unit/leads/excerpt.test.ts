import { expect, test } from 'vitest';
import { excerptOf, hasWord } from '../../../src/leads/excerpt.js';

const filler = 'x=1\n'.repeat(50_000);

test('an excerpt keeps a short text whole', () => {
  expect(excerptOf('import a\nx = 1\n')).toBe('import a\nx = 1\n');
});

test.each(['import numpy', "require('left-pad')", 'cat ~/notes', 'curl https://a.example/'])(
  'an excerpt of a long text keeps the line %s, and is bounded',
  (line) => {
    const excerpt = excerptOf(`${filler}${line}\n${filler}`);
    expect(excerpt.split('\n')).toContain(line);
    expect(excerpt.length).toBeLessThan(9000);
  },
);

test('an excerpt of one long line has what is around a word of it, and of many hits some', () => {
  const minified = 'a=b;'.repeat(100_000);
  expect(excerptOf(`${minified}import("chalk");${minified}`)).toContain('import("chalk")');
  expect(excerptOf('import("chalk");'.repeat(50_000)).length).toBeLessThan(9000);
});

test('a name counts as a word only where no other characters of a word are around it', () => {
  expect(hasWord('a MY_TOKENS b', 'MY_TOKEN')).toBe(false);
  expect(hasWord('a MY_TOKENS $MY_TOKEN', 'MY_TOKEN')).toBe(true);
});
