/** The library's `spawn`: a sandbox with streams. */
import { closeSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { Ask } from '../ask/index.js';
import type { ChangeSummary, FinishReport } from '../changes/index.js';
import { LaunchError, UsageError } from '../errors/index.js';
import { realHost, refusePlace } from '../host/index.js';
import { loadNative } from '../native/index.js';
import type { RunOptions } from '../options/index.js';
import { buildReport, type RunReport } from '../report/index.js';
import { resolveWithCache, type SandboxSpec } from '../resolve/index.js';
import type { Asking } from './ask.js';
import { launch } from './launch.js';
import type { Launched, LaunchResult } from './types.js';

/** Where one of the payload's standard streams leads. A number is a descriptor of this process. */
export type StdioTarget = 'pipe' | 'ignore' | 'inherit' | number;

export interface SpawnOptions extends RunOptions {
  /**
   * Ends the sandbox, everything in it, when aborted; the result is then rejected with
   * `ERR_ABORTED`.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Decides, while the program waits, about what the sandbox would refuse: a file that is not shown,
   * an address out of reach, a system call. What it throws, and an answer that comes too late, deny.
   * Without it nothing is asked.
   */
  readonly ask?: Ask | undefined;
  /**
   * Milliseconds that `ask` has for each question; 0 means no limit.
   * @default 60000
   */
  readonly askTimeoutMs?: number | undefined;
  /**
   * The payload's stdin, stdout and stderr.
   * @default ['pipe', 'pipe', 'pipe']
   */
  readonly stdio?: readonly [StdioTarget, StdioTarget, StdioTarget] | undefined;
}

/** How a sandbox ended. A payload's failure is a result, not an error. */
export interface SandboxResult {
  /** Exit status, or `undefined` where a signal ended the payload. */
  readonly exitCode: number | undefined;
  /** Name of the signal that ended the payload, for instance `SIGSEGV`. */
  readonly signal: NodeJS.Signals | undefined;
  /** Whether the time limit ended it. */
  readonly timedOut: boolean;
  /** Wall time from start to the payload's end, in milliseconds. */
  readonly durationMs: number;
  /** What became of the changes to the working directory; `undefined` where there were none. */
  readonly changes: FinishReport | undefined;
  readonly report: RunReport;
}

/** A running sandbox. */
export interface Sandbox {
  /** Pid of the sandbox's init on the host. */
  readonly pid: number;
  /** `null` unless that stream is a pipe. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /**
   * Sends a signal to the payload's process group; `SIGKILL` ends everything in the sandbox.
   * @default 'SIGTERM'
   */
  kill(signal?: NodeJS.Signals | number): void;
  /**
   * Fulfilled once every process of the sandbox is gone.
   * Rejected with a {@link LaunchError} or SupportError where the payload never ran.
   */
  readonly result: Promise<SandboxResult>;
}

export type { ChangeSummary, FinishReport };

export interface Channel {
  /** Descriptor that the payload gets. */
  readonly fd: number;
  /** Whether `fd` is ours and must be closed once the payload has it. */
  readonly owned: boolean;
  readonly stream: Socket | null;
}

export function openChannel(target: StdioTarget, index: number): Channel {
  if (target === 'inherit') return { fd: index, owned: false, stream: null };
  if (typeof target === 'number') return { fd: target, owned: false, stream: null };
  if (target === 'ignore') {
    return { fd: openSync('/dev/null', index === 0 ? 'r' : 'w'), owned: true, stream: null };
  }
  const [readEnd, writeEnd] = loadNative().native.pipe();
  const input = index === 0;
  // Loaded here: the command line, which passes its own streams on, starts faster without it.
  const { Socket: Stream } = process.getBuiltinModule('node:net');
  const stream = new Stream({ fd: input ? writeEnd : readEnd, readable: !input, writable: input });
  return { fd: input ? readEnd : writeEnd, owned: true, stream };
}

const signalNumber = (signal: NodeJS.Signals | number): number =>
  typeof signal === 'number' ? signal : constants.signals[signal];

const signalName = (signal: number): NodeJS.Signals | undefined =>
  (Object.entries(constants.signals) as [NodeJS.Signals, number][]).find(
    ([, number]) => number === signal,
  )?.[0];

export function toResult(spec: SandboxSpec, ended: LaunchResult): SandboxResult {
  const { outcome, finish } = ended;
  return {
    exitCode: outcome.signal === 0 ? outcome.exitCode : undefined,
    signal: outcome.signal === 0 ? undefined : signalName(outcome.signal),
    timedOut: outcome.timedOut,
    durationMs: outcome.durationNs / 1e6,
    changes: finish?.disposition === 'none' ? undefined : finish,
    report: buildReport(spec, ended),
  };
}

async function settle(
  spec: SandboxSpec,
  launched: Launched,
  abort: AbortSignal | undefined,
): Promise<SandboxResult> {
  const onAbort = () => launched.signal(constants.signals.SIGKILL);
  abort?.addEventListener('abort', onAbort, { once: true });
  // It may have been aborted while the sandbox was being made.
  if (abort?.aborted) onAbort();
  try {
    const ended = await launched.done;
    if (abort?.aborted) throw aborted(abort);
    return toResult(spec, ended);
  } finally {
    abort?.removeEventListener('abort', onAbort);
  }
}

export const aborted = (signal: AbortSignal): LaunchError =>
  new LaunchError('ERR_ABORTED', 'the run was aborted', { cause: signal.reason });

const defaultAskTimeoutMs = 60_000;

export function askingOf({
  ask,
  askTimeoutMs: timeoutMs = defaultAskTimeoutMs,
}: Pick<SpawnOptions, 'ask' | 'askTimeoutMs'>) {
  if (ask === undefined) return undefined;
  if (typeof ask !== 'function') throw new UsageError('ERR_OPTION_VALUE', 'ask must be a function');
  if (!Number.isFinite(timeoutMs) || timeoutMs < 0) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      `askTimeoutMs: invalid number of milliseconds: ${timeoutMs}`,
    );
  }
  return { ask, timeoutMs } satisfies Asking;
}

/**
 * Starts a script or command in a sandbox and gives access to its streams.
 *
 * @throws TypeError where `options` is not an object
 * @throws UsageError for options that are invalid or contradict each other
 * @throws PolicyError where the policy does not compile
 */
export async function spawn(options: SpawnOptions): Promise<Sandbox> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError("spawn(options): options must be an object, such as { command: 'make' }");
  }
  if (options.signal?.aborted) throw aborted(options.signal);
  refusePlace();
  const asking = askingOf(options);
  const { native } = loadNative();
  const targets = options.stdio ?? ['pipe', 'pipe', 'pipe'];
  const channels = targets.map(openChannel) as [Channel, Channel, Channel];
  try {
    const [stdin, stdout, stderr] = channels;
    const stdio = [stdin.fd, stdout.fd, stderr.fd] as const;
    const spec = resolveWithCache(options, realHost({ native, stdio }));
    const launched = await launch(spec, {
      stdio,
      asking,
      reuse: true,
      isAborted: () => options.signal?.aborted === true,
    });
    const result = settle(spec, launched, options.signal);
    result.catch(() => {}); // a caller that awaits it gets the error; none has to
    return {
      pid: launched.pid,
      stdin: stdin.stream,
      stdout: stdout.stream,
      stderr: stderr.stream,
      kill: (signal = 'SIGTERM') => launched.signal(signalNumber(signal)),
      result,
    };
  } catch (error) {
    for (const channel of channels) channel.stream?.destroy();
    throw error;
  } finally {
    for (const channel of channels) if (channel.owned) closeSync(channel.fd);
  }
}
