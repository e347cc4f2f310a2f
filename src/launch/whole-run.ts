/** Runs what the library's `run` takes: a sandbox from start to end, its output collected. */
import { refusePlace } from '../host/index.js';
import { closeDescriptor } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { aborted } from './abort.js';
import { callOptions, checkCall } from './call.js';
import { closeChannels } from './channel.js';
import { defaultMaxOutputBytes, follow } from './follow.js';
import { descriptorsFree, gate } from './gate.js';
import { holdInput } from './hold-input.js';
import { openInput } from './input.js';
import { leadsFinder } from './leads-finder.js';
import type { RunLibraryOptions } from './options.js';
import { Output } from './output.js';
import { type RunResult, toResult, wasStopped } from './result.js';
import { type Started, start } from './start.js';
import type { LaunchResult } from './types.js';

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
      await descriptorsFree();
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
  const { spec, launched, channels, ends } = started;
  const [stdin, stdout, stderr] = channels;
  if (stdout.stream === null || stderr.stream === null) throw new TypeError('stdout is a pipe');
  const { maxOutputBytes = defaultMaxOutputBytes } = options;
  const program = {
    stdout: new Output(stdout.stream, maxOutputBytes),
    stderr: new Output(stderr.stream, maxOutputBytes),
    ends,
    ended: launched.done,
    maxOutputBytes,
    timeoutMs: spec.limits.timeoutMs,
    feed: (failed: (error: unknown) => void) =>
      stdin.stream === null ? undefined : input.feed?.(stdin.stream, failed),
    wasStopped,
    toResult: (ended: LaunchResult) => toResult(spec, ended),
    leads: leadsFinder(spec, [spec.command.path]),
  };
  try {
    const result = await follow(program, options);
    return { spec, ended: await launched.done, result };
  } catch (error) {
    closeChannels(channels);
    throw error;
  }
}
