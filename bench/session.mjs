// Measures what a session costs, each beside what it is compared with, in turns: a program in a session and a plain
// spawn; the start and end of a session and of a run; the memory of idle sessions.
// `node --expose-gc bench/session.mjs [rounds]`
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createSession, run } from '../dist/index.js';

const rounds = Number(process.argv[2] ?? 200);
const idle = 200;

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

async function timed(into, action) {
  const begun = performance.now();
  await action();
  into.push(performance.now() - begun);
}

const plain = () =>
  new Promise((resolve) => {
    const child = spawn('/usr/bin/true');
    child.stdin.end();
    child.stdout.resume();
    child.stderr.resume();
    child.once('close', resolve);
  });

const session = await createSession({ changes: 'discard' });
const seen = { spawn: [], exec: [], write: [], python: [], preloaded: [], session: [], run: [] };
for (let i = -20; i < rounds; i++) {
  const into = i < 0 ? { spawn: [], exec: [], write: [] } : seen;
  await timed(into.spawn, plain);
  await timed(into.exec, () => session.exec(['/usr/bin/true']));
  await timed(into.write, () => session.files.write('file', 'x'));
}
const preload = 'import decimal, http.client, json';
const warm = await createSession({ changes: 'discard', lang: 'python', preload });
const code = `${preload}; print(json.dumps(1))`;
const pause = () => new Promise((resolve) => setTimeout(resolve, 400));
for (let i = -2; i < rounds / 4; i++) {
  const into = i < 0 ? { python: [], preloaded: [] } : seen;
  await pause(); // the next process is ready by then
  await timed(into.python, () => session.exec({ lang: 'python', code }));
  await timed(into.preloaded, () => warm.exec({ lang: 'python', code }));
}
await warm.close();
for (let i = -5; i < rounds / 4; i++) {
  const into = i < 0 ? { session: [], run: [] } : seen;
  await timed(into.session, async () => {
    const one = await createSession({ changes: 'discard' });
    await one.exec(['/usr/bin/true']);
    await one.close();
  });
  await timed(into.run, () => run('/usr/bin/true', { changes: 'discard' }));
}
await session.close();

/** Proportional set size of a process, in KiB. */
const pss = (pid) =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
/**
 * Memory of this process once it is idle. V8 returns the memory that it needed to make sessions only after some twenty
 * seconds without work.
 */
async function own() {
  await new Promise((resolve) => setTimeout(resolve, 22_000));
  globalThis.gc?.();
  return pss('self');
}
const before = await own();
const sessions = await Promise.all(
  Array.from({ length: idle }, () => createSession({ changes: 'discard' })),
);
let inits = 'unknown: only root reads it';
try {
  inits = (sessions.reduce((sum, { pid }) => sum + pss(pid), 0) / idle).toFixed(0);
} catch {}
const owner = (((await own()) - before) / idle).toFixed(0);
await Promise.all(sessions.map((one) => one.close()));

const row = (name, values) => console.log(`${name.padEnd(44)} ${median(values).toFixed(2)} ms`);
row('child_process.spawn, /usr/bin/true', seen.spawn);
row('session.exec, /usr/bin/true', seen.exec);
row('session.files.write', seen.write);
row('session.exec, Python with three imports', seen.python);
row('the same, preloaded', seen.preloaded);
row('run, /usr/bin/true', seen.run);
row('createSession, one exec, close', seen.session);
console.log(`idle session: init ${inits} KiB PSS, its owner ${owner} KiB`);
