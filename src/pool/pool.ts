/** `createPool`: sandboxes made ready beforehand, each used once. */
import { availableParallelism } from 'node:os';
import type { Ask } from '../ask/index.js';
import { UsageError } from '../errors/index.js';
import type { RunResult } from '../launch/index.js';
import type { RunOptions } from '../options/index.js';
import { runtimes } from './runtimes.js';
import { type PoolState, Schedule } from './schedule.js';
import { checkTask, type PoolTask } from './task.js';
import { WaitingSandbox } from './waiting.js';

export interface PoolOptions
  extends Omit<RunOptions, 'command' | 'code' | 'lang' | 'args' | 'continue' | 'tty'> {
  /**
   * What waits in each sandbox: an interpreter that has started, or a command of your own, which
   * reads its one task from stdin.
   */
  readonly runtime: 'python' | 'node' | 'sh' | (string & {});
  /** Arguments of a `runtime` that is a command. */
  readonly args?: readonly string[] | undefined;
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
   * How many tasks may wait for a sandbox; one more is rejected with `ERR_POOL_FULL`.
   * @default 1024
   */
  readonly maxQueued?: number | undefined;
  /**
   * Bytes kept of stdout and of stderr each.
   * @default 67108864
   */
  readonly maxOutputBytes?: number | undefined;
  /**
   * Decides for all tasks that have no `ask` of their own, as that of `run`. What waits for a task is
   * refused unasked.
   */
  readonly ask?: Ask | undefined;
  /**
   * Milliseconds for each question; 0 means no limit.
   * @default 60000
   */
  readonly askTimeoutMs?: number | undefined;
}

/** Sandboxes made ready beforehand. Each is used once, and another made in the background. */
export interface Pool {
  /**
   * Runs code, a script or a command's input in a sandbox that nothing ran in before.
   * @throws UsageError where the task cannot be
   * @throws LaunchError `ERR_POOL_FULL`, `ERR_POOL_CLOSED`, `ERR_POOL_BOOT`, `ERR_ABORTED`
   */
  run(task: string | PoolTask): Promise<RunResult>;
  /** How many wait, run and queue now. */
  readonly state: PoolState;
  /** Ends what waits, refuses what is queued, and waits for what runs. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

function count(name: string, value: number | undefined, fallback: number, max: number): number {
  const chosen = value ?? fallback;
  if (Number.isInteger(chosen) && chosen >= 1 && chosen <= max) return chosen;
  throw new UsageError('ERR_OPTION_VALUE', `${name} must be a whole number from 1 to ${max}`, {
    hint: `Got ${String(value)}.`,
  });
}

/**
 * Makes a pool, and waits until its first sandbox is ready.
 *
 * A waiting sandbox has everything a run has to itself: namespaces, /tmp, the layer over the working
 * directory, a report. It is given one task, and ends with it. The working directory is seen as it is
 * when the task runs; what the host changes in it while a sandbox waits counts as changed during the
 * run. A program that does not close its pool still ends; what waits ends with it.
 *
 * @example
 * await using pool = await createPool({ runtime: 'python', size: 4 });
 * const { stdout } = await pool.run('print(1 + 1)');
 *
 * @throws UsageError where the options ask for something that cannot be
 * @throws LaunchError `ERR_POOL_BOOT` where what is to wait ends by itself
 */
export async function createPool(options: PoolOptions): Promise<Pool> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError('createPool(options): options must be an object with a runtime');
  }
  const { runtime: name, args, size, maxRunning, maxQueued, maxOutputBytes, ...sandbox } = options;
  if (typeof name !== 'string' || name === '') {
    throw new UsageError('ERR_OPTION_VALUE', 'createPool needs a runtime', {
      hint: `Use ${Object.keys(runtimes).join(', ')}, or a command that reads its task from stdin.`,
    });
  }
  const runtime = Object.hasOwn(runtimes, name) ? runtimes[name] : undefined;
  if (runtime !== undefined && args !== undefined) {
    throw new UsageError('ERR_OPTION_VALUE', `a ${name} pool takes no args`, {
      hint: 'Pass them with each task: pool.run({ code, args })',
    });
  }
  const limits = {
    maxOutputBytes: maxOutputBytes ?? 64 * 1024 * 1024,
    timeoutMs: sandbox.timeoutMs === Number.POSITIVE_INFINITY ? undefined : sandbox.timeoutMs,
  };
  const waiting = {
    runtime,
    sandbox: runtime === undefined ? { ...sandbox, command: name, args } : sandbox,
  };
  const schedule = new Schedule<WaitingSandbox>({
    size: count('size', size, 2, 1024),
    maxRunning: count('maxRunning', maxRunning, 2 * availableParallelism(), 1024),
    maxQueued: count('maxQueued', maxQueued, 1024, 1_000_000),
    boot: (abort) => WaitingSandbox.start(waiting, abort),
    firstDelayMs: 200,
    maxDelayMs: 30_000,
  });
  const close = (): Promise<void> => schedule.close();
  try {
    await schedule.warm();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    run: async (given) => {
      const task: PoolTask =
        typeof given === 'string' ? (runtime ? { code: given } : { input: given }) : given;
      checkTask(task, { own: runtime === undefined, asks: sandbox.ask !== undefined });
      return schedule.run((sandbox) => sandbox.run(task, limits), task.signal);
    },
    get state() {
      return schedule.state;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
