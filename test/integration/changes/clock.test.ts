/** Runs on a machine whose clock is wrong or was set: their order, their age, and the directory that they used. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  applyRun,
  continueRun,
  createRun,
  endedRuns,
  expireRuns,
  finishRun,
  listRuns,
  openRun,
} from '../../../src/changes/index.js';
import { isClockPlausible } from '../../../src/changes/store/clock.js';
import { type Fixture, inOverlay, makeFixture } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  fixture.dispose();
});

const day = 86_400_000;
const now = Date.now();

/** A run that was started and saved while the clock said that. */
function saveAt(ms: number, name: string): string {
  const trees = [{ path: fixture.workdir }];
  const request = { command: name, argv: [name], trees, now: new Date(ms) };
  const run = createRun(fixture.store, request);
  inOverlay(run, ['sh', '-c', `echo ${name} > ${name}`]);
  finishRun(fixture.store, run, { succeeded: true, now: new Date(ms) }, 'keep');
  return run.record.id;
}

test.each([
  ['right', 0],
  ['set back by an hour', 3_600_000],
])(
  'apply leaves what the user changed while the run went on, its clock %s meanwhile',
  (_, ahead) => {
    const file = join(fixture.workdir, 'f');
    for (const ends of [true, false]) {
      writeFileSync(file, 'before\n');
      const trees = [{ path: fixture.workdir }];
      const at = new Date(Date.now() + ahead);
      const run = createRun(fixture.store, { command: 'f', argv: ['f'], trees, now: at });
      inOverlay(run, ['sh', '-c', 'echo program > f']);
      writeFileSync(file, 'user\n');
      if (ends) {
        const { apply } = finishRun(fixture.store, run, { succeeded: true }, 'apply');
        expect(apply?.refused.map(({ reason }) => reason)).toEqual(['host-changed']);
      } else {
        run.close(); // as of a process that is killed
        const interrupted = openRun(fixture.store);
        const { refused } = applyRun(fixture.store, interrupted, {});
        interrupted.close();
        expect(refused.map(({ reason }) => reason)).toEqual(['host-changed']);
      }
      expect(readFileSync(file, 'utf8')).toBe('user\n');
    }
  },
);

test('the latest run is the one that was started last, whatever the clock said', () => {
  const ids = [now, now - 60_000, now - 400 * day, now + 400 * day, now - 1000].map((ms, n) =>
    saveAt(ms, `f${n}`),
  );
  expect(listRuns(fixture.store).map(({ id }) => id)).toEqual([...ids].reverse());
  expect([...endedRuns(fixture.store)].map(({ id }) => id)).toEqual([...ids].reverse());
  const run = openRun(fixture.store);
  expect(run.record.id).toBe(ids.at(-1));
  run.close();
});

test('a run that is continued becomes the latest, whatever the clock said', () => {
  const [first = '', second = ''] = [now, now - 60_000].map((ms, n) => saveAt(ms, `f${n}`));
  const request = { command: 'x', argv: ['x'], trees: [{ path: fixture.workdir }] };
  const run = continueRun(fixture.store, first, { ...request, now: new Date(now - day) });
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  expect([...endedRuns(fixture.store)].map(({ id }) => id)).toEqual([first, second]);
});

test('a run at a clock before its directory was made is saved, shown and applied', () => {
  saveAt(now - 3600_000, 'made');
  const run = openRun(fixture.store);
  expect(applyRun(fixture.store, run).refused).toEqual([]);
  run.close();
  expect(readFileSync(join(fixture.workdir, 'made'), 'utf8')).toBe('made\n');
});

test('another directory in its place is not taken for the one that a run used', () => {
  const id = saveAt(now + 3600_000, 'made');
  const saved = join(fixture.store.directory, 'saved', id, 'run.json');
  renameSync(fixture.workdir, `${fixture.workdir}-old`);
  mkdirSync(fixture.workdir);
  // The new directory's inode has the number of the old one, as file systems give it again.
  const ino = execFileSync('stat', ['-c', '%i', fixture.workdir], { encoding: 'utf8' }).trim();
  const record = JSON.parse(readFileSync(saved, 'utf8'));
  writeFileSync(saved, JSON.stringify({ ...record, workdir: { ...record.workdir, ino } }));
  const run = openRun(fixture.store, id);
  expect(() => applyRun(fixture.store, run)).toThrow('is not the one that the run used');
  run.close();
});

test('a run at a clock far ahead discards no other by its age, nor does the next', () => {
  for (let n = 0; n < 3; n++) saveAt(now, `f${n}`);
  const expire = (ms: number) => {
    const kept = listRuns(fixture.store)[0];
    return kept === undefined ? [] : expireRuns(fixture.store, kept, { now: new Date(ms) });
  };
  expect(expire(now)).toEqual([]);
  for (const ms of [now + 400 * day, now + 400 * day + 1000, now]) expect(expire(ms)).toEqual([]);
  expect(listRuns(fixture.store)).toHaveLength(3);
});

test('old runs are discarded by their age where the clock was never set', () => {
  for (let n = 0; n < 3; n++) saveAt(now - 40 * day, `f${n}`);
  const [kept] = listRuns(fixture.store);
  if (kept === undefined) throw new Error('nothing is saved');
  expect(expireRuns(fixture.store, kept, { now: new Date(now) })).toHaveLength(2);
});

test('the clock is in doubt for a day of running after it was set', () => {
  const { store } = fixture;
  saveAt(now, 'f');
  const at = (ms: number, sinceMs: number, id = 'a') =>
    isClockPlausible(store, ms, undefined, { sinceMs, id });
  expect(at(now, 1000)).toBe(true);
  expect(at(now + 2 * day, 1000 + 2 * day)).toBe(true);
  expect(at(now + 400 * day, 2000 + 2 * day)).toBe(false);
  expect(at(now + 400 * day + day / 2, 2000 + 2.5 * day)).toBe(false);
  expect(at(now + 401 * day, 3000 + 3 * day)).toBe(true);
  // Another boot changes nothing; and a machine that was off for a month is believed.
  expect(at(now + 431 * day, 1000, 'b')).toBe(true);
  expect(at(now + 900 * day, 1000, 'c')).toBe(false);
  expect(at(now, 2000, 'd')).toBe(false);
  rmSync(join(store.directory, 'clock-seen'));
  expect(at(now, 3000, 'd')).toBe(true);
});
