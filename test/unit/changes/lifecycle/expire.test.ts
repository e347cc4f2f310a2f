import { expect, test } from 'vitest';
import { chooseExpired, expiredText, type RunRecord } from '../../../../src/changes/index.js';

const now = new Date('2026-11-25T12:00:00Z');
const GiB = 1024 ** 3;
let count = 0;

function record(daysAgo: number, workdir = '/p', more: Partial<RunRecord> = {}): RunRecord {
  return {
    schemaVersion: 1,
    id: `0000000${String(count++).padStart(2, '0')}`,
    command: 'x',
    argv: ['x'],
    workdir: { path: workdir, dev: '1', ino: '2' },
    started: new Date(now.getTime() - daysAgo * 86_400_000).toISOString(),
    baselineNs: '0',
    status: 'kept',
    sizeBytes: 0,
    diskBytes: 1000,
    counts: { added: 1, modified: 0, deleted: 0 },
    ...more,
  };
}

const chosen = (records: RunRecord[], limits = {}): string[] =>
  chooseExpired(records, records[0]?.id ?? '', { now, ...limits }).map(
    ({ record: { id }, why }) => `${records.findIndex((one) => one.id === id)} ${why}`,
  );

test('a run older than 30 days goes, oldest first, and only that', () => {
  expect(chosen([record(0), record(29), record(31), record(400)])).toEqual(['3 age', '2 age']);
});

test('the latest of a directory stays, however old and large', () => {
  const records = [record(0), record(100, '/q', { diskBytes: 90 * GiB }), record(200, '/q')];
  expect(chosen(records)).toEqual(['2 age']);
});

test('beyond 10 GiB the oldest go until the rest fits', () => {
  const big = { diskBytes: 4 * GiB };
  const records = [record(0), record(1, '/p', big), record(2, '/p', big), record(3, '/p', big)];
  expect(chosen(records)).toEqual(['3 size']);
});

test('the run that ended just now does not drive others out, and what runs stays', () => {
  const records = [
    record(0, '/p', { diskBytes: 90 * GiB }),
    record(1, '/p', { diskBytes: 9 * GiB }),
    record(50, '/p', { status: 'running' }),
  ];
  expect(chosen(records)).toEqual([]);
});

test('holes count for nothing, and old entries by their size', () => {
  const sparse = { sizeBytes: 1000 * GiB, diskBytes: 4096 };
  expect(chosen([record(0), record(1, '/p', sparse), record(2)])).toEqual([]);
  const old = { sizeBytes: 11 * GiB, diskBytes: undefined };
  expect(chosen([record(0), record(1), record(2, '/p', old)])).toEqual(['2 size']);
});

test('the message names each run and why', () => {
  expect(expiredText([])).toBeUndefined();
  const text = expiredText([{ record: record(40, '/some/where'), why: 'age' }]);
  expect(text).toContain('/some/where');
  expect(text).toContain('older than 30 days');
});
