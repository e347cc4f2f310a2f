import { expect, test } from 'vitest';
import { isRunId, isRunIdPrefix, newRunId } from '../../../../src/changes/store/id.js';

test('ids sort by time', () => {
  const start = Date.UTC(2026, 10, 24);
  const ids = [0, 100, 1000, 60_000, 86_400_000, 31_536_000_000 * 30].map((ms) =>
    newRunId(new Date(start + ms)),
  );
  expect([...ids].sort()).toEqual(ids);
  for (const id of ids) expect(isRunId(id)).toBe(true);
});

test.each(['', '..', 'abc', '../../../x', 'ABCDEFGHJ', 'abcdefgi1', '0123456789', 'abcdefgh\n'])(
  '%j is no id',
  (text) => {
    expect(isRunId(text)).toBe(false);
  },
);

test('a prefix has at least three characters of the alphabet', () => {
  expect(isRunIdPrefix('0dg')).toBe(true);
  expect(isRunIdPrefix('0d')).toBe(false);
  expect(isRunIdPrefix('0d/')).toBe(false);
});
