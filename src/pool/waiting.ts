/**
 * One sandbox from its start, when it learns nothing yet of what it will run, to the end
 * of the one task that it is given.
 */
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Ask } from '../ask/index.js';
import { LaunchError, SupportError } from '../errors/index.js';
import {
  aborted,
  after,
  askingOf,
  type Channels,
  closeGiven,
  descriptorsError,
  type Failure,
  feedInput,
  type Launched,
  type LaunchTask,
  launch,
  letGoAfter,
  listen,
  noteKept,
  Output,
  onAbort,
  openChannels,
  type PinnedImage,
  type RunResult,
  repeatedHost,
  type SandboxOptions,
  sandboxOptions,
  type Timer,
  toResult,
  wasStopped,
  withNeeds,
  withOutput,
} from '../launch/index.js';
import { loadNative } from '../native/index.js';
import { type CommandSpec, resolveWithCache, type SandboxSpec } from '../resolve/index.js';
import { type Runtime, readyByte } from './runtimes.js';
import type { PoolTask } from './task.js';

/** Milliseconds after which a sandbox that is not ready is given up. */
export const defaultStartTimeoutMs = 60_000;
/** Bytes kept of what a sandbox writes before it has a task; shown when it dies. */
const bootOutputBytes = 4096;

/** What waits. */
export interface WaitingProgram {
  /** Undefined for a command that reads its task from stdin by itself. */
  readonly runtime: Runtime | undefined;
  /** As options of a run. */
  readonly program: Readonly<Record<string, unknown>>;
  /** The code that a runtime waits with. */
  readonly boot: string | undefined;
}

export interface WaitingOptions extends WaitingProgram {
  /** Of the sandbox. */
  readonly sandbox: Omit<SandboxOptions, 'signal'>;
  readonly image: PinnedImage;
  /** Milliseconds until it is ready. */
  readonly startTimeoutMs: number;
}

/** What holds for a task that does not say otherwise. */
export interface TaskDefaults {
  readonly maxOutputBytes: number;
  readonly timeoutMs: number | undefined;
}

/** What a fresh run of the task would have executed, for the report. */
function commandOf(spec: SandboxSpec, boot: string | undefined, task: PoolTask): CommandSpec {
  const { path, argv } = spec.command;
  if (boot === undefined) return spec.command;
  const { code, command, args = [] } = task;
  if (command !== undefined) {
    return { path, argv: [argv[0] ?? path, command, ...args], display: command };
  }
  const words = argv.map((word) => (word === boot ? (code ?? '') : word));
  return { path, argv: [...words, ...args], display: '-c' };
}

interface State {
  command: CommandSpec | undefined;
  timedOut: boolean;
  /** Whether it was ended from outside: by a signal, a failed callback, the end of the pool. */
  stopped: 'signal' | 'failure' | 'closed' | undefined;
  ask: Ask | undefined;
}

/** Starts the sandbox, and closes this process's copies of what it was given. */
async function launchWaiting(
  { program, sandbox, image }: WaitingOptions,
  state: State,
  channels: Channels,
): Promise<{ readonly spec: SandboxSpec; readonly launched: Launched }> {
  const { native } = loadNative();
  const asking = askingOf(sandbox);
  const [stdin, stdout, stderr] = channels;
  const stdio = [stdin.fd, stdout.fd, stderr.fd] as const;
  const task: LaunchTask = state;
  try {
    // The task's own limit counts from when it is given.
    const options = sandboxOptions({ ...sandbox, ...program, timeoutMs: undefined });
    const host = repeatedHost(native, stdio);
    const spec = await image.resolve(options, (from) =>
      withNeeds(from, host, () => resolveWithCache(from, host)),
    );
    if (spec.isolation === 'landlock') {
      throw new SupportError('ERR_BACKEND', 'pools are not available with Landlock isolation', {
        hint: 'Use run(). Where namespaces work, leave out isolation.',
      });
    }
    const launched = await launch(spec, {
      stdio,
      task,
      asking: asking && {
        ...asking,
        ask: async (...question) => (await state.ask?.(...question)) ?? 'deny',
        isOpen: () => state.command !== undefined,
      },
      reuse: true,
      isAborted: () => state.stopped !== undefined,
    });
    return { spec, launched };
  } catch (error) {
    throw descriptorsError(error);
  } finally {
    closeGiven(channels);
  }
}

export class WaitingSandbox {
  readonly #spec: SandboxSpec;
  readonly #runtime: Runtime | undefined;
  readonly #boot: string | undefined;
  readonly #launched: Launched;
  readonly #state: State;
  readonly #streams: readonly [Socket, Socket, Socket];
  readonly #stdin: Socket;
  readonly #stdout: Output;
  readonly #stderr: Output;
  #endedAt = 0;
  #closedBy: unknown;

  private constructor(
    spec: SandboxSpec,
    options: WaitingOptions,
    launched: Launched,
    state: State,
    streams: readonly [Socket, Socket, Socket],
  ) {
    this.#spec = spec;
    this.#runtime = options.runtime;
    this.#boot = options.boot;
    this.#launched = launched;
    this.#state = state;
    const [stdin, stdout, stderr] = streams;
    this.#streams = streams;
    this.#stdin = stdin;
    this.#stdout = new Output(stdout, bootOutputBytes);
    this.#stderr = new Output(stderr, bootOutputBytes);
    const ended = () => {
      this.#endedAt = performance.now();
    };
    launched.done.then(ended, ended);
  }

  /**
   * Starts a sandbox and waits until it is ready.
   * @throws LaunchError ERR_POOL_BOOT where it ends before
   */
  static async start(options: WaitingOptions, abort: AbortSignal): Promise<WaitingSandbox> {
    const state: State = {
      command: undefined,
      timedOut: false,
      stopped: undefined,
      ask: askingOf(options.sandbox)?.ask,
    };
    const channels = openChannels(['pipe', 'pipe', 'pipe']);
    const streams = channels.map(({ stream }) => stream) as unknown as [Socket, Socket, Socket];
    try {
      const { spec, launched } = await launchWaiting(options, state, channels);
      const waiting = new WaitingSandbox(spec, options, launched, state, streams);
      await waiting.#ready(abort, options.startTimeoutMs);
      return waiting;
    } catch (error) {
      for (const stream of streams) stream.destroy();
      throw error;
    }
  }

  /** Fulfilled when the sandbox has ended without a task; never rejected. */
  get gone(): Promise<void> {
    return this.#launched.done.then(
      () => {},
      () => {},
    );
  }

  async #ready(abort: AbortSignal, limitMs: number): Promise<void> {
    let timer: Timer | undefined;
    let unwatch = () => {};
    const late = new Promise<string>((resolve) => {
      timer = after(limitMs, () => resolve(`was not ready in ${limitMs} ms`)).unref();
      const stop = () => resolve('was no longer needed');
      unwatch = onAbort(abort, stop);
      if (abort.aborted) stop();
    });
    const ready = this.#runtime === undefined ? Promise.resolve() : this.#stdout.take(readyByte);
    // Its own error says more than that it ended: a program that is not there, a refused mount.
    const ended = this.#launched.done.then(() => 'ended');
    try {
      const trouble = await Promise.race([ready.then(() => undefined), late, ended]);
      if (trouble === undefined) {
        // A program that forgets its pool still ends.
        this.#hold(false);
        return;
      }
      this.discard();
      await this.gone;
      await Promise.all([this.#stdout.whole(), this.#stderr.whole()]);
      throw this.#bootError(trouble);
    } finally {
      timer?.clear();
      unwatch();
    }
  }

  #bootError(what: string): LaunchError {
    const said = `${this.#stderr.text()}${this.#stdout.text()}`.trim();
    return new LaunchError(
      'ERR_POOL_BOOT',
      `${this.#spec.command.path} ${what} while the pool was starting it`,
      {
        hint:
          said === ''
            ? 'It wrote no output. Run it by itself to see why: wasbox run'
            : `It wrote: ${JSON.stringify(said.slice(-500))}`,
      },
    );
  }

  /** Whether this process stays for the sandbox. */
  #hold(hold: boolean): void {
    this.#launched.hold(hold);
    for (const stream of this.#streams) {
      if (hold) stream.ref();
      else stream.unref();
    }
  }

  /** Ends the sandbox; a task that it has is rejected with an AbortError of this cause. */
  discard(cause?: unknown): void {
    if (this.#state.stopped === undefined) this.#closedBy = cause;
    this.#state.stopped ??= 'closed';
    for (const output of [this.#stdout, this.#stderr]) output.finish();
    this.#hold(true);
    this.#launched.signal(constants.signals.SIGKILL);
    this.#stdin.destroy();
  }

  /** Gives the sandbox its task, once. */
  async run(task: PoolTask, defaults: TaskDefaults): Promise<RunResult> {
    const startedAt = new Date();
    const begun = performance.now();
    this.#state.command = commandOf(this.#spec, this.#boot, task);
    this.#state.ask = task.ask ?? this.#state.ask;
    this.#hold(true);
    const stop = (why: State['stopped']) => {
      this.#state.stopped ??= why;
      for (const output of [this.#stdout, this.#stderr]) output.finish();
      this.#launched.signal(constants.signals.SIGKILL);
    };
    let failure: Failure | undefined;
    const failed = (error: unknown) => {
      failure ??= { error };
      stop('failure');
    };
    const unwatch = onAbort(task.signal, () => stop('signal'));
    const timeoutMs = task.timeoutMs ?? defaults.timeoutMs;
    const timers = this.#limit(timeoutMs);
    const limit = task.maxOutputBytes ?? defaults.maxOutputBytes;
    const streams = { stdout: this.#stdout, stderr: this.#stderr };
    for (const stream of Object.values(streams)) stream.begin(limit);
    const outputs = listen(streams, task, limit, failed);
    const hold = letGoAfter(streams, timeoutMs);
    let endInput = () => {};
    try {
      endInput = this.#feed(task, failed);
      const ended = await this.#launched.done;
      const { stopped } = this.#state;
      for (const stream of Object.values(streams)) {
        if (stopped !== undefined) stream.finish();
        else if (wasStopped(ended.outcome)) stream.release();
      }
      const durationNs = Math.round(Math.max(0, this.#endedAt - begun) * 1e6);
      const outcome = { ...ended.outcome, durationNs };
      const limits = { ...this.#spec.limits, timeoutMs };
      const spec = { ...this.#spec, limits, command: this.#state.command };
      const plain = toResult(spec, { ...ended, startedAt, outcome });
      const result = await withOutput(plain, outputs);
      if (failure !== undefined) {
        noteKept(failure.error, result);
        throw failure.error;
      }
      if (stopped === 'signal' && task.signal) throw aborted(task.signal, result);
      if (stopped === 'closed') throw aborted({ reason: this.#closedBy }, result);
      return result;
    } catch (error) {
      stop('failure');
      throw error;
    } finally {
      endInput();
      for (const timer of timers) timer.clear();
      hold();
      unwatch();
    }
  }

  /** Writes the task, then its input. */
  #feed(task: PoolTask, failed: (error: unknown) => void): () => void {
    const head = this.#runtime?.encode(task);
    if (head !== undefined) this.#stdin.write(head);
    return feedInput(task.input, this.#stdin, failed);
  }

  #limit(timeoutMs: number | undefined): Timer[] {
    const timers: Timer[] = [];
    if (timeoutMs === undefined) return timers;
    const { SIGKILL, SIGTERM } = constants.signals;
    const over = () => {
      this.#state.timedOut = true;
      this.#launched.signal(SIGTERM);
      timers.push(after(this.#spec.limits.graceMs, () => this.#launched.signal(SIGKILL)));
    };
    timers.push(after(timeoutMs, over));
    return timers;
  }
}
