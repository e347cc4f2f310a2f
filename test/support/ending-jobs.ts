/** Runs cases like `ways` of endings.ts, for jobs of a queue, whose server runs. */
import { Queue, QueueEvents } from 'bullmq';
import { createWorker, type SandboxJob, submit } from '../../src/bullmq/index.js';
import { type Case, type Told, tell } from './endings.js';

/** More than any of the cases asks for. */
const most = { timeoutMs: 365 * 24 * 3600 * 1000, cpuMs: 60_000, memoryBytes: 1024 ** 3 };

let count = 0;

/** @param socket of the queue's server */
export async function tellJob(socket: string, directory: string, one: Case): Promise<Told> {
  count += 1;
  const queue = `words${count}`;
  const connection = { path: socket };
  const [own, events] = [new Queue(queue, { connection }), new QueueEvents(queue, { connection })];
  await events.waitUntilReady();
  const { limits, sandbox, call: _, ...program } = one;
  const worker = await createWorker({
    ...{ queue, connection, directory, most, run: { ...sandbox } },
  });
  try {
    return await tell(async () => {
      const job = await submit(own, { ...program, ...(limits && { limits }) } as SandboxJob);
      const result = await job.waitUntilFinished(events);
      return { ...result, timedOut: result.outcome === 'timeout' };
    });
  } finally {
    await worker.close();
    await events.close();
    await own.close();
  }
}
