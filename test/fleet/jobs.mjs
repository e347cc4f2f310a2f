// The jobs of the fleet's test, its queues and its workers.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { Workers } from './harness.mjs';
import { processorMs } from './measure.mjs';

/** The limits that the workers allow each job, as hostile ones use it up. */
export const limits = {
  ...{ timeoutMs: 2000, graceMs: 100, cpuMs: 500, memoryBytes: 64 << 20, diskBytes: 16 << 20 },
  ...{ inodes: 500, outputBytes: 4 << 20 },
};
export const maxResultBytes = 8192;

const limitArgs = [
  ...['--timeout', `${limits.timeoutMs}ms`, '--grace', `${limits.graceMs}ms`],
  ...['--cpu', `${limits.cpuMs}ms`, '--memory', '64M', '--disk', '16M', '--inodes', '500'],
  ...['--max-output', '4M', '--max-result', '8K', '--takeover', '5s'],
];

export const ordinary = (n) => ({ code: `echo $(( ${n} * 7 ))` });
/** Does nothing but outlast its time limit: tells how late a job is ended on this machine. */
export const sleeper = { code: 'exec sleep 9' };

/** The number of an ordinary job; undefined for another. */
export function numberOf({ code }) {
  const found = /^echo \$\(\( (\d+) \* 7 \)\)$/.exec(code ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

export const isSleeper = ({ code }) => code === sleeper.code;

/** `count` ordinary jobs, and the others evenly among them. */
export function mix(count, others) {
  const share = others.length / count;
  return Array.from({ length: count }, (_, n) => [
    ordinary(n),
    ...others.slice(Math.floor(n * share), Math.floor((n + 1) * share)),
  ]).flat();
}

/**
 * Runs jobs to their end: workers are started first, so that their start is not counted.
 * @param {import('./harness.mjs').Server} server
 * @param {object} options
 * @param {(queue: Queue, fleet: Workers) => Promise<void>} options.drain
 */
export async function work(server, name, { jobs, workers, concurrency, more = [], drain }) {
  const connection = { path: server.socket };
  const queue = new Queue(name, { connection, streams: { events: { maxLen: 10_000_000 } } });
  queue.on('error', () => {});
  await queue.pause();
  // Jobs do not go through submit, which would refuse many of the hostile ones.
  const opts = { attempts: 5, backoff: { type: 'exponential', delay: 1000 } };
  for (let n = 0; n < jobs.length; n += 1000) {
    await queue.addBulk(jobs.slice(n, n + 1000).map((data) => ({ name: 'run', data, opts })));
  }
  const args = [
    ...['--queue', name, '--connection', server.socket, '--concurrency', String(concurrency)],
    ...[...limitArgs, ...more],
  ];
  const env = { TMPDIR: server.directory };
  const fleet = new Workers({ args, count: workers, env });
  try {
    await fleet.allReady();
    const before = fleet.running.map(({ pid }) => processorMs(pid));
    const serverBefore = processorMs(server.process.pid);
    const begun = performance.now();
    await queue.resume();
    await drain(queue, fleet);
    const seconds = (performance.now() - begun) / 1000;
    // The sum has only those that run still: where none was killed, all.
    const used = fleet.running.map(({ pid }, n) => processorMs(pid) - (before[n] ?? 0));
    const serverMs = processorMs(server.process.pid) - serverBefore;
    const statuses = await fleet.end();
    const workersMs = used.reduce((sum, ms) => sum + ms, 0);
    return {
      queue,
      seconds,
      workersMs,
      serverMs,
      statuses,
      kills: fleet.kills,
      errors: fleet.errors,
    };
  } catch (error) {
    await fleet.end('SIGKILL');
    throw new Error(`${error.message}\n${fleet.errors}`, { cause: error });
  }
}

/** Memory of the server in bytes. */
export async function usedMemory(server) {
  const client = new Redis(server.socket);
  const [, used] = /used_memory:(\d+)/.exec(await client.info('memory')) ?? [];
  client.disconnect();
  return Number(used);
}
