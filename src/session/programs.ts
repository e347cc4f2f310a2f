/** One program of a session, from the first interpreter that is there to what it wrote. */
import { constants } from 'node:os';
import { LaunchError, misuse } from '../errors/index.js';
import {
  aborted,
  defaultMaxOutputBytes,
  type Failure,
  feedInput,
  letGoAfter,
  linesOf,
  listen,
  Output,
  requireSize,
  signalNumber,
  withOutput,
} from '../launch/index.js';
import { loadNative } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { control } from './control.js';
import {
  type ExecPlace,
  execBytes,
  type StartedProgram,
  type Surroundings,
  startProgram,
} from './exec.js';
import type { ExecOptions, ProgramOptions, TerminalProcess } from './options.js';
import { type ExecEnd, type ExecResult, execEnd } from './result.js';
import type { LiveSandbox } from './sandbox.js';
import { startRelayed } from './terminal.js';

const { SIGKILL } = constants.signals;

/** A program with its streams, for who tells its end apart from that of the streams. */
export interface OwnedProcess extends TerminalProcess {
  /** Fulfilled when what it wrote until its end has been read. */
  drained(): Promise<void>;
}

export const around = (spec: SandboxSpec, { begun }: LiveSandbox): Surroundings => ({
  native: loadNative().native,
  spec,
  connection: begun.connection,
});

/** The first of several interpreters that is there. */
export async function startFirst(
  spec: SandboxSpec,
  live: LiveSandbox,
  choices: readonly (readonly string[])[],
  place: ExecPlace,
): Promise<StartedProgram> {
  let missing: unknown;
  for (const argv of choices) {
    try {
      const bytes = execBytes(spec, argv, place);
      const begin = place.terminal === undefined ? startProgram : startRelayed;
      return await begin(around(spec, live), bytes, argv[0] ?? '', live.gone);
    } catch (error) {
      if (!(error instanceof LaunchError) || error.code !== 'ERR_EXEC_NOT_FOUND') throw error;
      missing ??= error;
    }
  }
  throw missing;
}

/**
 * Follows a program to its end and collects what it writes.
 * @param noteEnd called with its end, where it is no error
 */
export async function collect(
  spec: SandboxSpec,
  live: LiveSandbox,
  started: StartedProgram,
  options: ExecOptions,
  noteEnd: (end: ExecEnd) => void = () => {},
): Promise<Omit<ExecResult, 'denied'>> {
  const { signal, timeoutMs, maxOutputBytes: limit = defaultMaxOutputBytes } = options;
  let failure: Failure | undefined;
  const failed = (error: unknown): void => {
    failure ??= { error };
    started.signal(SIGKILL);
  };
  const streams = {
    stdout: new Output(started.stdout, limit),
    stderr: new Output(started.stderr, limit),
  };
  const outputs = listen(streams, options, limit, failed);
  const hold = letGoAfter(streams, timeoutMs);
  const ends = control(started, { signal, timeoutMs }, spec.limits.graceMs);
  let endInput = (): void => {};
  try {
    endInput = feedInput(options.input, started.stdin, failed);
    const end = await started.ended;
    if (failure !== undefined || ends.isAborted())
      for (const one of Object.values(streams)) one.finish();
    await Promise.race([started.drained(), live.gone.catch(() => {})]);
    for (const one of Object.values(streams)) one.cut();
    const plain = execEnd(end, started.startedNs, ends.hasTimedOut());
    const result = await withOutput(plain, outputs);
    if (failure !== undefined) throw failure.error;
    if (ends.isAborted() && signal) throw aborted(signal, result);
    noteEnd(plain);
    return result;
  } finally {
    endInput();
    hold();
    ends.release();
    leave(live, started);
  }
}

/**
 * Follows a program whose streams the caller has.
 * @param noteEnd called with its end
 * @param release called when it is over, however
 */
export function follow(
  spec: SandboxSpec,
  live: LiveSandbox,
  started: StartedProgram,
  { signal, timeoutMs }: ProgramOptions,
  noteEnd: (end: ExecEnd) => void,
  release: () => void,
): OwnedProcess {
  const ends = control(started, { signal, timeoutMs }, spec.limits.graceMs);
  const wait = async (): Promise<ExecEnd> => {
    try {
      const end = execEnd(await started.ended, started.startedNs, ends.hasTimedOut());
      noteEnd(end);
      if (ends.isAborted() && signal) throw aborted(signal, end);
      return end;
    } finally {
      ends.release();
      leave(live, started);
      release();
    }
  };
  const result = wait();
  result.catch(() => {}); // a caller that awaits it gets the error; none has to
  return {
    stdin: started.stdin,
    stdout: started.stdout,
    stderr: started.stderr,
    stdoutLines: (how) => linesOf(started.stdout, how),
    kill: (number = 'SIGTERM') => started.signal(signalNumber(number, 1)),
    result,
    drained: started.drained,
    resize: (size) => {
      const wanted = requireSize(size);
      if (started.resize !== undefined) return started.resize(wanted);
      throw misuse('resize(size): the program has no terminal; start it with tty');
    },
  };
}

/** What a program left running may go on writing: it is read and dropped. A terminal's streams end by themselves. */
function leave(live: LiveSandbox, { stdin, stdout, stderr, resize }: StartedProgram): void {
  stdin.destroy();
  if (resize !== undefined) {
    for (const stream of [stdout, stderr]) if (stream.readableFlowing === null) stream.resume();
    return;
  }
  live.leave(stdout);
  live.leave(stderr);
}
