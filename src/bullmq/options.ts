/** The options of a worker, checked, with the defaults where it gives none. */

import { availableParallelism, hostname } from 'node:os';
import type { Meter } from '@opentelemetry/api';
import type { ConnectionOptions, WorkerOptions as QueueWorkerOptions } from 'bullmq';
import { misuse } from '../errors/index.js';
import { type PoolLanguage, type SandboxOptions, UsageError } from '../index.js';
import { type NetworkOption, validateRunOptions } from '../options/index.js';
import { type Caps, defaultLimits, limitNames } from './caps.js';
import type { JobLimits } from './job.js';

/**
 * The sandbox of every job: limits and network are the most that a job may ask for, unless `most` and `net` say more.
 * What jobs change is always discarded.
 */
export type JobSandboxOptions = Omit<
  SandboxOptions,
  | ('ask' | 'askTimeoutMs' | 'changes' | 'chdir' | 'continue' | 'publish' | 'signal' | 'tty')
  | 'workdir'
>;

/** Sandboxes made ready for code in one language. Jobs with files, a network or limits of their own do not use them. */
export interface JobPool extends PoolLanguage {
  /** How many wait. @default `concurrency` */
  readonly size?: number | undefined;
}

export interface WorkerOptions {
  /** Name of the queue. */
  readonly queue: string;
  /** The connection as BullMQ takes it: a client of ioredis, or its options. */
  readonly connection: ConnectionOptions;
  /** The prefix of the queue's keys. @default 'bull' */
  readonly prefix?: string | undefined;
  /** The worker's name in results, and in the queue. @default HOST:PID */
  readonly name?: string | undefined;
  /** How many jobs run at a time. @default the number of processors */
  readonly concurrency?: number | undefined;
  /**
   * The sandbox of every job. `net` is what jobs may ask for; without asking they have no network.
   * @default one minute, 512 MiB of memory, 64 processes, 256 MiB on disk, no network
   */
  readonly run?: JobSandboxOptions | undefined;
  /** The most that a job may ask for of each limit. @default the limits of `run` */
  readonly most?: JobLimits | undefined;
  readonly pool?: JobPool | undefined;
  /** Bytes of a job: code, arguments, variables, input and files. @default 1048576 (1 MiB) */
  readonly maxJobBytes?: number | undefined;
  /** @default 256 */
  readonly maxFiles?: number | undefined;
  /** Bytes of a result as JSON, output included. @default 262144 (256 KiB) */
  readonly maxResultBytes?: number | undefined;
  /** True if results have the run's report, where it fits. @default false */
  readonly report?: boolean | undefined;
  /** How often a job is tried that this or another worker could not run, whatever it says itself. @default 5 */
  readonly maxAttempts?: number | undefined;
  /** How often another worker takes a job over whose worker died. @default 10 */
  readonly maxTakeovers?: number | undefined;
  /**
   * Milliseconds after which a job whose worker does not answer is taken over by another.
   * @default 30000
   */
  readonly takeoverMs?: number | undefined;
  /** At most `max` jobs in `durationMs`, over all workers of the queue that say so. */
  readonly rateLimit?: { readonly max: number; readonly durationMs: number } | undefined;
  /** A meter of OpenTelemetry; false for no metrics. @default the global meter, where its API is installed */
  readonly metrics?: Meter | boolean | undefined;
  /** BullMQ's telemetry, such as that of bullmq-otel. */
  readonly telemetry?: QueueWorkerOptions['telemetry'];
  /** Parent of the directories of jobs. @default the directory for temporary files */
  readonly directory?: string | undefined;
  /** Called with errors of the connection and of the queue; the worker goes on. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** The options of a worker, with every default. */
export interface WorkerSettings {
  readonly name: string;
  readonly concurrency: number;
  readonly run: JobSandboxOptions;
  readonly defaults: Caps;
  readonly most: Caps;
  readonly net: NetworkOption;
  readonly maxJobBytes: number;
  readonly maxFiles: number;
  readonly maxResultBytes: number;
  readonly report: boolean;
  readonly maxAttempts: number;
  readonly maxTakeovers: number;
  readonly takeoverMs: number;
}

const wrong = (what: string, hint: string): UsageError =>
  new UsageError('ERR_OPTION_VALUE', `createWorker: ${what}`, { hint });

function whole(name: string, value: number | undefined, fallback: number, least = 1): number {
  const chosen = value ?? fallback;
  if (Number.isSafeInteger(chosen) && chosen >= least) return chosen;
  throw wrong(`${name} must be a whole number from ${least} on`, `Got ${String(value)}.`);
}

/** BullMQ's own timers take no longer time. */
const longestTakeoverMs = 2 ** 31 - 1;

function takeover(value = 30_000): number {
  if (Number.isSafeInteger(value) && value >= 1000 && value <= longestTakeoverMs) return value;
  throw wrong(
    `takeoverMs must be whole milliseconds from 1000 to ${longestTakeoverMs}`,
    `Got ${String(value)}.`,
  );
}

/** Options that a job may never decide, nor a worker share between jobs. */
const ofOneRun = [
  ...['ask', 'askTimeoutMs', 'changes', 'chdir', 'continue', 'publish', 'signal', 'tty', 'workdir'],
  ...['command', 'args', 'code', 'lang', 'stdio', 'input'],
];

/** @throws UsageError */
export function settingsOf(options: WorkerOptions): WorkerSettings {
  if (typeof options !== 'object' || options === null) {
    throw misuse('createWorker(options): options must be an object');
  }
  if (typeof options.queue !== 'string' || options.queue === '') {
    throw wrong('queue must be the name of a queue', "Example: queue: 'jobs'");
  }
  const { net = 'none', ...run } = options.run ?? {};
  const extra = ofOneRun.find((property) => Object.hasOwn(run, property));
  if (extra !== undefined) {
    throw wrong(`run.${extra} is not an option of a worker`, 'Each job has its own.');
  }
  const defaults: Record<keyof Caps, number> = { ...defaultLimits };
  for (const name of limitNames) defaults[name] = run[name] ?? defaults[name];
  const most: Record<keyof Caps, number> = { ...defaults };
  for (const [name, value] of Object.entries(options.most ?? {})) {
    if (!Object.hasOwn(defaults, name)) throw wrong(`most.${name} is not a limit`, '');
    most[name as keyof Caps] = value ?? defaults[name as keyof Caps];
  }
  // Caps are the limits of a run, too, and are refused in the same words.
  for (const limits of [run, most]) validateRunOptions(limits);
  return {
    name: options.name ?? `${hostname()}:${process.pid}`,
    concurrency: whole('concurrency', options.concurrency, availableParallelism()),
    run,
    defaults,
    most,
    net,
    maxJobBytes: whole('maxJobBytes', options.maxJobBytes, 1024 * 1024),
    maxFiles: whole('maxFiles', options.maxFiles, 256, 0),
    maxResultBytes: whole('maxResultBytes', options.maxResultBytes, 256 * 1024, 4096),
    report: options.report ?? false,
    maxAttempts: whole('maxAttempts', options.maxAttempts, 5),
    maxTakeovers: whole('maxTakeovers', options.maxTakeovers, 10, 0),
    takeoverMs: takeover(options.takeoverMs),
  };
}
