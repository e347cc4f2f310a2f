/** `apply` is killed at random moments: each file is whole, nothing is lost, the next call heals. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyRun, finishRun, listRuns, openRun } from '../../../src/changes/index.js';
import { loadNative } from '../../../src/launch/locate.js';
import { type Fixture, inOverlay, makeFixture, snapshot, startRun } from './fixture.js';

const moments = Number(process.env.WASBOX_KILLS ?? 20);
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

/** Applies in another process and kills it `delayMs` after it began. Tells whether it was killed. */
function killedApply(child: string, delayMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const process = spawn('node', [child, addonPath(), fixture.store.directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    process.stdout.once('data', () => setTimeout(() => process.kill('SIGKILL'), delayMs));
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
    if (await killedApply(child, Math.random() * 60)) killed++;
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
