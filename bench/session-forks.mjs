// Measures what states of a session's files cost: snapshot, fork and rollback of a session with 1 GB in its layer, a
// thousand forks, and the program that follows, beside one that follows nothing. Wall time and the processor time of
// this process, which a busy machine stretches less. `node bench/session-forks.mjs [rounds] [MB]`
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSession } from '../dist/index.js';

const rounds = Number(process.argv[2] ?? 40);
const megabytes = Number(process.argv[3] ?? 1024);
const forks = 1000;

const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor(values.length * q)];
const seen = new Map();

async function timed(name, action) {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const result = await action();
  const wall = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  if (!seen.has(name)) seen.set(name, { wall: [], cpu: [] });
  seen.get(name).wall.push(wall);
  seen.get(name).cpu.push((user + system) / 1000);
  return result;
}

const workdir = mkdtempSync(join(tmpdir(), 'wasbox-forks-'));
const session = await createSession({ workdir, changes: 'discard', diskBytes: Infinity });
const run = (one) => one.exec(['/usr/bin/true']);
await session.exec({
  code: `mkdir d; for i in $(seq 1000); do echo $i > d/$i; done; head -c ${megabytes}M /dev/zero > big`,
});
const base = await session.snapshot();
for (let i = 0; i < rounds; i++) {
  await run(session);
  await timed('exec, /usr/bin/true', () => run(session));
  await session.exec({ code: `echo ${i} > file` });
  const taken = await timed('snapshot', () => session.snapshot());
  await timed('exec after a snapshot', () => run(session));
  await session.exec({ code: 'rm file' });
  await timed('rollback', () => session.rollback(taken));
  await timed('exec after a rollback', () => run(session));
  await session.rollback(base);
  taken.release();
  const fork = await timed('fork', () => session.fork(base));
  await timed('exec in a fork', () => run(fork));
  await timed('close of a fork', () => fork.close());
}
const all = [];
await timed(`${forks} forks`, async () => {
  for (let i = 0; i < forks; i++) all.push(await session.fork(base));
});
await timed(`close of ${forks} forks`, () => Promise.all(all.map((one) => one.close())));
await session.close();
rmSync(workdir, { recursive: true });

console.log(`${megabytes} MB and 1,000 files in the layer; ${rounds} rounds`);
console.log(
  `${''.padEnd(26)} ${'wall'.padStart(9)} ${'fastest'.padStart(9)} ${'processor'.padStart(9)}  ms`,
);
for (const [name, { wall, cpu }] of seen) {
  const columns = [quantile(wall, 0.5), quantile(wall, 0), quantile(cpu, 0.5)];
  console.log(`${name.padEnd(26)} ${columns.map((ms) => ms.toFixed(2).padStart(9)).join(' ')}`);
}
