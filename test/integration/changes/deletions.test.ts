/** Deletions that `apply` does not do unasked: many at once, or half of a directory. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyRun, type Deletions, finishRun, openRun } from '../../../src/changes/index.js';
import { previewApply } from '../../../src/changes/show/preview.js';
import { type Fixture, inOverlay, makeFixture, startRun } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  fixture.dispose();
});

/** A run that deletes `deleted` of `files` files and adds one. */
function saveRun(files: number, deleted: number): void {
  for (let n = 0; n < files; n++) writeFileSync(join(fixture.workdir, `f${n}`), '');
  const run = startRun(fixture);
  const code = `for n in $(seq 0 ${deleted - 1}); do rm f$n; done; echo a > added`;
  inOverlay(run, ['sh', '-ec', code]);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
}

function apply(options: Parameters<typeof applyRun>[2] = {}) {
  const run = openRun(fixture.store);
  try {
    return applyRun(fixture.store, run, options);
  } finally {
    run.close();
  }
}

const left = (): number => readdirSync(fixture.workdir).filter((name) => /^f\d/.test(name)).length;

test.each([
  ['100 of 300 files', 300, 100, true],
  ['10 of 10 files', 10, 10, true],
  ['40 of 100 files', 100, 40, true],
  ['101 of 1,000 files', 1000, 101, false],
  ['11 of 22 files', 22, 11, false],
  ['60 of 100 files', 100, 60, false],
])('apply deletes %s unasked only if they are few', (_what, files, deleted, unasked) => {
  saveRun(files, deleted);
  const preview = openRun(fixture.store);
  const expected = previewApply(fixture.store, preview);
  preview.close();
  const report = apply();
  expect(left()).toBe(unasked ? files - deleted : files);
  expect(existsSync(join(fixture.workdir, 'added'))).toBe(true);
  expect(report.refused.map(({ reason }) => reason)).toEqual(
    unasked ? [] : Array.from({ length: deleted }, () => 'many-deletions'),
  );
  expect(expected.refused.map(({ reason }) => reason)).toEqual(
    report.refused.map(({ reason }) => reason),
  );
  if (unasked) return;
  expect(apply({ delete: true }).refused).toEqual([]);
  expect(left()).toBe(files - deleted);
});

test('apply tells how many paths of how many it would delete, and obeys the answer', () => {
  saveRun(150, 120);
  const asked: Deletions[] = [];
  const answer = (yes: boolean) => (large: Deletions) => {
    asked.push(large);
    return yes;
  };
  expect(apply({ delete: answer(false) }).refused).toHaveLength(120);
  expect([left(), asked]).toEqual([150, [{ root: fixture.workdir, paths: 120, of: 150 }]]);
  expect(apply({ delete: answer(true) }).refused).toEqual([]);
  expect(left()).toBe(30);
});

test('apply counts what is in a deleted directory', () => {
  mkdirSync(join(fixture.workdir, 'modules'));
  for (let n = 0; n < 200; n++) writeFileSync(join(fixture.workdir, `modules/f${n}`), '');
  const run = startRun(fixture);
  inOverlay(run, ['rm', '-r', 'modules']);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  expect(apply({ paths: ['modules'] }).refused[0]?.message).toContain(
    'deleted 201 of the 201 paths',
  );
  expect(apply({ delete: true }).applied).toHaveLength(201);
});
