import { expect, test } from 'vitest';
import { isRunId, isRunIdPrefix } from '../../../../src/changes/store/id.js';

test.each(['', '..', 'abc', '../../../x', 'ABCDEFGHJ', 'abcdefgi1', '0123456789', 'abcdefgh\n'])(
  '%j is not an id',
  (text) => {
    expect(isRunId(text)).toBe(false);
  },
);

test('a prefix has at least three characters of the alphabet', () => {
  expect(isRunIdPrefix('0dg')).toBe(true);
  expect(isRunIdPrefix('0d')).toBe(false);
  expect(isRunIdPrefix('0d/')).toBe(false);
});
