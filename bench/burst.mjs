// Many runs asked for at once, beside as many plain processes: how long the event loop stands still,
// how many descriptors and how much memory they take, and how long all of them do; and how often a run calls a
// synchronous function of node:fs. With --execa, the path of that package's index.js, beside execa, too.
//   node bench/burst.mjs [--runs 200,2000] [--rounds 3] [--dist DIR] [--execa FILE]
import { spawn } from 'node:child_process';
import fs, { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './measure.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200,2000' },
    rounds: { type: 'string', default: '3' },
    execa: { type: 'string' },
    dist: { type: 'string', default: fileURLToPath(new URL('../dist', import.meta.url)) },
  },
});
const { run } = await import(pathToFileURL(join(values.dist, 'index.js')).href);
const place = mkdtempSync(join(homedir(), 'wasbox-burst-'));
process.env.XDG_STATE_HOME = join(place, 'state');
const workdir = mkdtempSync(join(place, 'work-'));

const sandboxed = async () => {
  const { exitCode } = await run({ command: '/usr/bin/true', workdir, changes: 'discard' });
  if (exitCode !== 0) throw new Error(`run() ended with ${exitCode}`);
};
const plain = () =>
  new Promise((resolve, reject) => {
    spawn('/usr/bin/true', [], { cwd: workdir })
      .once('error', reject)
      .once('close', (status) => (status === 0 ? resolve() : reject(new Error(`${status}`))));
  });

const contestants = { 'run()': sandboxed, 'child_process.spawn': plain };
if (values.execa !== undefined) {
  const { execa } = await import(pathToFileURL(values.execa).href);
  contestants.execa = () => execa('/usr/bin/true', { cwd: workdir });
}

/** Calls of synchronous functions of node:fs during `use`, all of which the event loop waits for. */
async function synchronousCalls(use) {
  const before = {};
  let calls = 0;
  for (const name of Object.keys(fs).filter((one) => one.endsWith('Sync') && fs[one])) {
    const real = fs[name];
    before[name] = real;
    const counted = (...given) => {
      calls++;
      return real(...given);
    };
    fs[name] = Object.assign(counted, real);
  }
  syncBuiltinESMExports();
  await use();
  Object.assign(fs, before);
  syncBuiltinESMExports();
  return calls;
}

/** One burst, watched by a timer that should come each millisecond. */
async function burst(once, count) {
  globalThis.gc?.();
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = { descriptors: descriptors(), memory: process.memoryUsage().rss };
  const most = { gapMs: 0, descriptors: 0, memory: 0 };
  let last = performance.now();
  let looked = last;
  const timer = setInterval(() => {
    const now = performance.now();
    most.gapMs = Math.max(most.gapMs, now - last);
    if (now - looked > 20) {
      most.descriptors = Math.max(most.descriptors, descriptors() - before.descriptors);
      most.memory = Math.max(most.memory, process.memoryUsage().rss - before.memory);
      looked = now;
    }
    last = performance.now();
  }, 1);
  const start = performance.now();
  const ended = await Promise.allSettled(Array.from({ length: count }, once));
  const totalMs = performance.now() - start;
  most.gapMs = Math.max(most.gapMs, performance.now() - last);
  clearInterval(timer);
  const failed = ended.filter(({ status }) => status === 'rejected');
  if (failed.length > 0) console.log(`${failed.length} failed: ${failed[0].reason}`);
  await new Promise((resolve) => setTimeout(resolve, 500));
  return { ...most, totalMs, left: descriptors() - before.descriptors };
}

for (let i = 0; i < 20; i++) await sandboxed();
const counted = 40;
const calls = await synchronousCalls(() => Promise.all(Array.from({ length: counted }, sandboxed)));
console.log(`run(): ${Math.round(calls / counted)} synchronous calls of node:fs a run`);
for (const count of values.runs.split(',').map(Number)) {
  const rows = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, once] of Object.entries(contestants))
      rows[name].push(await burst(once, count));
  }
  for (const [name, all] of Object.entries(rows)) {
    const of = (key) => median(all.map((one) => one[key]));
    console.log(
      `${count} at once, ${name}: longest gap ${of('gapMs').toFixed(0)} ms, ` +
        `${of('descriptors')} descriptors, ${(of('memory') / 2 ** 20).toFixed(0)} MB more, ` +
        `${of('totalMs').toFixed(0)} ms in all; ${of('left')} descriptors left`,
    );
  }
}
rmSync(place, { recursive: true, force: true });
