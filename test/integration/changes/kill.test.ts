/** `apply` is killed at random moments: each file is whole, nothing is lost, the next call heals. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type ApplyOptions,
  applyRun,
  finishRun,
  listRuns,
  openRun,
} from '../../../src/changes/index.js';
import { loadNative } from '../../../src/native/locate.js';
import { pass } from '../../support/packages.mjs';
import { type Fixture, inOverlay, makeFixture, snapshot, startRun } from './fixture.js';

const moments = Number(process.env.WASBOX_KILLS ?? (pass === undefined ? 6 : 4));
/** The number of moments for each way to settle what both changed. */
const fewer = Math.ceil(moments / 2);
const files = 60;

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  fixture.dispose();
});

/** The addon's file, beside the executable that the loader found. */
const addonPath = (): string => join(dirname(loadNative().init), 'wasbox.node');

function buildChild(directory: string): string {
  const outfile = join(directory, 'child.mjs');
  buildSync({
    entryPoints: [join(import.meta.dirname, 'apply-child.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    banner: {
      js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);",
    },
    logLevel: 'silent',
  });
  return outfile;
}

/**
 * When the process is killed: at a random time, or before one of the calls that put a file in place. A machine that is
 * busy reaches few of the times, so every second one is a call.
 */
function momentOf(round: number, withinMs: number): { afterMs?: number; atCall?: number } {
  return round % 2 === 0
    ? { afterMs: Math.random() * withinMs }
    : { atCall: 1 + ((round * 7) % files) };
}

/** Applies in another process and kills it at that moment. Tells whether it was killed. */
function killedApply(
  child: string,
  { afterMs, atCall = 0 }: ReturnType<typeof momentOf>,
  options: ApplyOptions = {},
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const words = [addonPath(), fixture.store.directory, JSON.stringify(options), String(atCall)];
    const process = spawn('node', [child, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (afterMs !== undefined) {
      process.stdout.once('data', () => setTimeout(() => process.kill('SIGKILL'), afterMs));
    }
    process.on('error', reject);
    process.on('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve(true);
      else if (code === 0) resolve(false);
      else reject(new Error(`apply ended with ${code}`));
    });
  });
}

const oldText = (n: number): string => `old ${n}\n`.repeat(2000);
const newText = (n: number): string => `new ${n}\n`.repeat(2000);

function prepare(): void {
  mkdirSync(join(fixture.workdir, 'd'));
  for (let n = 0; n < files; n++) writeFileSync(join(fixture.workdir, 'd', `f${n}`), oldText(n));
  const run = startRun(fixture);
  const script = `
import os
for n in range(${files}):
    p = "d/f%d" % n
    if n % 3 == 0: os.unlink(p)
    else: open(p, "w").write("new %d\\n" % n * 2000)
    os.makedirs("made/%d" % n)
    open("made/%d/x" % n, "w").write("new %d\\n" % n * 2000)
    os.link("made/%d/x" % n, "made/%d/y" % n)
`;
  inOverlay(run, ['python3', '-c', script]);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
}

/** Every file is the old one or the new one, whole. */
function checkWhole(): void {
  for (const [path, line] of Object.entries(snapshot(fixture.workdir, false))) {
    const match = /\/(?:f|made\/)(\d+)(?:\/[xy])?$/.exec(path);
    if (match === null || !line.startsWith('100')) continue;
    const n = Number(match[1]);
    const content = line.slice(line.indexOf(' ', line.indexOf(' ') + 1) + 1);
    expect([oldText(n), newText(n)], path).toContain(content);
  }
}

test(`${moments} kills`, { timeout: 120_000 + moments * 20_000 }, async () => {
  const tools = makeFixture();
  const child = buildChild(tools.base);
  let killed = 0;
  for (let i = 0; i < moments; i++) {
    prepare();
    if (await killedApply(child, momentOf(i, 60))) killed++;
    checkWhole();
    if (listRuns(fixture.store).length > 0) {
      // Listing healed it: no temporary file is left.
      const names = Object.keys(snapshot(fixture.workdir));
      expect(names.filter((name) => name.includes('.wasbox-'))).toEqual([]);
      const run = openRun(fixture.store);
      const report = applyRun(fixture.store, run);
      run.close();
      expect(
        report.refused.map(({ change, reason }) => `${change.kind} ${change.display} ${reason}`),
      ).toEqual([]);
    }
    expect(listRuns(fixture.store)).toEqual([]);
    const end = snapshot(fixture.workdir, false);
    expect(Object.keys(end).filter((name) => name.startsWith('/d/'))).toHaveLength(
      files - Math.ceil(files / 3),
    );
    for (let n = 0; n < files; n++) {
      for (const name of ['x', 'y']) {
        const path = join(fixture.workdir, `made/${n}/${name}`);
        expect(readFileSync(path, 'utf8')).toBe(newText(n));
      }
    }
    fixture.dispose();
    fixture = makeFixture();
  }
  tools.dispose();
  // Control: some of the processes were in the middle of it.
  expect(killed).toBeGreaterThan(0);
});

/** Files that the user and a run both changed: other lines, and every second one the same line, too. */
function prepareBoth(): void {
  const lines = (first: string, last: string) => `${first}\n${'line\n'.repeat(500)}${last}\n`;
  for (let n = 0; n < files; n++) writeFileSync(join(fixture.workdir, `f${n}`), lines('a', 'z'));
  const run = startRun(fixture);
  const script = `for n in $(seq 0 ${files - 1}); do sed -i 's/^z$/run/' f$n; done`;
  inOverlay(run, ['sh', '-ec', script]);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  for (let n = 0; n < files; n++) {
    writeFileSync(join(fixture.workdir, `f${n}`), lines('user', n % 2 === 0 ? 'user' : 'z'));
  }
}

const paths = Array.from({ length: files }, (_, n) => `f${n}`);

test.each<[string, ApplyOptions]>([
  ['--merge', { conflicts: 'merge' }],
  ['--conflict-markers', { conflicts: 'markers' }],
  ['--theirs', { conflicts: 'theirs' }],
  ['--ours', { conflicts: 'ours' }],
  ['--resolved', { done: true, paths }],
])(`${fewer} kills of %s`, { timeout: 120_000 + fewer * 20_000 }, async (_name, options) => {
  const tools = makeFixture();
  const child = buildChild(tools.base);
  /** The files, and the paths that are still in the run. */
  const end = (): unknown => {
    const run = listRuns(fixture.store).length > 0 ? openRun(fixture.store) : undefined;
    const report = run && applyRun(fixture.store, run, options);
    run?.close();
    return [
      snapshot(fixture.workdir, false),
      listRuns(fixture.store).map(({ counts }) => counts.modified),
      report?.unmatched.length,
    ];
  };
  prepareBoth();
  const [whole, left] = end() as unknown[];
  let between = 0;
  for (let i = 0; i < fewer; i++) {
    fixture.dispose();
    fixture = makeFixture();
    prepareBoth();
    const before = snapshot(fixture.workdir, false);
    const killed = await killedApply(child, momentOf(i, 120), options);
    const counts = listRuns(fixture.store).map(({ counts }) => counts.modified);
    const names = Object.keys(snapshot(fixture.workdir));
    expect(names.filter((name) => name.includes('.wasbox-'))).toEqual([]);
    const now = snapshot(fixture.workdir, false);
    const settled = paths.filter((path) => now[`/${path}`] !== before[`/${path}`]).length;
    if (killed && settled > 0 && settled < files && counts.length > 0) between++;
    expect((end() as unknown[]).slice(0, 2)).toEqual([whole, left]);
  }
  tools.dispose();
  // Control: where files are written, some of the processes were in the middle of it.
  if (!options.done && options.conflicts !== 'ours') expect(between).toBeGreaterThan(0);
});
