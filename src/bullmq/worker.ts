/** `createWorker`: takes jobs from a queue and runs each in a sandbox of its own. */
import { Worker } from 'bullmq';
import { orNoLimit } from '../errors/index.js';
import { createPool, dryRun, type Pool, UsageError } from '../index.js';
import { describeValue } from '../options/index.js';
import { after, isMilliseconds, millisecondsWords, type Timer } from '../time/index.js';
import { JobDirectories } from './directory.js';
import type { SandboxJob, SandboxJobResult } from './job.js';
import { openMetrics } from './metrics.js';
import { type JobPool, settingsOf, type WorkerOptions, type WorkerSettings } from './options.js';
import { Processor } from './processor.js';

export interface WorkerCloseOptions {
  /**
   * Milliseconds that running jobs have to end, or Infinity. Those that run on are ended and given back to the queue.
   * @default 30000
   */
  readonly graceMs?: number | undefined;
}

/** Takes jobs from a queue. */
export interface SandboxWorker {
  /** Name of the worker, as results have it. */
  readonly name: string;
  /** BullMQ's own: its events, `pause`, `resume`, `concurrency`, `rateLimit`. */
  readonly bullmq: Worker<SandboxJob, SandboxJobResult>;
  /** Takes no more jobs, waits for those that run, and gives back those that run on. */
  close(options?: WorkerCloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How long the queue's server may take to answer when all jobs have ended. */
const goodbyeMs = 10_000;

async function makePool(
  { run, defaults, concurrency }: WorkerSettings,
  { size = concurrency, lang, preload }: JobPool,
  workdir: string,
): Promise<Pool> {
  const { netDeny: _, ...sandbox } = run;
  const options = { ...sandbox, ...defaults, workdir, chdir: workdir, net: 'none' as const };
  const counts = { size, maxRunning: concurrency, maxQueued: concurrency };
  return createPool({ ...options, ...counts, lang, preload, changes: 'discard' });
}

/**
 * Makes a worker and starts it. Every job is checked, and runs in a sandbox of its own in a directory of its own with
 * no more than the options allow. A job is executed at least once: one whose worker died is taken over by another, and
 * exactly one of its results is recorded.
 *
 * @example
 * const worker = await createWorker({
 *   queue: 'jobs',
 *   connection: { host: '127.0.0.1' },
 *   run: { timeoutMs: 10_000, memoryBytes: 256 * 1024 * 1024 },
 * });
 * process.once('SIGTERM', () => worker.close());
 *
 * @throws UsageError where the options ask for something that cannot be
 * @throws LaunchError, SupportError where no sandbox can be started with them
 */
export async function createWorker(options: WorkerOptions): Promise<SandboxWorker> {
  const settings = settingsOf(options);
  const directories = await JobDirectories.open(options.directory);
  let sandboxes: Pool | undefined;
  try {
    const workdir = await directories.empty();
    // An option that cannot be is said at the start, not with the first job.
    const sandbox = { ...settings.run, ...settings.most, net: settings.net };
    await dryRun({
      ...sandbox,
      workdir,
      chdir: workdir,
      changes: 'discard',
      lang: 'sh',
      code: ':',
    });
    if (options.pool !== undefined) sandboxes = await makePool(settings, options.pool, workdir);
    const metrics = await openMetrics(options.metrics, options.queue);
    const ending = new AbortController();
    const pool =
      sandboxes === undefined || options.pool === undefined
        ? undefined
        : { sandboxes, program: options.pool };
    const processor = new Processor({
      settings,
      directories,
      metrics,
      pool,
      ending: ending.signal,
    });
    return start(options, settings, processor, async (worker, graceMs) => {
      // Nothing is to be recorded: a server that is away is not waited for.
      const isOver = processor.isIdle && !(await answers(worker));
      const closed = isOver ? worker.close(true) : worker.close();
      const timer = after(graceMs, () => ending.abort());
      await withinGoodbye(closed, isOver ? 0 : graceMs, isOver ? answerMs : goodbyeMs);
      timer.clear();
      await sandboxes?.close({ force: true });
      await directories.close();
    });
  } catch (error) {
    await sandboxes?.close({ force: true });
    await directories.close();
    throw error;
  }
}

/** How long the queue's server may take to answer before it counts as away. */
const answerMs = 500;

/** Returns whether the queue's server answers now. */
async function answers(worker: Worker): Promise<boolean> {
  const ping = worker.backend.client
    .then((client) => client.info())
    .then(
      () => true,
      () => false,
    );
  const late = new Promise<boolean>((resolve) => {
    setTimeout(resolve, answerMs, false).unref();
  });
  return Promise.race([ping, late]);
}

/** A server that is away does not keep the worker. */
async function withinGoodbye(
  closed: Promise<void>,
  graceMs: number,
  answerMs: number,
): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise<void>((resolve) => {
    timer = after(graceMs + answerMs, resolve);
  });
  await Promise.race([closed, late]);
  timer?.clear();
}

function start(
  options: WorkerOptions,
  settings: WorkerSettings,
  processor: Processor,
  end: (worker: Worker, graceMs: number) => Promise<void>,
): SandboxWorker {
  const { rateLimit, prefix, telemetry, onError } = options;
  const worker = new Worker<SandboxJob, SandboxJobResult>(
    options.queue,
    (job, token, signal) => processor.process(job, token, signal),
    {
      connection: options.connection,
      name: settings.name,
      concurrency: settings.concurrency,
      lockDuration: settings.takeoverMs,
      stalledInterval: settings.takeoverMs,
      maxStalledCount: settings.maxTakeovers,
      ...(prefix === undefined ? {} : { prefix }),
      ...(telemetry === undefined ? {} : { telemetry }),
      ...(rateLimit === undefined
        ? {}
        : { limiter: { max: rateLimit.max, duration: rateLimit.durationMs } }),
    },
  );
  // Without a listener, Node ends the process; the client connects again by itself.
  worker.on('error', (error) => onError?.(error));
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) worker.cancelJob(id, 'another worker has taken the job over');
  });
  let closing: Promise<void> | undefined;
  const close = async ({ graceMs = 30_000 }: WorkerCloseOptions = {}): Promise<void> => {
    if (!isMilliseconds(graceMs, 0)) {
      throw new UsageError('ERR_OPTION_VALUE', `option graceMs: expected ${millisecondsWords(0)}`, {
        hint: `Got ${describeValue(graceMs)}.${orNoLimit('graceMs', graceMs)}`,
      });
    }
    closing ??= end(worker as unknown as Worker, graceMs);
    return closing;
  };
  return {
    name: settings.name,
    bullmq: worker,
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
