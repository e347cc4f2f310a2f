/**
 * Any sequence of operations, done inside and then applied, must have the same result as outside. Few sequences run
 * here; WASBOX_SEQUENCES sets their number.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeDirectory } from '../../../src/changes/files/remove.js';
import { applyRun, finishRun, listRuns, openRun, scanRun } from '../../../src/changes/index.js';
import { type Fixture, inOverlay, makeFixture, native, startRun } from './fixture.js';
import { Worker } from './worker.js';

const operations = fileURLToPath(new URL('operations.py', import.meta.url));
const python = ['python3', '-I', '-S', operations];
const sequences = Number(process.env.WASBOX_SEQUENCES ?? 20);
const firstSeed = Number(process.env.WASBOX_SEED ?? 1);

/** An ordinary user cannot look into a directory that an earlier `apply` left with mode 000. */
const extra = process.geteuid?.() === 0 ? ['links', 'shut'] : ['links'];

let worker: Worker;
beforeAll(() => {
  worker = new Worker('-Ur', 'worker.py', operations);
});
afterAll(() => {
  worker.close();
});

/** Works outside, with the rights over its own files that the payload has inside. */
const outside = (directory: string, seed: number, more: readonly string[]): unknown =>
  worker.call('operations', directory, seed, 30, ...more);

/** Reads a tree whatever its modes. */
const look = (directory: string): unknown => worker.call('look', directory);

function clear(directory: string): void {
  removeDirectory(native, directory);
}

function once(fixture: Fixture, seed: number): void {
  const twin = join(fixture.base, 'twin');
  // The tree has no hard links: overlayfs breaks those of the lower layer when it copies up.
  outside(fixture.workdir, seed * 2 + 1_000_000, []);
  // A file that only root can read on the host is refused, so such modes only arise inside.
  worker.call('open', fixture.workdir);
  worker.call('copy', fixture.workdir, twin);
  outside(twin, seed, extra);
  const run = startRun(fixture);
  const before = look(fixture.workdir);
  inOverlay(run, [...python, String(seed), '30', ...extra]);
  const finish = finishRun(fixture.store, run, { succeeded: true }, 'keep');
  expect(look(fixture.workdir), `seed ${seed}: the host before apply`).toEqual(before);
  if (finish.disposition !== 'none') {
    const kept = openRun(fixture.store);
    const changes = scanRun(fixture.store, kept);
    const some = changes.filter((_, index) => (seed >> (index % 8)) & 1).map(({ path }) => path);
    applyRun(fixture.store, kept, { paths: some });
    if (listRuns(fixture.store).length > 0) {
      const rest = applyRun(fixture.store, kept);
      // A link in a circle may lead anywhere: it wants to be named.
      const links = rest.refused.filter(({ reason }) => reason === 'leads-out');
      expect(rest.refused, `seed ${seed}`).toEqual(links);
      if (links.length > 0) {
        applyRun(fixture.store, kept, { paths: links.map(({ change }) => change.path) });
      }
    }
    kept.close();
  }
  expect(look(fixture.workdir), `seed ${seed}`).toEqual(look(twin));
  expect(listRuns(fixture.store)).toEqual([]);
  clear(twin);
  clear(fixture.workdir);
}

test(`${sequences} random sequences`, { timeout: 120_000 + sequences * 20_000 }, () => {
  for (let seed = firstSeed; seed < firstSeed + sequences; seed++) {
    const fixture = makeFixture();
    try {
      once(fixture, seed);
    } finally {
      fixture.dispose();
    }
  }
});
