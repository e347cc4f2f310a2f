/** The commands of a shell's text: those of any text are found in time. */
import { expect, test } from 'vitest';
import { commandWords } from '../../../src/leads/programs.js';

test('commands are found in pipes, in what is replaced, and behind words that lead them', () => {
  const text = 'A=1 one | two && nohup -n three "$(four $(five))"\nfor x in a; do six; done\n';
  expect(commandWords(text).sort()).toEqual(['done', 'five', 'four', 'one', 'six', 'three', 'two']);
});

/** Pieces that could be read in two ways, or that begin what never ends. */
const pieces = [
  '$(a)',
  '"$(a)',
  '$(',
  '"$(',
  '<<a\n',
  '[[',
  '((',
  '$((',
  'a=(',
  'a',
  '`',
  '"`',
  "'",
];

test.each(['', '"', "'", '$('].flatMap((first) => pieces.map((piece) => first + piece)))(
  'a text of %j many times ends',
  (piece) => {
    expect(commandWords(piece.repeat(100_000)).length).toBeLessThan(10_000);
  },
);

test('inner commands end, however deep they are', () => {
  expect(commandWords('$('.repeat(50_000) + ')'.repeat(50_000)).length).toBeLessThan(10);
});
