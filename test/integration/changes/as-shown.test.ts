/** A change that is not as it was shown any more is not applied: `apply -i` asks, and other programs go on meanwhile. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyRun, type Change, finishRun, openRun, scanRun } from '../../../src/changes/index.js';
import { type Fixture, inOverlay, makeFixture, startRun } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
  mkdirSync(join(fixture.workdir, 'tools'));
  writeFileSync(join(fixture.workdir, 'edited'), 'old\n');
  const run = startRun(fixture);
  inOverlay(run, ['sh', '-ec', 'echo run > tools/x; echo run > edited; echo run > other']);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
});
afterEach(() => {
  fixture.dispose();
});

const path = (name: string): string => join(fixture.workdir, name);

/** Applies all by name, as `apply -i` does, after `meanwhile`. */
function applyAfter(meanwhile: () => void, withShown: boolean) {
  const run = openRun(fixture.store);
  try {
    const changes: Change[] = scanRun(fixture.store, run);
    expect(changes.map(({ flags }) => flags)).toEqual([[], [], []]);
    meanwhile();
    return applyRun(fixture.store, run, {
      paths: changes.map(({ path: name }) => name),
      exactly: true,
      ...(withShown ? { shown: changes } : {}),
    });
  } finally {
    run.close();
  }
}

const obey = () => writeFileSync(path('.envrc'), 'source tools/x\n');

test('a file that another program runs since it was shown is not applied, and the others are', () => {
  const { refused } = applyAfter(obey, true);
  expect(refused.map(({ change, message }) => [change.display, message])).toEqual([
    ['tools/x', expect.stringContaining('it is not as it was shown')],
  ]);
  expect(existsSync(path('tools/x'))).toBe(false);
  expect(readFileSync(path('other'), 'utf8')).toBe('run\n');
});

test('control: without what was shown, it is applied by its name', () => {
  expect(applyAfter(obey, false).refused).toEqual([]);
  expect(readFileSync(path('tools/x'), 'utf8')).toBe('run\n');
});

test('a file that the user edits after it was shown keeps the edit', () => {
  const { refused } = applyAfter(() => writeFileSync(path('edited'), 'mine\n'), true);
  expect(refused.map(({ change }) => change.display)).toEqual(['edited']);
  expect(readFileSync(path('edited'), 'utf8')).toBe('mine\n');
});

test('control: what is as it was shown is applied', () => {
  expect(applyAfter(() => {}, true).refused).toEqual([]);
  expect(readFileSync(path('edited'), 'utf8')).toBe('run\n');
});
