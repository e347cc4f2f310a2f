/** This module is for those who send jobs: types, a check before the job is queued, and its output while it runs. */
import type { Job, JobsOptions, Queue, QueueEvents } from 'bullmq';
import type { JobProgress, OutputPiece, SandboxJob, SandboxJobResult } from './job.js';
import { readJob } from './schema.js';

/** BullMQ's options of a job: `priority` (1 is the highest), `delay`, `jobId`, `removeOnComplete` … */
export type SubmitOptions = Omit<JobsOptions, 'repeat'>;

/**
 * Tried again where a worker could not run it, and kept for a day, then removed when another job ends. The queue would
 * else grow without bound.
 */
const defaults = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 1000, jitter: 0.5 },
  removeOnComplete: { age: 86_400 },
  removeOnFail: { age: 7 * 86_400 },
} satisfies JobsOptions;

/** The most that a queue's server takes of one job; workers take less unless they say otherwise. */
const size = { maxBytes: 64 * 1024 * 1024, maxFiles: 100_000 };

/** The name that BullMQ wants of a job, which workers do not look at. */
const name = 'run';

/** A job in the queue, with BullMQ's methods. */
export type SubmittedJob = Job<SandboxJob, SandboxJobResult>;

/**
 * Checks a job and adds it to a queue.
 *
 * @example
 * const queue = new Queue('jobs', { connection });
 * const events = new QueueEvents('jobs', { connection });
 * const job = await submit(queue, { lang: 'python', code: 'print(6 * 7)' });
 * const { stdout } = await job.waitUntilFinished(events);
 *
 * @throws UsageError `ERR_JOB` where it is no job
 */
export async function submit(
  queue: Queue,
  job: SandboxJob,
  options: SubmitOptions = {},
): Promise<SubmittedJob> {
  return (await queue.add(name, readJob(job, size), { ...defaults, ...options })) as SubmittedJob;
}

/**
 * Submits many jobs like {@link submit}, with one request.
 * @throws UsageError `ERR_JOB` where one of them is no job; then none is added
 */
export async function submitMany(
  queue: Queue,
  jobs: Iterable<SandboxJob>,
  options: SubmitOptions = {},
): Promise<SubmittedJob[]> {
  const opts = { ...defaults, ...options };
  const all = [...jobs].map((job) => ({ name, data: readJob(job, size), opts }));
  return (await queue.addBulk(all)) as SubmittedJob[];
}

/**
 * The output of a job with `stream`, as it comes, until the job has ended. Where the job is tried again, the output of
 * the next attempt follows. It is for watching: the result has the whole of it, and pieces may be missing here.
 * @param events BullMQ's events of the same queue
 */
export async function* outputOf(
  events: QueueEvents,
  job: Pick<SubmittedJob, 'id' | 'isCompleted' | 'isFailed'>,
): AsyncGenerator<OutputPiece, void, undefined> {
  const pieces: OutputPiece[] = [];
  let ended = false;
  let wake = () => {};
  const onProgress = ({ jobId, data }: { readonly jobId: string; readonly data: unknown }) => {
    if (jobId !== job.id) return;
    pieces.push(...((data as JobProgress).pieces ?? []));
    wake();
  };
  const onEnd = ({ jobId }: { readonly jobId: string }) => {
    if (jobId !== job.id) return;
    ended = true;
    wake();
  };
  events.on('progress', onProgress).on('completed', onEnd).on('failed', onEnd);
  try {
    await events.waitUntilReady();
    // It may have ended before anyone listened.
    ended ||= (await job.isCompleted()) || (await job.isFailed());
    for (;;) {
      const piece = pieces.shift();
      if (piece !== undefined) yield piece;
      else if (ended) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    events.off('progress', onProgress).off('completed', onEnd).off('failed', onEnd);
  }
}
