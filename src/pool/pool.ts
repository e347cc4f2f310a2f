/** `createPool`: sandboxes made ready beforehand, each used once. */
import { availableParallelism } from 'node:os';
import { misuse, UsageError } from '../errors/index.js';
import {
  aborted,
  calledFrom,
  callSite,
  checkCall,
  checkOptions,
  defaultMaxOutputBytes,
  holdInput,
  PinnedImage,
  type RunResult,
  type SandboxOptions,
} from '../launch/index.js';
import { alternatives, describeValue } from '../options/index.js';
import { type CloseOptions, filledPool } from './filled.js';
import { runtimes } from './runtimes.js';
import type { PoolState } from './schedule.js';
import { checkTask, type PoolTask } from './task.js';
import { defaultStartTimeoutMs, type WaitingProgram, WaitingSandbox } from './waiting.js';

/** Code in one of these languages: an interpreter that has started waits in each sandbox. */
export interface PoolLanguage {
  readonly lang: 'python' | 'node' | 'sh';
  /**
   * Code that is run in each sandbox before it has a task: imports that all tasks need. Not with
   * `lang: 'sh'`, whose tasks have a fresh shell.
   */
  readonly preload?: string | undefined;
  readonly command?: undefined;
  readonly args?: undefined;
}

/** A command of your own, which waits in each sandbox, and reads its one task from stdin. */
export interface PoolCommand {
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  readonly lang?: undefined;
  readonly preload?: undefined;
}

/** The program that waits in each sandbox. */
export type PoolProgram = PoolLanguage | PoolCommand;

export interface PoolSettings extends Omit<SandboxOptions, 'continue' | 'tty' | 'signal'> {
  /**
   * How many sandboxes wait. Each takes the memory of its waiting program.
   * @default 2
   */
  readonly size?: number | undefined;
  /**
   * How many tasks run at a time; with `size` it bounds what the pool takes.
   * @default twice the processors
   */
  readonly maxRunning?: number | undefined;
  /**
   * How many tasks may wait for a sandbox, or Infinity; one more is rejected with `ERR_POOL_FULL`.
   * @default 1024
   */
  readonly maxQueued?: number | undefined;
  /**
   * Bytes kept of stdout and of stderr each.
   * @default 67108864
   */
  readonly maxOutputBytes?: number | undefined;
  /**
   * Milliseconds from the start of a sandbox until it is ready for a task, `preload` included; one that
   * takes longer is ended, and is an `ERR_POOL_BOOT`.
   * @default 60000
   */
  readonly startTimeoutMs?: number | undefined;
  /** Closes the pool when aborted, with `force`; tasks that run or wait are then rejected with an AbortError. */
  readonly signal?: AbortSignal | undefined;
}

/** The program that waits in each sandbox, and how many of them. */
export type PoolOptions = PoolSettings & PoolProgram;

/** Sandboxes made ready beforehand. Each is used once, and another made in the background. */
export interface Pool {
  /**
   * Runs code, a script or a command's input in a sandbox that nothing ran in before.
   * @throws UsageError where the task cannot be
   * @throws LaunchError `ERR_POOL_FULL`, `ERR_POOL_CLOSED`, `ERR_POOL_BOOT`
   * @throws AbortError where its signal or the pool's is aborted, or the pool closed with `force` while it runs
   */
  run(task: string | PoolTask): Promise<RunResult>;
  /** How many wait, run and queue now. */
  readonly state: PoolState;
  /** Ends what waits, refuses what is queued, and waits for what runs. */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a pool, and waits until its first sandbox is ready.
 *
 * A waiting sandbox has everything a run has to itself: namespaces, /tmp, the layer over the working
 * directory, a report. It is given one task, and ends with it. The working directory is seen as it is
 * when the task runs; what the host changes in it while a sandbox waits counts as changed during the
 * run. An `image` is the one that its name leads to when the pool is made. A program that does not close its pool still ends; what waits ends with it.
 *
 * @example
 * await using pool = await createPool({ lang: 'python', size: 4 });
 * const { stdout } = await pool.run('print(1 + 1)');
 *
 * @throws UsageError where the options ask for something that cannot be
 * @throws LaunchError `ERR_POOL_BOOT` where what is to wait ends by itself, or is not ready in time
 */
export function createPool(options: PoolOptions): Promise<Pool> {
  const site = callSite(createPool);
  return create(options).catch((error: unknown) => {
    throw calledFrom(site, error);
  });
}

/** @throws UsageError where it is neither a language that can wait nor a command */
function programOf({ lang, command, args, preload }: PoolProgram): WaitingProgram {
  const runtime = lang !== undefined && Object.hasOwn(runtimes, lang) ? runtimes[lang] : undefined;
  const fail = (message: string, hint: string): UsageError =>
    new UsageError('ERR_OPTION_VALUE', message, { hint });
  if (lang !== undefined && runtime === undefined) {
    throw fail(
      `createPool: no pool of lang ${describeValue(lang)}`,
      `Use ${alternatives(Object.keys(runtimes))}; or a command that reads its task from stdin.`,
    );
  }
  if ((runtime === undefined) === (command === undefined)) {
    throw fail(
      'createPool needs either a lang or a command',
      `Use lang: ${Object.keys(runtimes).join(', ')}; or a command that reads its task from stdin.`,
    );
  }
  if (runtime === undefined) {
    if (preload !== undefined) throw fail('a command pool takes no preload', 'Pass a lang.');
    return { runtime, program: { command, args }, boot: undefined };
  }
  if (args !== undefined) {
    throw fail(
      `a ${lang} pool takes no args`,
      'Pass them with each task: pool.run({ code, args })',
    );
  }
  if (preload !== undefined && (typeof preload !== 'string' || !runtime.preloads)) {
    throw fail(
      runtime.preloads ? 'preload must be a string' : `a ${lang} pool takes no preload`,
      'It is source text in the language of the pool.',
    );
  }
  const boot = runtime.boot(preload ?? '');
  return { runtime, program: { lang: runtime.lang, code: boot }, boot };
}

async function create(options: PoolOptions): Promise<Pool> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw misuse('createPool(options): options must be an object with a lang or a command');
  }
  const { lang, command, args, preload, size, maxRunning, maxQueued, ...others } = options;
  const { startTimeoutMs = defaultStartTimeoutMs, ...rest } = others;
  const { maxOutputBytes, signal, ...sandbox } = rest;
  if ((options as { readonly code?: unknown }).code !== undefined) {
    throw new UsageError('ERR_OPTION_UNKNOWN', 'createPool() has no option code', {
      hint: 'Each task has its own: pool.run({ code }). What all of them need is `preload`.',
    });
  }
  const program = programOf({ lang, command, args, preload } as PoolProgram);
  checkOptions('createPool', { startTimeoutMs });
  checkCall('createPool', { ...rest, ...program.program });
  if (signal?.aborted) throw aborted(signal);
  const limits = {
    maxOutputBytes: maxOutputBytes ?? defaultMaxOutputBytes,
    timeoutMs: sandbox.timeoutMs === Number.POSITIVE_INFINITY ? undefined : sandbox.timeoutMs,
  };
  const image = new PinnedImage();
  const { schedule, close } = await filledPool(
    { size, maxRunning, maxQueued },
    { fallback: 2 * availableParallelism(), max: 1024 },
    (abort) => WaitingSandbox.start({ ...program, sandbox, image, startTimeoutMs }, abort),
    signal,
    () => image.release(),
  );
  const own = program.runtime === undefined;
  const runTask = async (given: string | PoolTask): Promise<RunResult> => {
    const task: PoolTask =
      typeof given === 'string' ? (own ? { input: given } : { code: given }) : given;
    if (typeof task !== 'object' || task === null || Array.isArray(task)) {
      throw misuse('pool.run(task): task must be a string or an object');
    }
    checkTask(task, { own, asks: sandbox.ask !== undefined });
    const closeInput = holdInput(task.input);
    return schedule.run((waiting) => waiting.run(task, limits), task.signal).finally(closeInput);
  };
  const run = (task: string | PoolTask, ...more: unknown[]): Promise<RunResult> => {
    const site = callSite(run);
    const started =
      more.length === 0
        ? runTask(task)
        : Promise.reject(
            misuse('pool.run(task) takes one argument: pool.run({ code, timeoutMs })'),
          );
    return started.catch((error: unknown) => {
      throw calledFrom(site, error);
    });
  };
  return {
    run,
    get state() {
      return schedule.state;
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
