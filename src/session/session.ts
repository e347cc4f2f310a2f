/** Several programs in the same files, one after the other or at a time, and states of these to go back to. */
import { constants } from 'node:os';
import { type FrozenLayer, finishRun, type JsonDiff } from '../changes/index.js';
import { LaunchError, RunError } from '../errors/index.js';
import { refusePlace } from '../host/index.js';
import {
  aborted,
  calledFrom,
  callSite,
  defaultMaxOutputBytes,
  endLaunch,
  type Failure,
  Gate,
  type LaunchResult,
  listen,
  Output,
  onAbort,
  type SandboxResult,
  toResult,
  withOutput,
} from '../launch/index.js';
import { loadNative } from '../native/index.js';
import { buildReport } from '../report/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { ApplyChoice, RunApplied } from '../runs/index.js';
import type { Session } from './api.js';
import { begin, beginAgain, type Weaker } from './begin.js';
import { control, feed, signalNumber } from './control.js';
import {
  type ExecPlace,
  execBytes,
  type StartedProgram,
  startAtTerminal,
  startProgram,
  type TerminalProgram,
} from './exec.js';
import { type Carry, type SessionFiles, sessionFiles } from './files.js';
import { History, neverStarted } from './history.js';
import { SessionLayers } from './layers.js';
import {
  checkExec,
  checkSession,
  type ExecOptions,
  type ProgramOptions,
  type SessionOptions,
  type SessionProcess,
} from './options.js';
import { type ExecProgram, wordsOf } from './program.js';
import { ProgramLog, type SessionReport } from './report.js';
import { type ExecEnd, type ExecResult, execEnd } from './result.js';
import { LiveSandbox } from './sandbox.js';
import { layerOf, Snapshot } from './snapshot.js';

const { SIGKILL } = constants.signals;

/** Programs of one session at a time; further ones wait. Each takes three descriptors here. */
const maxPrograms = 64;

/** Sessions that have not ended: what they hold for snapshots is there. */
const alive = new WeakSet<SessionLayers>();
const isAlive = (layers: SessionLayers): boolean => alive.has(layers);

/** What a session and its sandboxes say to each other. */
interface State {
  closed: boolean;
  aborted: boolean;
  /** The sandbox that runs was ended, and the session goes on. */
  suspended: boolean;
}

interface Beginnings {
  readonly spec: SandboxSpec;
  readonly options: SessionOptions;
  readonly weaker: Weaker;
  readonly state: State;
  /** Undefined where it can change nothing. */
  readonly layers: SessionLayers | undefined;
}

/** A program with its streams, for who tells its end apart from that of the streams. */
export interface OwnedProcess extends SessionProcess {
  /** Fulfilled when what it wrote until its end has been read. */
  drained(): Promise<void>;
}

/** {@link Session}. */
export class OpenSession implements Session {
  readonly #from: Beginnings;
  readonly #spec: SandboxSpec;
  readonly #state: State;
  readonly #layers: SessionLayers | undefined;
  readonly #history = new History();
  readonly #log = new ProgramLog();
  readonly #gate = new Gate(maxPrograms);
  readonly #startedAt = new Date();
  readonly files: SessionFiles;
  #live: LiveSandbox | undefined;
  #starting: Promise<LiveSandbox> | undefined;
  /** Fulfilled when nothing changes the sandbox under a program. */
  #change: Promise<unknown> = Promise.resolve();
  /** Programs that have a sandbox, and calls that are under way. */
  #active = 0;
  #running = 0;
  #awaited = false;
  #idleMs: number | undefined;
  #over = false;
  #idle: NodeJS.Timeout | undefined;
  #released: () => void = () => {};
  #finish: (result: SandboxResult | Promise<SandboxResult>) => void = () => {};
  readonly #result = new Promise<SandboxResult>((resolve) => {
    this.#finish = resolve;
  });

  constructor(from: Beginnings, live: LiveSandbox | undefined) {
    const { spec, state, layers, options } = from;
    this.#from = from;
    this.#spec = spec;
    this.#state = state;
    this.#layers = layers;
    if (layers !== undefined) alive.add(layers);
    this.files = sessionFiles(this.#carry, spec.realCwd, (errno) =>
      loadNative().native.errnoName(errno),
    );
    const over = (): void => this.#release();
    this.#result.then(over, over);
    const { signal, idleMs } = options;
    this.#idleMs = idleMs;
    if (signal !== undefined) {
      const stop = (): void => {
        state.aborted = true;
        if (this.#live === undefined && this.#starting === undefined) this.#endWithout();
        else this.#live?.kill();
      };
      this.#released = onAbort(signal, stop);
      if (live !== undefined) this.#follow(live);
      if (signal.aborted) stop();
    } else if (live !== undefined) this.#follow(live);
    this.#rest();
  }

  get id(): string | undefined {
    return this.#layers?.run.record.id;
  }

  /** The project whose files it has. */
  get workdir(): string {
    const { project, realCwd } = this.#spec;
    return this.#layers?.run.record.workdir.path ?? project?.path ?? realCwd;
  }

  get pid(): number | undefined {
    return this.#live?.pid;
  }

  get ended(): Promise<SandboxResult> {
    this.#awaited = true;
    this.#live?.hold(this.#running > 0, true);
    return this.#result;
  }

  /** Fulfilled at its end, however that comes. @internal */
  get over(): Promise<void> {
    const done = (): void => {};
    return this.#result.then(done, done);
  }

  /** From now on it ends after that time without a program. @internal */
  endIdleAfter(idleMs: number | undefined): void {
    this.#idleMs = idleMs;
    if (this.#running === 0) this.#rest();
  }

  exec(program: ExecProgram, options: ExecOptions = {}): Promise<ExecResult> {
    const site = callSite(this.exec);
    return this.#exec(program, options).catch((error: unknown) => {
      throw calledFrom(site, error);
    });
  }

  spawn(program: ExecProgram, options: ProgramOptions = {}): Promise<OwnedProcess> {
    const site = callSite(this.spawn);
    return this.#spawn(program, options).catch((error: unknown) => {
      throw calledFrom(site, error);
    });
  }

  async diff(paths?: readonly string[]): Promise<JsonDiff[]> {
    if (this.#state.closed) return (await this.#result).kept?.diff(paths) ?? [];
    return this.#layers?.diff(paths) ?? [];
  }

  async apply(what?: readonly string[] | ApplyChoice): Promise<RunApplied> {
    this.#check(undefined);
    const choice = Array.isArray(what) ? { paths: what } : (what as ApplyChoice | undefined);
    return this.#files('apply').apply(choice);
  }

  async snapshot(): Promise<Snapshot> {
    return this.#alone('snapshot', () => this.#snapshot());
  }

  async rollback(snapshot: Snapshot): Promise<void> {
    const layers = this.#files('rollback');
    const check = () => layerOf('rollback', snapshot, layers, isAlive);
    check();
    await this.#alone(undefined, async () => {
      const layer = check();
      await this.#suspend();
      layers.reset(layer);
    });
  }

  async fork(snapshot?: Snapshot): Promise<Session> {
    const layers = this.#files('fork');
    if (snapshot !== undefined) {
      this.#check(undefined);
      return this.#fork(layers, layerOf('fork', snapshot, layers, isAlive));
    }
    return this.#alone('fork', async () => {
      using taken = await this.#snapshot();
      return this.#fork(layers, layerOf('fork', taken, layers, isAlive));
    });
  }

  async report(): Promise<SessionReport> {
    const ended = this.#state.closed ? await this.#result : undefined;
    const { joined, sandboxes } = this.#history;
    return {
      id: this.id,
      state: ended === undefined ? 'running' : 'ended',
      startedAt: this.#startedAt.toISOString(),
      started: this.#log.started,
      programs: this.#log.programs,
      sandboxes,
      report: ended?.report ?? (joined && buildReport(this.#spec, joined)),
    };
  }

  async close(): Promise<SandboxResult> {
    if (this.#state.closed) return this.#result;
    this.#state.closed = true;
    await this.#change;
    const live = this.#live ?? (await this.#starting?.catch(() => undefined));
    if (live !== undefined)
      live.end(this.#spec.limits.graceMs).catch(() => {}); // #follow tells it
    else this.#endWithout();
    return this.#result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #exec(program: ExecProgram, options: ExecOptions): Promise<ExecResult> {
    const words = wordsOf(program);
    checkExec('exec', options);
    return this.#with(options.signal, async (live) => {
      const ended = this.#log.add(words[0] ?? []);
      const started = await this.#start(live, words, options);
      const result = await this.#collect(live, started, options);
      ended(plainEnd(result));
      return result;
    });
  }

  /** Follows a program to its end and collects what it writes. */
  async #collect(
    live: LiveSandbox,
    started: StartedProgram,
    options: ExecOptions,
  ): Promise<ExecResult> {
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
    const ends = control(started, { signal, timeoutMs }, this.#spec.limits.graceMs);
    let endInput = (): void => {};
    try {
      endInput = feed(options, started, failed);
      const end = await started.ended;
      if (failure !== undefined || ends.isAborted())
        for (const one of Object.values(streams)) one.finish();
      await Promise.race([started.drained(), live.gone.catch(() => {})]);
      for (const one of Object.values(streams)) one.cut();
      const plain = execEnd(end, started.startedNs, ends.hasTimedOut());
      const result = await withOutput(plain, outputs);
      if (failure !== undefined) throw failure.error;
      if (ends.isAborted() && signal) throw aborted(signal, result);
      return result;
    } finally {
      endInput();
      ends.release();
      leave(live, started);
    }
  }

  /** An operation of init's own on a file. */
  readonly #carry: Carry = (exec, what, { input, maxBytes }) =>
    this.#with(undefined, async (live) => {
      const started = await startProgram(this.#around(live), exec, what, live.gone);
      const options = { input, maxOutputBytes: maxBytes };
      const found = await this.#collect(live, started, options);
      const { exitCode, signal, stdoutBytes, truncated } = found;
      if (signal === undefined) return { status: exitCode ?? 0, bytes: stdoutBytes, truncated };
      throw new RunError('ERR_SESSION_FILE', `session.${what}: a program of the session killed it`);
    });

  async #spawn(program: ExecProgram, options: ProgramOptions): Promise<OwnedProcess> {
    const words = wordsOf(program);
    checkExec('spawn', options);
    const { signal, timeoutMs } = options;
    return this.#with(signal, async (live) => {
      const noteEnd = this.#log.add(words[0] ?? []);
      const started = await this.#start(live, words, options);
      this.#hold(1);
      this.#active++;
      const ends = control(started, { signal, timeoutMs }, this.#spec.limits.graceMs);
      const wait = async (): Promise<ExecEnd> => {
        try {
          const end = execEnd(await started.ended, started.startedNs, ends.hasTimedOut());
          noteEnd(end);
          if (ends.isAborted() && signal) throw aborted(signal, end);
          return end;
        } finally {
          ends.release();
          leave(live, started);
          this.#active--;
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
        drained: started.drained,
      };
    });
  }

  /** With a sandbox, and a place among the programs that run at a time. */
  async #with<T>(
    signal: AbortSignal | undefined,
    use: (live: LiveSandbox) => Promise<T>,
  ): Promise<T> {
    this.#check(signal);
    this.#hold(1);
    try {
      const leaveGate = await this.#gate.enter(signal);
      try {
        for (let seen: unknown; seen !== this.#change; ) {
          seen = this.#change;
          await seen;
        }
        this.#check(signal);
        this.#active++;
        try {
          return await use(this.#live ?? (await this.#sandbox()));
        } finally {
          this.#active--;
        }
      } finally {
        leaveGate();
      }
    } finally {
      this.#hold(-1);
    }
  }

  #check(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw aborted(signal);
    if (this.#state.closed || this.#state.aborted) throw closedError();
  }

  /** Where nothing else begins meanwhile. @param call that needs that no program runs */
  async #alone<T>(call: string | undefined, use: () => Promise<T>): Promise<T> {
    this.#check(undefined);
    const before = this.#change;
    let done: () => void = () => {};
    this.#change = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.#hold(1);
    try {
      await before;
      if (this.#state.closed || this.#state.aborted) throw closedError();
      if (call !== undefined && this.#active > 0) throw busyError(call);
      return await use();
    } finally {
      done();
      this.#hold(-1);
    }
  }

  #files(call: string): SessionLayers {
    if (this.#layers !== undefined) return this.#layers;
    throw new LaunchError('ERR_SNAPSHOT', `session.${call}: the session can change no files`, {
      hint: 'It has no copy-on-write directory: begin it with workdir.',
    });
  }

  async #snapshot(): Promise<Snapshot> {
    const layers = this.#files('snapshot');
    const used = await this.#suspend();
    // Without a sandbox since the last one, nothing was written.
    const layer = used === undefined ? layers.top : undefined;
    return new Snapshot({ layers, layer: layer ?? layers.freeze(used ?? { bytes: 0, inodes: 0 }) });
  }

  #fork(layers: SessionLayers, layer: FrozenLayer): Session {
    const { options, weaker } = this.#from;
    const spec = this.#spec;
    const state = { closed: false, aborted: false, suspended: false };
    const own = layers.fork(layer, spec);
    const from = {
      spec,
      options: { ...options, idleMs: this.#idleMs },
      weaker,
      state,
      layers: own,
    };
    return new OpenSession(from, undefined);
  }

  /** Ends the sandbox, if there is one. What it wrote stays. */
  async #suspend(): Promise<{ readonly bytes: number; readonly inodes: number } | undefined> {
    const live = this.#live ?? (await this.#starting?.catch(() => undefined));
    if (live === undefined) return undefined;
    this.#state.suspended = true;
    const ended = await live
      .end(this.#spec.limits.graceMs)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#state.suspended = false;
      });
    if (this.#over) throw closedError(await this.#result);
    const { usage, timedOut, signal } = ended.outcome;
    if (usage.limit !== 0 || timedOut || signal !== 0 || this.#state.aborted) {
      this.#endWith(ended);
      throw closedError(await this.#result);
    }
    this.#history.add(ended);
    return { bytes: usage.diskBytes, inodes: usage.diskInodes };
  }

  /** The sandbox failed where it should only have ended: what it wrote is saved. */
  #fail(error: unknown): never {
    const { store, run } = this.#layers ?? {};
    if (!this.#over && store !== undefined && run !== undefined) {
      finishRun(store, run, { succeeded: false }, 'keep');
    }
    this.#settle(Promise.reject(error));
    throw error;
  }

  #settle(result: SandboxResult | Promise<SandboxResult>): void {
    this.#over = true;
    this.#finish(result);
  }

  /** The sandbox that programs are given to. */
  #sandbox(): Promise<LiveSandbox> {
    this.#starting ??= this.#begin().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #begin(): Promise<LiveSandbox> {
    const { weaker } = this.#from;
    const { limits } = this.#spec;
    const rest = { ...this.#history.rest(limits), ...this.#layers?.rest(limits) };
    const spec = { ...this.#spec, limits: { ...limits, ...rest } };
    const how = { ...weaker, ...hooks(this.#state), run: this.#layers?.run };
    const live = this.#follow(liveSandbox(await beginAgain(spec, how), () => this.told()));
    if (this.#state.aborted) live.kill();
    return live;
  }

  /** What the programs of a sandbox are told that has ended. @internal */
  async told(): Promise<unknown> {
    if (this.#state.suspended) {
      return new LaunchError('ERR_SESSION_ROLLBACK', 'a rollback of the session ended the program');
    }
    return closedError(await this.#result);
  }

  #follow(live: LiveSandbox): LiveSandbox {
    this.#live = live;
    live.done.then(
      (ended) => {
        this.#live = undefined;
        if (!this.#state.suspended) this.#end(ended);
      },
      (error: unknown) => {
        this.#live = undefined;
        if (!this.#state.suspended) this.#settle(Promise.reject(error));
      },
    );
    return live;
  }

  #end(last: LaunchResult): void {
    const all = this.#history.with(last);
    this.#history.add(last);
    this.#settle(toResult(this.#spec, all));
  }

  /** The session ends while no sandbox is there. */
  #endWithout(): void {
    const layers = this.#layers;
    const { joined } = this.#history;
    if (joined !== undefined) this.#endWith(undefined);
    else if (layers !== undefined) {
      layers.drop();
      this.#settle(toResult(this.#spec, neverStarted(layers)));
    }
  }

  /** The same, after a last one that was to be followed by another. */
  #endWith(last: LaunchResult | undefined): void {
    if (last !== undefined) this.#history.add(last);
    const { joined } = this.#history;
    if (joined === undefined) return;
    const { outcome, startedAt } = joined;
    const { native } = loadNative();
    const place = { store: this.#layers?.store, run: this.#layers?.run };
    const how = { asked: true, aborted: this.#state.aborted };
    const ended = endLaunch({ native, spec: this.#spec, ...place, startedAt, ...how }, outcome);
    const result = ended.then(({ finish, record, runId }) =>
      toResult(this.#spec, { ...joined, finish, record, runId }),
    );
    this.#settle(result);
  }

  /** The first of several interpreters that is there. */
  async #start(
    live: LiveSandbox,
    choices: readonly (readonly string[])[],
    options: ProgramOptions,
  ): Promise<StartedProgram> {
    let missing: unknown;
    for (const argv of choices) {
      try {
        const bytes = execBytes(this.#spec, argv, options);
        return await startProgram(this.#around(live), bytes, argv[0] ?? '', live.gone);
      } catch (error) {
        if (!(error instanceof LaunchError) || error.code !== 'ERR_EXEC_NOT_FOUND') throw error;
        missing ??= error;
      }
    }
    throw missing;
  }

  /**
   * Starts a command with a terminal of its own, for the owner of a session of the command line.
   * @throws as `exec`
   */
  spawnAtTerminal(program: ExecProgram, place: ExecPlace): Promise<TerminalProgram> {
    const [argv = []] = wordsOf(program);
    return this.#with(undefined, async (live) => {
      const noteEnd = this.#log.add(argv);
      const bytes = execBytes(this.#spec, argv, place);
      const started = await startAtTerminal(this.#around(live), bytes, argv[0] ?? '', live.gone);
      this.#hold(1);
      this.#active++;
      const release = (): void => {
        this.#active--;
        this.#hold(-1);
      };
      started.ended.then((end) => {
        noteEnd(execEnd(end, started.startedNs, false));
        release();
      }, release);
      return started;
    });
  }

  #around({ begun: { connection } }: LiveSandbox) {
    return { native: loadNative().native, spec: this.#spec, connection };
  }

  #hold(change: 1 | -1): void {
    this.#running += change;
    if (this.#running === 0) this.#rest();
    else if (this.#running === 1 && change === 1) this.#work();
  }

  #work(): void {
    clearTimeout(this.#idle);
    this.#live?.hold(true, true);
  }

  /** Nothing runs: a program that forgets its session still ends. */
  #rest(): void {
    if (this.#state.closed || this.#state.aborted) return;
    this.#live?.hold(false, this.#awaited);
    if (this.#idleMs === undefined) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.close().catch(() => {}), this.#idleMs);
    this.#idle.unref();
  }

  #release(): void {
    this.#state.closed = true;
    clearTimeout(this.#idle);
    this.#released();
    if (this.#layers === undefined) return;
    alive.delete(this.#layers);
    try {
      this.#layers.releaseAll();
    } catch {
      // The next look at the runs removes what is left.
    }
  }
}

const hooks = (state: State) => ({
  isAborted: () => state.aborted,
  isSuspended: () => state.suspended,
});

const liveSandbox = (
  begun: ConstructorParameters<typeof LiveSandbox>[0],
  told: () => Promise<unknown>,
): LiveSandbox => new LiveSandbox(begun, told);

/** What a program left running may go on writing: it is read and dropped. */
function leave(live: LiveSandbox, { stdin, stdout, stderr }: StartedProgram): void {
  stdin.destroy();
  live.leave(stdout);
  live.leave(stderr);
}

/** Without what it wrote. */
const plainEnd = ({
  outcome,
  exitCode,
  signal,
  timedOut,
  durationMs,
  cpuMs,
  maxRssBytes,
}: ExecResult): ExecEnd => ({
  outcome,
  exitCode,
  signal,
  timedOut,
  durationMs,
  cpuMs,
  maxRssBytes,
});

function closedError(result?: SandboxResult): LaunchError {
  const limit = result?.report.outcome.limit;
  const why = limit === undefined ? '' : `: its ${limit} limit was reached`;
  return new LaunchError('ERR_SESSION_CLOSED', `the session has ended${why}`, {
    hint: 'session.ended has its report. Begin another with createSession().',
  });
}

const busyError = (call: string): LaunchError =>
  new LaunchError('ERR_SESSION_BUSY', `session.${call}: programs of the session are running`, {
    hint: 'Wait for them, or end them: a snapshot has files, and no processes.',
  });

/** As `createSession`. */
export async function openSession(
  options: SessionOptions,
  weaker: Weaker = {},
): Promise<OpenSession> {
  checkSession(options);
  const { signal } = options;
  if (signal?.aborted) throw aborted(signal);
  refusePlace();
  const state = { closed: false, aborted: false, suspended: false };
  const { spec, ...begun } = await begin(options, { ...weaker, ...hooks(state) });
  const { journal } = begun.launched;
  const layers = journal && new SessionLayers(journal.store, journal.run, spec);
  const from = { spec, options, weaker, state, layers };
  let told: () => Promise<unknown> = async () => closedError();
  const session: OpenSession = new OpenSession(
    from,
    liveSandbox(begun, () => told()),
  );
  told = () => session.told();
  return session;
}
