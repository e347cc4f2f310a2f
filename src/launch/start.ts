/** How a program of the library's starts, and what `spawn` gives of it. */
import { constants } from 'node:os';
import { AbortError, misuse } from '../errors/index.js';
import { refusePlace } from '../host/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { aborted } from './abort.js';
import { askingOf } from './ask.js';
import { resolveFor, withChannels } from './beginning.js';
import { callOptions, checkCall, sandboxOptions } from './call.js';
import { type Channels, closeChannels, openStreams } from './channel.js';
import { Ends } from './ends.js';
import { turn } from './gate.js';
import { launch } from './launch.js';
import { linesOf } from './lines.js';
import type { Program, SandboxOptions, SpawnOptions, Stdio, TerminalSettings } from './options.js';
import { tellingPorts } from './ports.js';
import { type SandboxResult, toResult } from './result.js';
import type { Sandbox, TerminalSandbox } from './sandbox.js';
import { requireSize, terminalSizeOf } from './tty.js';
import type { Launched } from './types.js';

const SIGKILL = constants.signals.SIGKILL;

/** A sandbox that was started, with what ended it early. */
export interface Started {
  readonly spec: SandboxSpec;
  readonly launched: Launched;
  readonly channels: Channels;
  /** The causes that end it early, which is no success: the changes go the way of a failed run. */
  readonly ends: Ends;
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
  let launched: Launched | undefined;
  const ends = new Ends((number) => launched?.signal(number));
  ends.abortWith(signal);
  const begin = async (channels: Channels): Promise<Started> => {
    if (signal?.aborted) throw aborted(signal);
    const [stdin, stdout, stderr] = channels;
    // A terminal takes the place of both where they are one; the pipe of stderr then ends at once.
    const both = terminalSizeOf(options.tty) !== undefined;
    const given = [stdin, stdout, both ? stdout : stderr] as const;
    const found = await resolveFor(sandboxOptions({ ...options }), given, { signal });
    const { onPort } = options;
    const spec = onPort === undefined ? found : tellingPorts(found);
    if (signal?.aborted) throw aborted(signal);
    refuse?.(spec);
    const failures: unknown[] = [];
    const onLaunched = (): void => {
      try {
        openStreams(channels);
      } catch (error) {
        failures.push(error);
      }
    };
    launched = await launch(spec, {
      stdio: [given[0].fd, given[1].fd, given[2].fd],
      asking,
      onPort,
      reuse: true,
      isAborted: () => ends.isStopped,
      onLaunched,
      onEnd: () => ends.over(),
    });
    // Aborted while it was being made.
    if (ends.isStopped || failures.length > 0) launched.signal(SIGKILL);
    if (failures.length > 0) throw failures[0];
    return { spec, launched, channels, ends };
  };
  try {
    return await withChannels(stdio, begin);
  } catch (error) {
    ends.over();
    if (error instanceof AbortError && signal !== undefined) throw aborted(signal);
    throw error;
  }
}

/** @param least 1 where 0, which only looks, is none */
export function signalNumber(signal: NodeJS.Signals | number, least = 0): number {
  const number = typeof signal === 'number' ? signal : constants.signals[signal];
  if (Number.isInteger(number) && number >= least && number <= 64) return number;
  throw misuse(`kill(signal): unknown signal ${String(signal)}`);
}

async function settle({ spec, launched, ends }: Started): Promise<SandboxResult> {
  const result = toResult(spec, await launched.done);
  ends.throwIfAborted(result);
  return result;
}

type SpawnAtTerminal = TerminalSettings & Program;

const resizeOf =
  ({ screen }: Launched): TerminalSandbox['resize'] =>
  (size) => {
    const { rows, columns } = requireSize(size);
    screen.resize(rows, columns);
  };

/** @param given as for `spawn` */
export async function spawnNow(given: readonly unknown[]): Promise<Sandbox> {
  const options = callOptions('spawn', given) as unknown as SpawnOptions | SpawnAtTerminal;
  checkCall('spawn', { ...options });
  const { signal, stdio = ['pipe', 'pipe', 'pipe'] } = options;
  if (signal?.aborted) throw aborted(signal);
  refusePlace();
  const started = await start(options, stdio);
  const { launched, channels } = started;
  const result = settle(started);
  const [stdin, stdout, stderr] = channels;
  // No process is left that could read from stdin. A caller that awaits the result gets its error; none has to.
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
