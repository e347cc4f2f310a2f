// Ordinary jobs alone: by run() in one process, then by one, two and four workers, and from a pool.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../dist/index.js';
import { drained } from './harness.mjs';
import { limits, mix, numberOf, ordinary, usedMemory, work } from './jobs.mjs';
import { processorMs } from './measure.mjs';

/** Runs the same sandbox without a queue: what a job costs at least. */
async function bare(directory, { count, concurrency }) {
  const workdir = mkdtempSync(join(directory, 'bare-'));
  const one = async (n) => {
    const { code } = ordinary(n);
    const options = { ...limits, workdir, chdir: workdir, changes: 'discard', net: 'none' };
    const { stdout } = await run({ code, lang: 'sh', ...options });
    if (stdout !== `${numberOf({ code }) * 7}\n`) throw new Error(`wrong output: ${stdout}`);
  };
  await one(0);
  let next = 0;
  const [begun, before] = [performance.now(), processorMs('self')];
  const loop = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  const seconds = (performance.now() - begun) / 1000;
  return { perSecond: count / seconds, jobMs: (processorMs('self') - before) / count };
}

const drain = (queue) => drained(queue, { everyMs: 50 });

async function queued(server, name, { count, workers, concurrency, more }) {
  const jobs = mix(count, []);
  const done = await work(server, name, { jobs, workers, concurrency, more, drain });
  const { queue, seconds, workersMs, serverMs } = done;
  const { completed } = await queue.getJobCounts();
  if (completed !== count) throw new Error(`${name}: ${completed} of ${count} completed`);
  const used = await usedMemory(server);
  await queue.obliterate({ force: true });
  await queue.close();
  return {
    perSecond: count / seconds,
    jobMs: workersMs / count,
    serverMs: serverMs / count,
    storedBytes: (used - (await usedMemory(server))) / count,
  };
}

/** Prints a table; processor time is that of workers and sandboxes, and of the server. */
export async function throughput(server, { count, concurrency }) {
  const rows = [];
  const add = (name, { perSecond, jobMs, serverMs, storedBytes }) => {
    rows.push({
      '': name,
      'jobs/s': Math.round(perSecond),
      'CPU ms/job': Number(jobMs.toFixed(2)),
      'server ms/job': serverMs === undefined ? '' : Number(serverMs.toFixed(2)),
      'server bytes/job': storedBytes === undefined ? '' : Math.round(storedBytes),
    });
    console.error(`  ${name}: ${Math.round(perSecond)} jobs a second`);
  };
  const slots = `${concurrency} at a time`;
  add(`run(), ${slots}`, await bare(server.directory, { count, concurrency }));
  for (const workers of [1, 2, 4]) {
    const name = `${workers} worker${workers > 1 ? 's' : ''}, ${slots} each`;
    add(name, await queued(server, `speed${workers}`, { count, workers, concurrency }));
  }
  const more = ['--pool', 'sh'];
  add(
    '1 worker, --pool sh',
    await queued(server, 'pool', { count, workers: 1, concurrency, more }),
  );
  console.table(Object.fromEntries(rows.map(({ '': name, ...row }) => [name, row])));
}
