import { expect, test } from 'vitest';
import { parseRecord } from '../../../../src/changes/store/record.js';

const good = {
  schemaVersion: 1,
  id: '0dgesgx5p',
  command: 'x',
  argv: ['x'],
  workdir: { path: '/w', dev: '1', ino: '2' },
  started: '2026-11-24T00:00:00.000Z',
  baselineNs: '1',
  status: 'kept',
  sizeBytes: 0,
  counts: { added: 0, modified: 0, deleted: 0 },
};

test('a good entry is taken as it is', () => {
  expect(parseRecord(JSON.stringify(good))).toEqual(good);
});

test.each(['reset-1', true])('a rollback that was cut off is recorded as %s', (reset) => {
  expect(parseRecord(JSON.stringify({ ...good, reset }))).toEqual({ ...good, reset });
});

test.each<[string, unknown]>([
  ['another version', { ...good, schemaVersion: 2 }],
  ['an id that is a path', { ...good, id: '../../etc' }],
  ['a relative working directory', { ...good, workdir: { ...good.workdir, path: 'w' } }],
  ['an inode that is not a number', { ...good, workdir: { ...good.workdir, ino: 'x' } }],
  ['an unknown status', { ...good, status: 'odd' }],
  ['counts that are missing', { ...good, counts: {} }],
  ['arguments that are not text', { ...good, argv: [1] }],
  ['a rollback without a name', { ...good, reset: 'else' }],
  ['no object', [good]],
  ['null', null],
])('%s is refused', (_what, value) => {
  expect(parseRecord(JSON.stringify(value))).toBeUndefined();
});

test('half an entry is refused', () => {
  expect(parseRecord(JSON.stringify(good).slice(0, 40))).toBeUndefined();
});
