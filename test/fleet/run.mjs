// Many jobs, workers that are killed, a server that is restarted: `npm run test:fleet` (minutes).
// -- --jobs 20000 --workers 4 --hostile 1000 --kill-every 2000 --concurrency 4; --throughput for 1, 2 and 4 workers only.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { drained, hostile, recordedEnds, Server, Workers } from './harness.mjs';

const number = (value) => ({ type: 'string', default: String(value) });
const { values } = parseArgs({
  options: {
    jobs: number(20_000),
    workers: number(4),
    hostile: number(1000),
    'kill-every': number(2000),
    concurrency: number(4),
    throughput: { type: 'boolean', default: false },
  },
});
const [jobs, workers, hostiles, killMs, concurrency] = [
  ...[values.jobs, values.workers, values.hostile, values['kill-every'], values.concurrency],
].map(Number);
const timeoutMs = 2000;
const directory = mkdtempSync(join(tmpdir(), 'wasbox-fleet-'));
const server = new Server(directory);
let failures = 0;

function check(what, ok, detail = '') {
  if (!ok) failures += 1;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}${detail === '' ? '' : `: ${detail}`}`);
}

const workerArgs = (queue, more = []) => [
  ...['--queue', queue, '--connection', server.socket, '--concurrency', String(concurrency)],
  ...['--timeout', `${timeoutMs}ms`, '--cpu', '500ms', '--memory', '64M', '--grace', '100ms'],
  ...['--disk', '16M', '--inodes', '500', '--max-output', '4M', '--max-result', '8K'],
  ...['--takeover', '5s', ...more],
];

function openQueue(name) {
  const connection = { path: server.socket };
  return new Queue(name, { connection, streams: { events: { maxLen: 10_000_000 } } });
}

const benign = (n) => ({ code: `echo $(( ${n} * 7 ))` });
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

/** Runs jobs to their end. @returns seconds */
async function work(name, { count, each, list, kill, restart, more }) {
  const queue = openQueue(name);
  queue.on('error', () => {});
  // Hostile jobs among the others; not through submit, which would refuse many of them.
  const share = list.length / count;
  const mixed = Array.from({ length: count }, (_, n) => [
    benign(n),
    ...list.slice(Math.floor(n * share), Math.floor((n + 1) * share)),
  ]).flat();
  const opts = { attempts: 5, backoff: { type: 'exponential', delay: 1000 } };
  await queue.addBulk(mixed.map((data) => ({ name: 'run', data, opts })));
  const begun = performance.now();
  const fleet = new Workers({ args: workerArgs(name, more), count: each });
  const total = mixed.length;
  let restarted = !restart;
  let done = 0;
  const killer = kill
    ? setInterval(() => fleet.kill().catch((error) => console.log('kill', error)), killMs)
    : undefined;
  const progress = setInterval(() => console.error(`  ${done} of ${total}`), 15_000);
  await drained(queue, {
    onCount: ({ completed, failed }) => {
      done = completed + failed;
      if (!restarted && done > total / 2) {
        restarted = true;
        console.error('  restarting the server');
        server.restart();
      }
    },
  });
  const seconds = (performance.now() - begun) / 1000;
  clearInterval(killer);
  clearInterval(progress);
  const statuses = await fleet.end();
  return { queue, seconds, kills: fleet.kills, statuses, errors: fleet.errors };
}

async function examine(name, queue, count, list) {
  const client = new Redis(server.socket);
  const ends = await recordedEnds(client, name);
  const completed = await queue.getCompleted(0, -1);
  const failed = await queue.getFailed(0, -1);
  const all = [...completed, ...failed];
  const wrong = completed.filter(({ data, returnvalue }) => {
    const n = /^echo \$\(\( (\d+) \* 7 \)\)$/.exec(data.code ?? '')?.[1];
    return n !== undefined && returnvalue.stdout !== `${Number(n) * 7}\n`;
  });
  const own = all.filter(({ data }) => /^echo \$/.test(data.code ?? ''));
  const foreign = all.filter(({ data }) => !/^echo \$/.test(data.code ?? ''));
  check('no job is lost', all.length === count + list.length, `${all.length} have a result`);
  check('none is there twice', new Set(all.map(({ id }) => id)).size === all.length);
  check(
    'each has exactly one recorded end',
    [...ends.values()].every((one) => one.length === 1) && ends.size === count + list.length,
    `${ends.size} jobs`,
  );
  check(
    'every ordinary job succeeded, with its own result',
    own.length === count &&
      wrong.length === 0 &&
      own.every(({ finishedOn, failedReason }) => finishedOn && failedReason === undefined),
    `${own.length}`,
  );
  const again = all.filter(({ attemptsStarted }) => attemptsStarted > 1);
  const waits = own
    .map(({ finishedOn, processedOn }) => finishedOn - processedOn)
    .sort((a, b) => a - b);
  console.log(
    `     taken over: ${again.length} jobs, at most ${Math.max(...all.map(({ attemptsStarted }) => attemptsStarted))} starts of one`,
  );
  console.log(
    `     an ordinary job takes ${quantile(waits, 0.5)} ms (median), ${quantile(waits, 0.99)} ms (99 %), ${waits.at(-1)} ms (longest)`,
  );
  if (foreign.length > 0) {
    const longest = Math.max(...foreign.map(({ returnvalue }) => returnvalue?.durationMs ?? 0));
    check(
      'no hostile job runs beyond its limits',
      longest < timeoutMs + 100 + 1000,
      `${longest.toFixed(0)} ms at most`,
    );
    const outcomes = {};
    for (const { returnvalue } of foreign) {
      const how = returnvalue?.limit ?? returnvalue?.outcome ?? 'refused';
      outcomes[how] = (outcomes[how] ?? 0) + 1;
    }
    console.log(`     hostile jobs ended by ${JSON.stringify(outcomes)}`);
    const largest = Math.max(...all.map((one) => JSON.stringify(one.returnvalue ?? '').length));
    check('results are bounded', largest <= 8192, `${largest} bytes at most`);
  }
  client.disconnect();
}

const slotSeconds = (count) => (count * (timeoutMs + 100)) / 1000 / (workers * concurrency);

try {
  await server.start();
  console.log(`${cpus().length} × ${cpus()[0].model}; Node ${process.version}`);
  for (const each of values.throughput ? [1, 2, 4] : []) {
    const { seconds, queue } = await work(`speed${each}`, { count: jobs, each, list: [] });
    console.log(`${each} workers: ${(jobs / seconds).toFixed(0)} jobs a second`);
    const client = new Redis(server.socket);
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);
    await queue.obliterate({ force: true });
    const empty = Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);
    console.log(`     ${((used - empty) / jobs).toFixed(0)} bytes a finished job in Valkey`);
    client.disconnect();
    await queue.close();
  }
  if (!values.throughput) {
    const list = Array.from({ length: hostiles }, (_, n) => hostile[n % hostile.length]);
    // As many as tell the speed without them.
    const some = Math.ceil(jobs / 10);
    const plain = await work('plain', { count: some, each: workers, list: [], kill: true });
    console.log(
      `${some} ordinary jobs alone, workers killed: ${plain.seconds.toFixed(0)} s, ${plain.kills} kills`,
    );
    await examine('plain', plain.queue, some, []);
    await plain.queue.obliterate({ force: true });
    await plain.queue.close();
    const both = await work('both', {
      count: jobs,
      each: workers,
      list,
      kill: true,
      restart: true,
    });
    console.log(
      `with ${hostiles} hostile jobs and a restart: ${both.seconds.toFixed(0)} s, ${both.kills} kills`,
    );
    await examine('both', both.queue, jobs, list);
    const extra = both.seconds - (plain.seconds * jobs) / some;
    check(
      'hostile jobs cost no more than the time that their limits give them',
      extra < slotSeconds(hostiles) + 30,
      `${extra.toFixed(0)} s more; their limits allow ${slotSeconds(hostiles).toFixed(0)} s, a restart and a takeover 30 s`,
    );
    check(
      'workers end with 0',
      both.statuses.every((status) => status === 0),
      `${both.statuses}`,
    );
    await both.queue.close();
  }
} finally {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;
