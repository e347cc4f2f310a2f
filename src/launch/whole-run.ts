/** What the library's `run` does: a sandbox from start to end, its output collected. */
import { refusePlace } from '../host/index.js';
import { closeDescriptor } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { aborted, onAbort } from './abort.js';
import { Bytes } from './bytes.js';
import { callOptions, checkCall } from './call.js';
import { closeChannels } from './channel.js';
import { gate } from './gate.js';
import { holdInput } from './hold-input.js';
import { openInput } from './input.js';
import { noteKept } from './kept-by.js';
import type { RunLibraryOptions } from './options.js';
import { type OnOutput, Output } from './output.js';
import { type Outputs, type RunResult, toResult, wasStopped, withOutput } from './result.js';
import { type Started, start } from './start.js';
import { after } from './timer.js';
import type { LaunchResult } from './types.js';

/** Bytes kept of each stream. */
export const defaultMaxOutputBytes = 64 * 1024 * 1024;

/** What a callback or the input of the host failed with: it ends the run. */
export interface Failure {
  readonly error: unknown;
}

export interface Collecting extends Outputs {
  readonly stdout: Output;
  readonly stderr: Output;
}

/** What the callbacks of a run or task are. */
interface Callbacks {
  readonly onStdout?: OnOutput | undefined;
  readonly onStderr?: OnOutput | undefined;
  readonly all?: boolean | undefined;
}

/** Connects what is collected with the callbacks. @param failed called with what one throws */
export function listen(
  { stdout, stderr }: Omit<Collecting, 'all'>,
  { onStdout, onStderr, all }: Callbacks,
  limit: number,
  failed: (error: unknown) => void,
): Collecting {
  const both = all === true ? new Bytes() : undefined;
  const add =
    both &&
    ((chunk: Uint8Array): void => {
      const room = 2 * limit - both.size;
      if (room > 0) both.add(chunk.subarray(0, room));
    });
  stdout.listen(onStdout && { call: onStdout, failed }, add);
  stderr.listen(onStderr && { call: onStderr, failed }, add);
  return { stdout, stderr, all: both };
}

/**
 * From the time limit on no callback holds up the payload or the result: its promise may never be fulfilled.
 * @param timeoutMs from now on; 0 without a limit
 * @returns takes it back
 */
export function letGoAfter(
  { stdout, stderr }: Omit<Collecting, 'all'>,
  timeoutMs: number | undefined = 0,
): () => void {
  if (timeoutMs === 0) return () => {};
  const release = (): void => {
    stdout.release();
    stderr.release();
  };
  return after(timeoutMs, release).clear;
}

/** A run with what its result was made of. */
export interface WholeRun {
  readonly spec: SandboxSpec;
  readonly ended: LaunchResult;
  readonly result: RunResult;
}

/**
 * @param given as for {@link run}
 * @param refuse throws for a sandbox that must not be started
 */
export async function runWhole(
  given: readonly unknown[],
  refuse?: (spec: SandboxSpec) => void,
): Promise<WholeRun> {
  const options = callOptions('run', given) as unknown as RunLibraryOptions;
  checkCall('run', { ...options });
  const closeInput = holdInput(options.input);
  try {
    const { signal } = options;
    if (signal?.aborted) throw aborted(signal);
    refusePlace();
    const leave = await gate.enter(signal);
    try {
      return await runOne(options, refuse);
    } finally {
      leave();
    }
  } finally {
    closeInput();
  }
}

async function runOne(
  options: RunLibraryOptions,
  refuse: ((spec: SandboxSpec) => void) | undefined,
): Promise<WholeRun> {
  const input = openInput(options.input);
  let started: Started;
  try {
    started = await start(options, [input.target, 'pipe', 'pipe'], refuse);
  } finally {
    if (input.fd !== undefined) closeDescriptor(input.fd);
  }
  const { spec, launched, channels, stop, isAborted } = started;
  let failure: Failure | undefined;
  const failed = (error: unknown): void => {
    failure ??= { error };
    stop();
  };
  const [stdin, stdout, stderr] = channels;
  if (stdout.stream === null || stderr.stream === null) throw new TypeError('stdout is a pipe');
  const limit = options.maxOutputBytes ?? defaultMaxOutputBytes;
  const streams = {
    stdout: new Output(stdout.stream, limit),
    stderr: new Output(stderr.stream, limit),
  };
  const outputs = listen(streams, options, limit, failed);
  const endInput = stdin.stream && input.feed?.(stdin.stream, failed);
  const finish = () => {
    for (const one of Object.values(streams)) one.finish();
  };
  const unwatch = onAbort(options.signal, finish);
  const hold = letGoAfter(streams, spec.limits.timeoutMs);
  try {
    const ended = await launched.done;
    endInput?.();
    if (isAborted() || failure !== undefined) finish();
    else if (wasStopped(ended.outcome)) for (const one of Object.values(streams)) one.release();
    const result = await withOutput(toResult(spec, ended), outputs);
    if (failure !== undefined) {
      noteKept(failure.error, result);
      throw failure.error;
    }
    if (isAborted() && options.signal) throw aborted(options.signal, result);
    return { spec, ended, result };
  } catch (error) {
    endInput?.();
    closeChannels(channels);
    throw error;
  } finally {
    hold();
    unwatch();
  }
}
