/** One sandbox, and several programs in it, one after the other or at a time. */
import { constants } from 'node:os';
import type { JsonDiff } from '../changes/index.js';
import { LaunchError, RunError } from '../errors/index.js';
import { refusePlace } from '../host/index.js';
import {
  aborted,
  calledFrom,
  callSite,
  defaultMaxOutputBytes,
  type Failure,
  Gate,
  type Launched,
  listen,
  Output,
  onAbort,
  openInput,
  type SandboxResult,
  toResult,
  withOutput,
} from '../launch/index.js';
import { loadNative } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { diffOf } from '../runs/index.js';
import type { Session } from './api.js';
import { type Begun, begin, type Weaker } from './begin.js';
import type { Connection } from './connection.js';
import { execBytes, type StartedProgram, startProgram } from './exec.js';
import { type Carry, type SessionFiles, sessionFiles } from './files.js';
import {
  checkExec,
  checkSession,
  type ExecOptions,
  type ProgramOptions,
  type SessionOptions,
  type SessionProcess,
} from './options.js';
import { type ExecProgram, wordsOf } from './program.js';
import { type ExecEnd, type ExecResult, execEnd } from './result.js';

const { SIGKILL, SIGTERM } = constants.signals;

/** Programs of one session at a time; further ones wait. Each takes three descriptors here. */
const maxPrograms = 64;
/** Streams that processes hold which outlive their program: the oldest are closed beyond it. */
const maxLeftStreams = 128;

/** {@link Session}. */
class OpenSession implements Session {
  readonly #spec: SandboxSpec;
  readonly #launched: Launched;
  readonly #connection: Connection;
  readonly #gate = new Gate(maxPrograms);
  readonly #left = new Set<{ destroy(): unknown }>();
  readonly #result: Promise<SandboxResult>;
  readonly #gone: Promise<never>;
  readonly files: SessionFiles;
  readonly #state: { closed: boolean; aborted: boolean };
  readonly #idleMs: number | undefined;
  #running = 0;
  #awaited = false;
  #idle: NodeJS.Timeout | undefined;
  #released: () => void = () => {};

  constructor(
    { spec, launched, connection }: Begun,
    { signal, idleMs }: SessionOptions,
    state: { closed: boolean; aborted: boolean },
  ) {
    this.#spec = spec;
    this.#launched = launched;
    this.#connection = connection;
    this.#state = state;
    this.#idleMs = idleMs;
    this.files = sessionFiles(this.#carry, spec.realCwd, (errno) =>
      loadNative().native.errnoName(errno),
    );
    this.#result = launched.done.then((ended) => toResult(spec, ended));
    this.#gone = this.#result.then(
      (result) => {
        throw this.#closedError(result);
      },
      (error: unknown) => {
        throw error;
      },
    );
    this.#gone.catch(() => this.#release());
    if (signal !== undefined) {
      const stop = (): void => {
        state.aborted = true;
        launched.hold(true);
        launched.signal(SIGKILL);
      };
      this.#released = onAbort(signal, stop);
      if (signal.aborted) stop();
    }
    this.#rest();
  }

  get id(): string | undefined {
    return this.#launched.runId;
  }

  get pid(): number {
    return this.#launched.pid;
  }

  get ended(): Promise<SandboxResult> {
    this.#awaited = true;
    this.#launched.hold(true);
    return this.#result;
  }

  exec(program: ExecProgram, options: ExecOptions = {}): Promise<ExecResult> {
    const site = callSite(this.exec);
    return this.#exec(program, options).catch((error: unknown) => {
      throw calledFrom(site, error);
    });
  }

  spawn(program: ExecProgram, options: ProgramOptions = {}): Promise<SessionProcess> {
    const site = callSite(this.spawn);
    return this.#spawn(program, options).catch((error: unknown) => {
      throw calledFrom(site, error);
    });
  }

  async diff(paths?: readonly string[]): Promise<JsonDiff[]> {
    if (this.#state.closed) return (await this.#result).kept?.diff(paths) ?? [];
    const { journal } = this.#launched;
    return journal === undefined ? [] : diffOf(journal.store, journal.run, paths);
  }

  async close(): Promise<SandboxResult> {
    if (!this.#state.closed) {
      this.#state.closed = true;
      this.#launched.hold(true);
      this.#connection.close();
      // Init answers at once, unless a program keeps it from starting another.
      const timer = setTimeout(() => this.#launched.signal(SIGKILL), this.#spec.limits.graceMs);
      const done = (): void => clearTimeout(timer);
      this.#result.then(done, done);
    }
    return this.#result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #exec(program: ExecProgram, options: ExecOptions): Promise<ExecResult> {
    const words = wordsOf(program);
    checkExec('exec', options);
    return this.#with(options.signal, async () =>
      this.#collect(await this.#start(words, options), options),
    );
  }

  /** Follows a program to its end and collects what it writes. */
  async #collect(started: StartedProgram, options: ExecOptions): Promise<ExecResult> {
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
    const control = this.#control(started, { signal, timeoutMs });
    let endInput = (): void => {};
    try {
      endInput = feed(options, started, failed);
      const end = await started.ended;
      if (failure !== undefined || control.isAborted())
        for (const one of Object.values(streams)) one.finish();
      await Promise.race([started.drained(), this.#gone.catch(() => {})]);
      for (const one of Object.values(streams)) one.cut();
      const plain = execEnd(end, started.startedNs, control.hasTimedOut());
      const result = await withOutput(plain, outputs);
      if (failure !== undefined) throw failure.error;
      if (control.isAborted() && signal) throw aborted(signal, result);
      return result;
    } finally {
      endInput();
      control.release();
      this.#leave(started);
    }
  }

  /** An operation of init's own on a file. */
  readonly #carry: Carry = (exec, what, { input, maxBytes }) =>
    this.#with(undefined, async () => {
      const { native } = loadNative();
      const shared = { native, spec: this.#spec, connection: this.#connection };
      const started = await startProgram(shared, exec, what, this.#gone);
      const options = { input, maxOutputBytes: maxBytes };
      const { exitCode, signal, stdoutBytes, truncated } = await this.#collect(started, options);
      if (signal === undefined) return { status: exitCode ?? 0, bytes: stdoutBytes, truncated };
      throw new RunError('ERR_SESSION_FILE', `session.${what}: a program of the session killed it`);
    });

  async #spawn(program: ExecProgram, options: ProgramOptions): Promise<SessionProcess> {
    const words = wordsOf(program);
    checkExec('spawn', options);
    const { signal, timeoutMs } = options;
    const started = await this.#with(signal, () => this.#start(words, options));
    this.#hold(1);
    const control = this.#control(started, { signal, timeoutMs });
    const wait = async (): Promise<ExecEnd> => {
      try {
        const end = execEnd(await started.ended, started.startedNs, control.hasTimedOut());
        if (control.isAborted() && signal) throw aborted(signal, end);
        return end;
      } finally {
        control.release();
        this.#leave(started);
        this.#hold(-1);
      }
    };
    const result = wait();
    result.catch(() => {}); // a caller that awaits it gets the error; none has to
    return {
      stdin: started.stdin,
      stdout: started.stdout,
      stderr: started.stderr,
      kill: (number = 'SIGTERM') => started.signal(signalNumber(number)),
      result,
    };
  }

  /** With a place among the programs that run at a time. */
  async #with<T>(signal: AbortSignal | undefined, use: () => Promise<T>): Promise<T> {
    this.#check(signal);
    this.#hold(1);
    try {
      const leave = await this.#gate.enter(signal);
      try {
        this.#check(signal);
        return await use();
      } finally {
        leave();
      }
    } finally {
      this.#hold(-1);
    }
  }

  #check(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw aborted(signal);
    if (this.#state.closed || this.#state.aborted) throw this.#closedError();
  }

  /** The first of several interpreters that is there. */
  async #start(
    choices: readonly (readonly string[])[],
    options: ProgramOptions,
  ): Promise<StartedProgram> {
    const { native } = loadNative();
    const shared = { native, spec: this.#spec, connection: this.#connection };
    let missing: unknown;
    for (const argv of choices) {
      try {
        const bytes = execBytes(this.#spec, argv, options);
        return await startProgram(shared, bytes, argv[0] ?? '', this.#gone);
      } catch (error) {
        if (!(error instanceof LaunchError) || error.code !== 'ERR_EXEC_NOT_FOUND') throw error;
        missing ??= error;
      }
    }
    throw missing;
  }

  #control(
    { signal: send, ended }: StartedProgram,
    { signal, timeoutMs }: Pick<ProgramOptions, 'signal' | 'timeoutMs'>,
  ) {
    let wasAborted = false;
    let timedOut = false;
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      wasAborted = true;
      send(SIGKILL);
    };
    const unwatch = onAbort(signal, stop);
    if (signal?.aborted) stop();
    if (timeoutMs !== undefined) {
      timer = setTimeout(() => {
        timedOut = true;
        send(SIGTERM);
        timer = setTimeout(() => send(SIGKILL), this.#spec.limits.graceMs);
      }, timeoutMs);
    }
    const release = (): void => {
      clearTimeout(timer);
      unwatch();
    };
    ended.then(release, release);
    return { isAborted: () => wasAborted, hasTimedOut: () => timedOut, release };
  }

  /** What a program left running may go on writing: it is read and dropped. */
  #leave({ stdin, stdout, stderr }: StartedProgram): void {
    stdin.destroy();
    for (const stream of [stdout, stderr]) {
      if (stream.destroyed) continue;
      this.#left.add(stream);
      stream.once('close', () => this.#left.delete(stream));
      stream.unref();
      stream.resume();
      const [oldest] = this.#left;
      if (this.#left.size > maxLeftStreams) oldest?.destroy();
    }
  }

  #hold(change: 1 | -1): void {
    this.#running += change;
    if (this.#running === 0) this.#rest();
    else if (this.#running === 1 && change === 1) this.#work();
  }

  #work(): void {
    clearTimeout(this.#idle);
    this.#connection.hold(true);
    this.#launched.hold(true);
  }

  /** Nothing runs: a program that forgets its session still ends. */
  #rest(): void {
    if (this.#state.closed || this.#state.aborted) return;
    this.#connection.hold(false);
    this.#launched.hold(this.#awaited);
    if (this.#idleMs === undefined) return;
    this.#idle = setTimeout(() => void this.close().catch(() => {}), this.#idleMs);
    this.#idle.unref();
  }

  #release(): void {
    this.#state.closed = true;
    clearTimeout(this.#idle);
    this.#connection.close();
    this.#released();
    for (const stream of this.#left) stream.destroy();
  }

  #closedError(result?: SandboxResult): LaunchError {
    const limit = result?.report.outcome.limit;
    const why = limit === undefined ? '' : `: its ${limit} limit was reached`;
    return new LaunchError('ERR_SESSION_CLOSED', `the session has ended${why}`, {
      hint: 'session.ended has its report. Begin another with createSession().',
    });
  }
}

function feed(
  { input }: ExecOptions,
  { stdin }: StartedProgram,
  failed: (error: unknown) => void,
): () => void {
  const file = typeof input === 'object' && 'file' in input ? input.file : undefined;
  const { createReadStream } = process.getBuiltinModule('node:fs');
  const { feed: write } = openInput(file === undefined ? input : createReadStream(file));
  if (write !== undefined) return write(stdin, failed);
  stdin.end();
  return () => {};
}

function signalNumber(signal: NodeJS.Signals | number): number {
  const number = typeof signal === 'number' ? signal : constants.signals[signal];
  if (Number.isInteger(number) && number > 0 && number <= 64) return number;
  throw new TypeError(`kill(signal): unknown signal ${String(signal)}`);
}

/** As `createSession`. */
export async function openSession(options: SessionOptions, weaker: Weaker = {}): Promise<Session> {
  checkSession(options);
  const { signal } = options;
  if (signal?.aborted) throw aborted(signal);
  refusePlace();
  const state = { closed: false, aborted: false };
  const begun = await begin(options, () => state.aborted, weaker);
  return new OpenSession(begun, options, state);
}
