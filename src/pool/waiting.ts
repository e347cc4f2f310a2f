/**
 * One sandbox from its start, when it learns nothing yet of what it will run, to the end
 * of the one task that it is given.
 */
import type { Socket } from 'node:net';
import type { Ask } from '../ask/index.js';
import { LaunchError } from '../errors/index.js';
import {
  askingOf,
  Ends,
  feedInput,
  follow,
  type Launched,
  type LaunchResult,
  type LaunchTask,
  launch,
  leadsFinder,
  Output,
  onAbort,
  type PinnedImage,
  type RunResult,
  resolveFor,
  type SandboxOptions,
  sandboxOptions,
  toResult,
  wasStopped,
  withChannels,
} from '../launch/index.js';
import { type CommandSpec, notAvailable, ownOf, type SandboxSpec } from '../resolve/index.js';
import { after, type Timer } from '../time/index.js';
import { type Runtime, readyByte } from './runtimes.js';
import type { PoolTask } from './task.js';

/** Milliseconds after which a sandbox that is not ready is given up. */
export const defaultStartTimeoutMs = 60_000;
/** Bytes kept of what a sandbox writes before it has a task; shown when it dies. */
const bootOutputBytes = 4096;

/** The program that waits. */
export interface WaitingProgram {
  /** The runtime that takes the task; undefined for a command that reads it from stdin by itself. */
  readonly runtime: Runtime | undefined;
  /** The program, as options of a run. */
  readonly program: Readonly<Record<string, unknown>>;
  /** The code that a runtime waits with. */
  readonly boot: string | undefined;
}

export interface WaitingOptions extends WaitingProgram {
  /** The options of the sandbox. */
  readonly sandbox: Omit<SandboxOptions, 'signal'>;
  readonly image: PinnedImage;
  /** Milliseconds until it is ready. */
  readonly startTimeoutMs: number;
}

/** The values that hold for a task that does not say otherwise. */
export interface TaskDefaults {
  readonly maxOutputBytes: number;
  readonly timeoutMs: number | undefined;
}

/** Returns what a fresh run of the task would have executed, for the report. */
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

class State implements LaunchTask {
  launched: Launched | undefined;
  command: CommandSpec | undefined;
  ask: Ask | undefined;
  readonly ends = new Ends((signal) => this.launched?.signal(signal));

  constructor(ask: Ask | undefined) {
    this.ask = ask;
  }

  get timedOut(): boolean {
    return this.ends.hasTimedOut;
  }
}

type Streams = readonly [Socket, Socket, Socket];

/** Starts the sandbox. */
function launchWaiting({ program, sandbox, image }: WaitingOptions, state: State) {
  return withChannels(['pipe', 'pipe', 'pipe'], async (channels) => {
    const streams = channels.map(({ stream }) => stream) as unknown as Streams;
    const asking = askingOf(sandbox);
    // The task's own limit counts from when it is given.
    const options = sandboxOptions({ ...sandbox, ...program, timeoutMs: undefined });
    const spec = await resolveFor(options, channels, { image });
    if (!ownOf(spec).processes) {
      throw notAvailable('pools are', 'Use run(). Where namespaces work, leave out isolation.');
    }
    const launched = await launch(spec, {
      stdio: [channels[0].fd, channels[1].fd, channels[2].fd],
      task: state,
      asking: asking && {
        ...asking,
        ask: async (...question) => (await state.ask?.(...question)) ?? 'deny',
        isOpen: () => state.command !== undefined,
      },
      reuse: true,
      isAborted: () => state.ends.isStopped,
      onEnd: () => state.ends.over(),
    });
    state.launched = launched;
    return { spec, launched, streams };
  });
}

export class WaitingSandbox {
  readonly #spec: SandboxSpec;
  readonly #runtime: Runtime | undefined;
  readonly #boot: string | undefined;
  readonly #launched: Launched;
  readonly #state: State;
  readonly #streams: Streams;
  readonly #stdin: Socket;
  readonly #stdout: Output;
  readonly #stderr: Output;
  #endedAt = 0;

  private constructor(
    spec: SandboxSpec,
    options: WaitingOptions,
    launched: Launched,
    state: State,
    streams: Streams,
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
    const state = new State(askingOf(options.sandbox)?.ask);
    const { spec, launched, streams } = await launchWaiting(options, state);
    try {
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
    // The end's own error says more than that it ended: a program that is not there, a refused mount.
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

  /** Sets whether this process stays for the sandbox. */
  #hold(hold: boolean): void {
    this.#launched.hold(hold);
    for (const stream of this.#streams) {
      if (hold) stream.ref();
      else stream.unref();
    }
  }

  /** Ends the sandbox; a task that it has is rejected with an AbortError of this cause. */
  discard(cause?: unknown): void {
    this.#hold(true);
    this.#state.ends.stop('aborted', cause);
    for (const output of [this.#stdout, this.#stderr]) output.finish();
    this.#stdin.destroy();
  }

  /** Gives the sandbox its task, once. */
  async run(task: PoolTask, defaults: TaskDefaults): Promise<RunResult> {
    const startedAt = new Date();
    const begun = performance.now();
    const command = commandOf(this.#spec, this.#boot, task);
    const { ends } = this.#state;
    this.#state.command = command;
    this.#state.ask = task.ask ?? this.#state.ask;
    this.#hold(true);
    const { timeoutMs = defaults.timeoutMs, maxOutputBytes = defaults.maxOutputBytes } = task;
    const limits = { ...this.#spec.limits, timeoutMs };
    const spec = { ...this.#spec, limits, command };
    ends.abortWith(task.signal);
    ends.timeOutAfter(timeoutMs, limits.graceMs);
    for (const output of [this.#stdout, this.#stderr]) output.begin(maxOutputBytes);
    const program = {
      stdout: this.#stdout,
      stderr: this.#stderr,
      ends,
      ended: this.#launched.done,
      maxOutputBytes,
      timeoutMs,
      feed: (failed: (error: unknown) => void) => this.#feed(task, failed),
      wasStopped,
      toResult: (ended: LaunchResult) => {
        const durationNs = Math.round(Math.max(0, this.#endedAt - begun) * 1e6);
        return toResult(spec, {
          ...ended,
          startedAt,
          outcome: { ...ended.outcome, durationNs },
        });
      },
      leads: leadsFinder(spec, [command.path], task.env),
    };
    return follow(program, task);
  }

  /** Writes the task, then its input. */
  #feed(task: PoolTask, failed: (error: unknown) => void): () => void {
    const head = this.#runtime?.encode(task);
    if (head !== undefined) this.#stdin.write(head);
    return feedInput(task.input, this.#stdin, failed);
  }
}
