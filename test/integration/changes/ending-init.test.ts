/**
 * A run whose wasbox was killed, while its init still ends the program: it stays where it is, and is recovered when init is
 * gone, even if that is between two looks of one command.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRun, listRuns, openRun, openStore } from '../../../src/changes/index.js';
import { type Fixture, inOverlay, makeFixture, native } from './fixture.js';

let fixture: Fixture;
let init: ChildProcess;
beforeEach(async () => {
  fixture = makeFixture();
  // The process is known by its number and its name.
  const file = join(fixture.base, 'wasbox-init');
  copyFileSync('/bin/sleep', file);
  init = spawn(file, ['300'], { stdio: 'ignore' });
  await new Promise((resolve) => init.once('spawn', resolve));
});
afterEach(() => {
  init.kill('SIGKILL');
  fixture.dispose();
});

const state = (): string =>
  /\) (.)/.exec(readFileSync(`/proc/${init.pid}/stat`, 'latin1'))?.[1] ?? '';

/** Ends it at once: it stays a zombie, as nothing waits for it while a test calls without a pause. */
function endInit(): void {
  init.kill('SIGKILL');
  while (state() !== 'Z');
}

/** A run that changed a file, without its wasbox. */
function killedRun(discard: boolean): string {
  const trees = [{ path: fixture.workdir }];
  const run = createRun(fixture.store, { command: 'test', argv: ['test'], trees, discard });
  inOverlay(run, ['sh', '-ec', 'echo x > x']);
  writeFileSync(join(run.directory, 'lock'), `${String(init.pid).padStart(10, '0')}\n`);
  run.close();
  return run.record.id;
}

const idsIn = (place: string): string[] => {
  const path = join(fixture.store.directory, place);
  return readdirSync(fixture.store.directory).includes(place) ? readdirSync(path) : [];
};

const statuses = (store = fixture.store): string[] => listRuns(store).map(({ status }) => status);

test.each([
  { discard: true, after: [] },
  { discard: false, after: ['interrupted'] },
])('a run is recovered when its init has ended, not before: %o', ({ discard, after }) => {
  const id = killedRun(discard);
  expect(statuses()).toEqual(['running']);
  expect(() => openRun(fixture.store, id)).toThrow(
    expect.objectContaining({ code: 'ERR_RUN_BUSY' }),
  );
  expect([idsIn('runs'), idsIn('saved')]).toEqual([[id], []]);
  endInit();
  expect(statuses()).toEqual(after);
  expect([idsIn('runs'), idsIn('saved')]).toEqual([[], discard ? [] : [id]]);
});

test.each([true, false])(
  'an init that ends while runs are listed is seen once (discard: %s)',
  (discard) => {
    const id = killedRun(discard);
    let looks = 0;
    const raced = {
      ...native,
      openat2(...args: Parameters<typeof native.openat2>) {
        if (Buffer.from(args[1]).toString() === 'lock' && ++looks === 2) endInit();
        return native.openat2(...args);
      },
    };
    const store = openStore(raced, { directory: fixture.store.directory });
    expect(statuses(store)).toEqual(['running']);
    expect(looks).toBeGreaterThan(0);
    expect([idsIn('runs'), idsIn('saved')]).toEqual([[id], []]);
    endInit();
    expect(statuses()).toEqual(discard ? [] : ['interrupted']);
  },
);
