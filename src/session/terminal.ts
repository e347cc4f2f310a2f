/** A program of a session that has a terminal of its own. */
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { LaunchError } from '../errors/index.js';
import { descriptorsError } from '../launch/index.js';
import { closeDescriptor, type NativeTerminalRelay } from '../native/index.js';
import {
  type Execution,
  execute,
  openPipes,
  type StartedProgram,
  type Surroundings,
} from './exec.js';

/** A program with a terminal of its own. */
export interface TerminalProgram extends Execution {
  /** The master of the terminal: the only descriptor outside. It hangs up where that is closed. */
  readonly master: number;
}

/**
 * Starts a program whose bytes name a terminal.
 * @throws as `startProgram`
 */
export async function startAtTerminal(
  shared: Surroundings,
  bytes: Uint8Array,
  command: string,
  gone: Promise<never>,
): Promise<TerminalProgram> {
  const { native } = shared;
  let pair: [number, number];
  try {
    pair = native.socketPair();
  } catch (error) {
    throw descriptorsError(error);
  }
  const [own, given] = pair;
  try {
    const started = await execute(shared, bytes, [given], command, gone);
    const master = native.receiveDescriptor(own, 0)?.[1];
    if (master !== undefined) return { ...started, master };
    started.signal(constants.signals.SIGKILL);
    throw new LaunchError('ERR_DESCRIPTORS', 'no descriptor is free for the terminal');
  } finally {
    for (const fd of pair) closeDescriptor(fd);
  }
}

/** Fulfilled when the stream is over, however. */
function closed(stream: Socket): Promise<void> {
  if (stream.destroyed || stream.readableEnded) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('close', () => resolve());
  });
}

/**
 * Starts a program whose bytes name a terminal, with pipes in place of that: what it shows is its stdout. The
 * terminal hangs up after its end, and where the caller closes stdout.
 * @throws as `startProgram`
 */
export async function startRelayed(
  shared: Surroundings,
  bytes: Uint8Array,
  command: string,
  gone: Promise<never>,
): Promise<StartedProgram> {
  const { native } = shared;
  const pipes = openPipes((isInput) => {
    const [readEnd, writeEnd] = native.pipe();
    const [own, given] = isInput ? [writeEnd, readEnd] : [readEnd, writeEnd];
    return { own, given, written: () => undefined };
  });
  const [stdin, stdout, stderr] = pipes;
  try {
    const { master, ...started } = await startAtTerminal(shared, bytes, command, gone);
    let relay: NativeTerminalRelay;
    try {
      relay = native.relayTerminal(master, stdin.given, stdout.given);
    } catch (error) {
      started.signal(constants.signals.SIGKILL);
      throw descriptorsError(error);
    } finally {
      closeDescriptor(master);
    }
    const over = (): void => relay.ended();
    started.ended.then(over, over);
    return {
      ...started,
      stdin: stdin.stream,
      stdout: stdout.stream,
      stderr: stderr.stream,
      drained: () => closed(stdout.stream),
      resize: ({ rows, columns }) => relay.resize(rows, columns),
    };
  } catch (error) {
    for (const { stream } of pipes) stream.destroy();
    throw error;
  } finally {
    for (const { given } of pipes) closeDescriptor(given);
  }
}
