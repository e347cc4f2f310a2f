/** The library's `spawn`: a sandbox with streams. */
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { AbortError } from '../errors/index.js';
import { refusePlace } from '../host/index.js';
import { loadNative } from '../native/index.js';
import type { TerminalSize } from '../options/index.js';
import { resolveWithCache, type SandboxSpec } from '../resolve/index.js';
import { aborted, onAbort } from './abort.js';
import { askingOf } from './ask.js';
import { callOptions, checkCall, sandboxOptions } from './call.js';
import { calledFrom, callSite } from './caller.js';
import { type Channels, closeChannels, closeGiven, openChannels, openStreams } from './channel.js';
import { descriptorsError } from './descriptors.js';
import { withImage } from './fetch-image.js';
import { turn } from './gate.js';
import { launch } from './launch.js';
import { type LineOptions, linesOf } from './lines.js';
import type {
  Program,
  SandboxOptions,
  SpawnOptions,
  SpawnSettings,
  Stdio,
  StdioTarget,
  TerminalSettings,
} from './options.js';
import { repeatedHost } from './repeated-host.js';
import { type SandboxResult, toResult } from './result.js';
import { requireSize, terminalSizeOf } from './tty.js';
import type { Launched, LaunchResult } from './types.js';

type Streamed<Target extends StdioTarget, Stream> = Target extends 'pipe'
  ? Stream
  : 'pipe' extends Target
    ? Stream | null
    : null;

/** A sandbox with the streams that `stdio` asks for. */
export type Sandbox<S extends Stdio = Stdio> = RunningSandbox<
  Streamed<S[0], Writable>,
  Streamed<S[1], Readable>,
  Streamed<S[2], Readable>
>;

/** A running sandbox. `await using` ends it, and everything in it, at the end of the block. */
export interface RunningSandbox<
  Stdin extends Writable | null = Writable | null,
  Stdout extends Readable | null = Readable | null,
  Stderr extends Readable | null = Readable | null,
> extends AsyncDisposable {
  /** Pid of the sandbox's init on the host. */
  readonly pid: number;
  /** Under which its changes are saved, if they are; undefined where it can change nothing. */
  readonly runId: string | undefined;
  /** `null` unless that stream is a pipe. */
  readonly stdin: Stdin;
  readonly stdout: Stdout;
  readonly stderr: Stderr;
  /**
   * The lines of stdout as they come, without their ends. In place of reading `stdout`.
   * @throws TypeError where stdout is not a pipe
   */
  stdoutLines(options?: LineOptions): AsyncIterable<string>;
  /**
   * Sends a signal to the payload's process group; `SIGKILL` ends everything in the sandbox.
   * @default 'SIGTERM'
   */
  kill(signal?: NodeJS.Signals | number): void;
  /**
   * Fulfilled once every process of the sandbox is gone.
   * Rejected with an AbortError where the `signal` was aborted; with a LaunchError or SupportError where
   * the payload never ran.
   */
  readonly result: Promise<SandboxResult>;
}

/** A sandbox whose program has a terminal of its own: `tty`. */
export interface TerminalSandbox extends RunningSandbox<Writable, Readable, Readable> {
  /** Gives the terminal another size; the program gets SIGWINCH. @throws TypeError */
  resize(size: TerminalSize): void;
}

/** Three pipes. */
export type Piped = readonly ['pipe', 'pipe', 'pipe'];

const SIGKILL = constants.signals.SIGKILL;

/** A sandbox that was started, with what ended it early. */
export interface Started {
  readonly spec: SandboxSpec;
  readonly launched: Launched;
  readonly channels: Channels;
  /** Ends it, which is no success; the changes go the way of a failed run. */
  stop(): void;
  /** Whether the signal was aborted while the payload ran. */
  readonly isAborted: () => boolean;
}

/**
 * Starts a sandbox, whose options have been checked.
 * @param refuse throws for a sandbox that must not be started
 */
export async function start(
  options: SandboxOptions,
  stdio: Stdio,
  refuse?: (spec: SandboxSpec) => void,
): Promise<Started> {
  const { signal } = options;
  const asking = askingOf(options);
  await turn();
  const channels = openChannels(stdio);
  let launched: Launched | undefined;
  let cause: 'signal' | 'caller' | undefined;
  let ended = false;
  const stop = (why: 'signal' | 'caller'): void => {
    if (ended) return;
    cause ??= why;
    launched?.signal(SIGKILL);
  };
  const failures: unknown[] = [];
  const onLaunched = (): void => {
    try {
      openStreams(channels);
    } catch (error) {
      failures.push(error);
    }
  };
  const unwatch = onAbort(signal, () => stop('signal'));
  const onEnd = (): void => {
    ended = true;
    unwatch();
  };
  try {
    if (signal?.aborted) throw aborted(signal);
    const [stdin, stdout, stderr] = channels;
    // A terminal takes the place of both where they are one; the pipe of stderr then ends at once.
    const both = terminalSizeOf(options.tty) !== undefined;
    const fds = [stdin.fd, stdout.fd, (both ? stdout : stderr).fd] as const;
    const { native } = loadNative();
    const asked = sandboxOptions({ ...options });
    const host = repeatedHost(native, fds);
    const spec = await withImage(asked, host, () => resolveWithCache(asked, host), { signal });
    if (signal?.aborted) throw aborted(signal);
    refuse?.(spec);
    launched = await launch(spec, {
      stdio: fds,
      asking,
      reuse: true,
      isAborted: () => cause !== undefined,
      onLaunched,
      onEnd,
    });
    // Aborted while it was being made.
    if (cause !== undefined || failures.length > 0) launched.signal(SIGKILL);
    if (failures.length > 0) throw failures[0];
    const isAborted = (): boolean => cause === 'signal';
    return { spec, launched, channels, stop: () => stop('caller'), isAborted };
  } catch (error) {
    onEnd();
    closeChannels(channels);
    if (error instanceof AbortError && signal !== undefined) throw aborted(signal);
    throw descriptorsError(error);
  } finally {
    closeGiven(channels);
  }
}

/** @param least 1 where 0, which only looks, is none */
export function signalNumber(signal: NodeJS.Signals | number, least = 0): number {
  const number = typeof signal === 'number' ? signal : constants.signals[signal];
  if (Number.isInteger(number) && number >= least && number <= 64) return number;
  throw new TypeError(`kill(signal): unknown signal ${String(signal)}`);
}

async function settle(
  { spec, isAborted }: Pick<Started, 'spec' | 'isAborted'>,
  done: Promise<LaunchResult>,
  signal: AbortSignal | undefined,
): Promise<SandboxResult> {
  const result = toResult(spec, await done);
  if (isAborted() && signal !== undefined) throw aborted(signal, result);
  return result;
}

/**
 * Starts a script or command in a sandbox and gives access to its streams.
 *
 * @example
 * await using sandbox = await spawn('./server.py', { net: ['localhost:8000'] });
 * for await (const line of sandbox.stdoutLines()) console.log(line);
 *
 * @throws TypeError for arguments of the wrong kind
 * @throws UsageError for options that are invalid or contradict each other
 * @throws PolicyError where the policy does not compile
 * @throws AbortError where the signal is aborted before the start
 */
export function spawn(
  command: string,
  args: readonly string[] | undefined,
  options: TerminalSettings & { readonly lang?: string | undefined },
): Promise<TerminalSandbox>;
export function spawn(
  command: string,
  options: TerminalSettings & {
    readonly args?: readonly string[] | undefined;
    readonly lang?: string | undefined;
  },
): Promise<TerminalSandbox>;
export function spawn(options: TerminalSettings & Program): Promise<TerminalSandbox>;
export function spawn<const S extends Stdio = Piped>(
  command: string,
  args?: readonly string[],
  options?: SpawnSettings<S> & { readonly lang?: string | undefined },
): Promise<Sandbox<S>>;
export function spawn<const S extends Stdio = Piped>(
  command: string,
  options: SpawnSettings<S> & {
    readonly args?: readonly string[] | undefined;
    readonly lang?: string | undefined;
  },
): Promise<Sandbox<S>>;
export function spawn<const S extends Stdio = Piped>(options: SpawnOptions<S>): Promise<Sandbox<S>>;
export function spawn(...given: readonly unknown[]): Promise<Sandbox> {
  const site = callSite(spawn);
  return spawnNow(given).catch((error: unknown) => {
    throw calledFrom(site, error);
  });
}

type SpawnAtTerminal = TerminalSettings & Program;

const resizeOf =
  ({ screen }: Launched): TerminalSandbox['resize'] =>
  (size) => {
    const { rows, columns } = requireSize(size);
    screen.resize(rows, columns);
  };

async function spawnNow(given: readonly unknown[]): Promise<Sandbox> {
  const options = callOptions('spawn', given) as unknown as SpawnOptions | SpawnAtTerminal;
  checkCall('spawn', { ...options });
  const { signal, stdio = ['pipe', 'pipe', 'pipe'] } = options;
  if (signal?.aborted) throw aborted(signal);
  refusePlace();
  const started = await start(options, stdio);
  const { launched, channels } = started;
  const result = settle(started, launched.done, signal);
  const [stdin, stdout, stderr] = channels;
  // Whoever could read from it is gone. A caller that awaits the result gets its error; none has to.
  const release = () => stdin.stream?.destroy();
  result.then(release, release);
  const terminal = terminalSizeOf(options.tty) === undefined ? {} : { resize: resizeOf(launched) };
  return {
    ...terminal,
    pid: launched.pid,
    runId: launched.runId,
    stdin: stdin.stream,
    stdout: stdout.stream,
    stderr: stderr.stream,
    stdoutLines: (how) => linesOf(stdout.stream, how),
    kill: (number = 'SIGTERM') => launched.signal(signalNumber(number)),
    result,
    [Symbol.asyncDispose]: async () => {
      launched.signal(SIGKILL);
      closeChannels(channels);
      await result.catch(() => {});
    },
  };
}
