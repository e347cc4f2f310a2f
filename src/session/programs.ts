/** One program of a session, from the first interpreter that is there to what it wrote. */
import { LaunchError, misuse } from '../errors/index.js';
import {
  defaultMaxOutputBytes,
  Ends,
  type FindLeads,
  feedInput,
  follow,
  linesOf,
  Output,
  requireSize,
  signalNumber,
} from '../launch/index.js';
import { loadNative } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { ProgramEnd } from './connection.js';
import {
  type ExecPlace,
  execBytes,
  type StartedProgram,
  type Surroundings,
  startProgram,
} from './exec.js';
import type { ExecOptions, ProgramOptions, TerminalProcess } from './options.js';
import { type ExecEnd, type ExecResult, execEnd, signalOf } from './result.js';
import type { LiveSandbox } from './sandbox.js';
import { startRelayed } from './terminal.js';

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

/** Returns what ends early a program that has begun. */
function endsOf(
  { signal: send, ended }: StartedProgram,
  { signal, timeoutMs }: Pick<ProgramOptions, 'signal' | 'timeoutMs'>,
  graceMs: number,
): Ends {
  const ends = new Ends(send);
  ends.abortWith(signal);
  ends.timeOutAfter(timeoutMs, graceMs);
  const over = (): void => ends.over();
  ended.then(over, over);
  return ends;
}

/**
 * Follows a program to its end and collects what it writes.
 * @param noteEnd called with its end
 * @param leads finds what it may have lacked
 */
export async function collect(
  spec: SandboxSpec,
  live: LiveSandbox,
  started: StartedProgram,
  options: ExecOptions,
  noteEnd: (end: ExecEnd) => void = () => {},
  leads?: FindLeads,
): Promise<Omit<ExecResult, 'denied'>> {
  const { timeoutMs, maxOutputBytes = defaultMaxOutputBytes } = options;
  const ends = endsOf(started, options, spec.limits.graceMs);
  const [stdout, stderr] = [started.stdout, started.stderr].map(
    (stream) => new Output(stream, maxOutputBytes),
  ) as [Output, Output];
  const toResult = (end: ProgramEnd): ExecEnd => {
    const result = execEnd(end, started.startedNs, ends.hasTimedOut);
    noteEnd(result);
    return result;
  };
  const program = {
    stdout,
    stderr,
    ends,
    ended: started.ended,
    maxOutputBytes,
    timeoutMs,
    feed: (failed: (error: unknown) => void) => feedInput(options.input, started.stdin, failed),
    wasStopped: ({ status }: ProgramEnd) => signalOf(status) !== 0 || ends.hasTimedOut,
    drained: async () => {
      await Promise.race([started.drained(), live.gone.catch(() => {})]);
      stdout.cut();
      stderr.cut();
    },
    toResult,
    ...(leads === undefined ? {} : { leads }),
  };
  try {
    return await follow(program, options);
  } finally {
    leave(live, started);
  }
}

/**
 * Follows a program whose streams the caller has.
 * @param noteEnd called with its end
 * @param release called when it is over, however
 */
export function accompany(
  spec: SandboxSpec,
  live: LiveSandbox,
  started: StartedProgram,
  options: ProgramOptions,
  noteEnd: (end: ExecEnd) => void,
  release: () => void,
): OwnedProcess {
  const ends = endsOf(started, options, spec.limits.graceMs);
  const wait = async (): Promise<ExecEnd> => {
    try {
      const end = execEnd(await started.ended, started.startedNs, ends.hasTimedOut);
      noteEnd(end);
      ends.throwIfAborted(end);
      return end;
    } finally {
      ends.over();
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

/** Reads and drops what a program that was left running goes on writing. A terminal's streams end by themselves. */
function leave(live: LiveSandbox, started: StartedProgram): void {
  const { stdin, stdout, stderr, resize } = started;
  stdin.destroy();
  if (resize !== undefined) {
    for (const stream of [stdout, stderr]) if (stream.readableFlowing === null) stream.resume();
    return;
  }
  const drained = started.drained();
  live.leave(stdout, drained);
  live.leave(stderr, drained);
}
