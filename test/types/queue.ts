/** The code that an author of jobs and workers writes: test/integration/types.test.ts compiles it beside BullMQ. */
import { Queue, QueueEvents } from 'bullmq';
import {
  createWorker,
  type OutputPiece,
  outputOf,
  type SandboxJob,
  type SandboxJobResult,
  submit,
  submitMany,
} from 'wasbox/bullmq';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

export async function jobs(): Promise<void> {
  const connection = { host: 'localhost', port: 6379 };
  const queue = new Queue('jobs', { connection });
  const events = new QueueEvents('jobs', { connection });
  const job = await submit(queue, { code: 'print(1)', lang: 'python' }, { priority: 1 });
  const result = await job.waitUntilFinished(events);
  same<typeof result, SandboxJobResult>(true);
  same<typeof job.data, SandboxJob>(true);
  for await (const piece of outputOf(events, job)) same<typeof piece, OutputPiece>(true);
  await submitMany(queue, [{ argv: ['make'] }, { code: ':', files: { a: { base64: '' } } }]);
  const worker = await createWorker({
    queue: 'jobs',
    connection,
    run: { timeoutMs: 1000, net: 'none' },
    most: { timeoutMs: 2000 },
    pool: { lang: 'python', preload: '' },
  });
  worker.bullmq.on('completed', ({ returnvalue }) => returnvalue.stdout.length);
  await worker.close({ graceMs: 1 });
}

export async function mistakes(queue: Queue): Promise<void> {
  // @ts-expect-error a program and code
  await submit(queue, { argv: ['make'], code: '' });
  // @ts-expect-error no command
  await submit(queue, { argv: [] });
  // @ts-expect-error a misspelled limit
  await submit(queue, { code: '', limits: { timeout: 1 } });
  // @ts-expect-error each job has its own
  await createWorker({ queue: 'jobs', connection: {}, run: { workdir: '/' } });
}
