/** Several programs in the same files, one after the other or at a time, and states of these to go back to. */
import type { FrozenLayer, JsonDiff } from '../changes/index.js';
import { LaunchError, RunError } from '../errors/index.js';
import { refusePlace } from '../host/index.js';
import {
  aborted,
  calledFrom,
  callSite,
  holdImage,
  holdInput,
  onAbort,
  PinnedImage,
  type SandboxResult,
  terminalSizeOf,
} from '../launch/index.js';
import { loadNative } from '../native/index.js';
import type { OwnLimits } from '../plan/index.js';
import { buildReport } from '../report/index.js';
import { terminalVariables } from '../resolve/index.js';
import type { ApplyChoice, RunApplied } from '../runs/index.js';
import type { Session } from './api.js';
import { type Begun, begin, type Weaker } from './begin.js';
import { checkExec, checkSession } from './check.js';
import { type ExecPlace, execBytes, type StartedProgram, startProgram } from './exec.js';
import { type Carry, type SessionFiles, sessionFiles } from './files.js';
import { type HandedFork, handedFork, takeHanded } from './handed.js';
import { SessionLayers } from './layers.js';
import { asOption, asProperty, ownLimits } from './limits.js';
import type { ExecOptions, ProgramOptions, SessionOptions } from './options.js';
import { type Preloaded, preloadedOf } from './preloaded.js';
import { type ExecProgram, wordsOf } from './program.js';
import { around, collect, follow, type OwnedProcess, startFirst } from './programs.js';
import { SessionQuestions } from './questions.js';
import { ProgramLog, type SessionReport } from './report.js';
import { type ExecResult, execEnd } from './result.js';
import type { LiveSandbox } from './sandbox.js';
import { closedError, hooks, openState, Sandboxes, type SandboxesOf } from './sandboxes.js';
import { layerOf, Snapshot } from './snapshot.js';
import { startAtTerminal, type TerminalProgram } from './terminal.js';
import { Turns } from './turns.js';

/** Sessions that have not ended: what they hold for snapshots is there. */
const alive = new WeakSet<SessionLayers>();
const isAlive = (layers: SessionLayers): boolean => alive.has(layers);

interface Beginnings extends SandboxesOf {
  readonly options: SessionOptions;
}

/** {@link Session}. */
export class OpenSession implements Session {
  readonly #from: Beginnings;
  readonly #sandboxes: Sandboxes;
  readonly #turns: Turns;
  readonly #log = new ProgramLog();
  readonly #startedAt = new Date();
  readonly #preloaded: Preloaded | undefined;
  readonly files: SessionFiles;
  #awaited = false;
  #idleMs: number | undefined;
  #idle: NodeJS.Timeout | undefined;
  #released: () => void = () => {};
  readonly #letImageGo: () => void;

  constructor(from: Beginnings, begun: Begun | undefined) {
    const { spec, state, layers, options } = from;
    this.#from = from;
    this.#letImageGo = holdImage(spec);
    this.#sandboxes = new Sandboxes(from, begun);
    this.#turns = new Turns({
      check: (signal) => this.#check(signal),
      work: () => this.#work(),
      rest: () => this.#rest(),
    });
    if (layers !== undefined) alive.add(layers);
    this.files = sessionFiles(this.#carry, spec.realCwd, (errno) =>
      loadNative().native.errnoName(errno),
    );
    const over = (): void => this.#release();
    this.#sandboxes.result.then(over, over);
    const { signal, idleMs } = options;
    this.#preloaded = preloadedOf(options.lang, options.preload);
    const { live } = this.#sandboxes;
    if (live !== undefined) this.#preloaded?.prepare(spec, live);
    this.#idleMs = idleMs;
    const stop = (): void => {
      state.aborted = true;
      this.#sandboxes.kill();
    };
    this.#released = onAbort(signal, stop);
    if (signal?.aborted) stop();
    this.#rest();
  }

  get id(): string | undefined {
    return this.#from.layers?.id;
  }

  /** The project whose files it has. */
  get workdir(): string {
    const { spec, layers } = this.#from;
    return layers?.workdir ?? spec.project?.path ?? spec.realCwd;
  }

  get pid(): number | undefined {
    return this.#sandboxes.live?.pid;
  }

  get ended(): Promise<SandboxResult> {
    this.#awaited = true;
    this.#sandboxes.live?.hold(this.#turns.isBusy, true);
    return this.#sandboxes.result;
  }

  /** Fulfilled at its end, however that comes. @internal */
  get over(): Promise<void> {
    const done = (): void => {};
    return this.#sandboxes.result.then(done, done);
  }

  /** From now on it ends after that time without a program. @internal */
  endIdleAfter(idleMs: number | undefined): void {
    this.#idleMs = idleMs;
    if (!this.#turns.isBusy) this.#rest();
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
    const { state, layers } = this.#from;
    if (state.closed) return (await this.#sandboxes.result).kept?.diff(paths) ?? [];
    return layers?.diff(paths) ?? [];
  }

  async apply(what?: readonly string[] | ApplyChoice): Promise<RunApplied> {
    this.#check(undefined);
    const choice = Array.isArray(what) ? { paths: what } : (what as ApplyChoice | undefined);
    return this.#files('apply').apply(choice);
  }

  async snapshot(): Promise<Snapshot> {
    return this.#turns.alone('snapshot', () => this.#snapshot());
  }

  async rollback(snapshot: Snapshot): Promise<void> {
    const layers = this.#files('rollback');
    const check = () => layerOf('rollback', snapshot, layers, isAlive);
    check();
    await this.#turns.alone(undefined, async () => {
      const layer = check();
      await this.#sandboxes.suspend();
      layers.reset(layer);
    });
  }

  fork(snapshot?: Snapshot): Promise<Session> {
    return this.#forked(snapshot, (layers, layer) => this.#fork(layers, layer));
  }

  /** A fork that another process holds: it gets the lock of the fork's run. @internal */
  forkAway(snapshot?: Snapshot): Promise<HandedFork> {
    const { spec } = this.#from;
    return this.#forked(snapshot, (layers, layer) => {
      const own = layers.fork(layer, spec);
      try {
        return handedFork(own, layer, spec, this.#idleMs);
      } catch (error) {
        own.drop();
        throw error;
      }
    });
  }

  async report(): Promise<SessionReport> {
    const { spec, state } = this.#from;
    const ended = state.closed ? await this.#sandboxes.result : undefined;
    const { joined, sandboxes } = this.#sandboxes.history;
    return {
      id: this.id,
      state: ended === undefined ? 'running' : 'ended',
      startedAt: this.#startedAt.toISOString(),
      started: this.#log.started,
      programs: this.#log.programs,
      sandboxes,
      report: ended?.report ?? (joined && buildReport(spec, joined)),
    };
  }

  async close(): Promise<SandboxResult> {
    const { state } = this.#from;
    if (!state.closed) {
      state.closed = true;
      await this.#turns.changed;
      await this.#from.layers?.emptied;
      await this.#sandboxes.end();
    }
    return this.#sandboxes.result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #exec(program: ExecProgram, options: ExecOptions): Promise<ExecResult> {
    const words = wordsOf(program);
    checkExec('exec', options);
    const limits = ownLimits(asProperty('exec'), options, this.#from.spec.limits);
    const closeInput = holdInput(options.input);
    const start = async (): Promise<ExecResult> => {
      const live = await this.#sandboxes.current();
      const noteEnd = this.#log.add(words[0] ?? []);
      const seen = this.#from.questions?.seen ?? 0;
      const started = await this.#start(live, program, words, options, limits);
      const result = await collect(this.#from.spec, live, started, options, noteEnd);
      return Object.assign(result, { denied: this.#from.questions?.deniedSince(seen) ?? [] });
    };
    return this.#turns.with(options.signal, start).finally(closeInput);
  }

  async #spawn(program: ExecProgram, options: ProgramOptions): Promise<OwnedProcess> {
    const words = wordsOf(program);
    checkExec('spawn', options);
    const limits = ownLimits(asProperty('spawn'), options, this.#from.spec.limits);
    return this.#turns.with(options.signal, async () => {
      const live = await this.#sandboxes.current();
      const noteEnd = this.#log.add(words[0] ?? []);
      const started = await this.#start(live, program, words, options, limits);
      return follow(this.#from.spec, live, started, options, noteEnd, this.#turns.keep());
    });
  }

  #start(
    live: LiveSandbox,
    program: ExecProgram,
    words: readonly (readonly string[])[],
    { env, cwd, tty }: ProgramOptions,
    limits: OwnLimits,
  ): Promise<StartedProgram> {
    const { spec } = this.#from;
    const terminal = terminalSizeOf(tty);
    const variables = terminal === undefined ? env : { ...terminalVariables(spec.env), ...env };
    const place = { env: variables, cwd, limits, terminal };
    return this.#preloaded?.serves(program, terminal !== undefined)
      ? this.#preloaded.start(spec, live, program, place)
      : startFirst(spec, live, words, place);
  }

  /**
   * Starts a command with a terminal of its own, for the owner of a session of the command line.
   * @throws as `exec`
   */
  spawnAtTerminal(program: ExecProgram, place: ExecPlace): Promise<TerminalProgram> {
    const { spec } = this.#from;
    const [argv = []] = wordsOf(program);
    const limits = this.requireLimits(place.limits ?? {});
    return this.#turns.with(undefined, async () => {
      const live = await this.#sandboxes.current();
      const noteEnd = this.#log.add(argv);
      const bytes = execBytes(spec, argv, { ...place, limits });
      const started = await startAtTerminal(around(spec, live), bytes, argv[0] ?? '', live.gone);
      const release = this.#turns.keep();
      started.ended.then((end) => {
        noteEnd(execEnd(end, started.startedNs, false));
        release();
      }, release);
      return started;
    });
  }

  /** Those of a command of the command line. @throws UsageError @internal */
  requireLimits(limits: OwnLimits): OwnLimits {
    return ownLimits(asOption, limits, this.#from.spec.limits);
  }

  /** An operation of init's own on a file. */
  readonly #carry: Carry = (exec, what, { input, maxBytes }) => {
    const closeInput = holdInput(input);
    const work = async (): ReturnType<Carry> => {
      const { spec } = this.#from;
      const live = await this.#sandboxes.current();
      const started = await startProgram(around(spec, live), exec, what, live.gone);
      const found = await collect(spec, live, started, { input, maxOutputBytes: maxBytes });
      const { exitCode, signal, stdoutBytes, truncated } = found;
      if (signal === undefined) return { status: exitCode ?? 0, bytes: stdoutBytes, truncated };
      throw new RunError('ERR_SESSION_FILE', `session.${what}: a program of the session killed it`);
    };
    return this.#turns.with(undefined, work).finally(closeInput);
  };

  #check(signal: AbortSignal | undefined): void {
    const { closed, aborted: wasAborted } = this.#from.state;
    if (signal?.aborted) throw aborted(signal);
    if (closed || wasAborted) throw closedError();
  }

  #files(call: string): SessionLayers {
    const { layers } = this.#from;
    if (layers !== undefined) return layers;
    throw new LaunchError('ERR_SNAPSHOT', `session.${call}: the session cannot change any files`, {
      hint: 'It has no copy-on-write directory: begin it with workdir.',
    });
  }

  async #snapshot(): Promise<Snapshot> {
    const layers = this.#files('snapshot');
    const used = await this.#sandboxes.suspend();
    // Without a sandbox since the last one, nothing was written.
    const layer = used === undefined ? layers.top : undefined;
    return new Snapshot({ layers, layer: layer ?? layers.freeze(used ?? { bytes: 0, inodes: 0 }) });
  }

  async #forked<T>(
    snapshot: Snapshot | undefined,
    make: (layers: SessionLayers, layer: FrozenLayer) => T,
  ): Promise<T> {
    const layers = this.#files('fork');
    if (snapshot !== undefined) {
      this.#check(undefined);
      return make(layers, layerOf('fork', snapshot, layers, isAlive));
    }
    return this.#turns.alone('fork', async () => {
      using taken = await this.#snapshot();
      return make(layers, layerOf('fork', taken, layers, isAlive));
    });
  }

  #fork(layers: SessionLayers, layer: FrozenLayer): Session {
    const { options, weaker, spec } = this.#from;
    const questions = SessionQuestions.of(options, spec);
    const own = { state: openState(), layers: layers.fork(layer, spec), questions };
    const from = { spec, options: { ...options, idleMs: this.#idleMs }, weaker, ...own };
    return new OpenSession(from, undefined);
  }

  #work(): void {
    clearTimeout(this.#idle);
    this.#sandboxes.live?.hold(true, true);
  }

  /** Nothing runs: a program that forgets its session still ends. */
  #rest(): void {
    const { closed, aborted: wasAborted } = this.#from.state;
    if (closed || wasAborted) return;
    this.#sandboxes.live?.hold(false, this.#awaited);
    if (this.#idleMs === undefined) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.close().catch(() => {}), this.#idleMs);
    this.#idle.unref();
  }

  #release(): void {
    const { state, layers } = this.#from;
    state.closed = true;
    clearTimeout(this.#idle);
    this.#released();
    this.#letImageGo();
    if (layers === undefined) return;
    alive.delete(layers);
    try {
      layers.releaseAll();
    } catch {
      // The next look at the runs removes what is left.
    }
  }
}

/** For the sessions of a pool, which are loaded later than the pool's interface. */
export const pinImage = (): PinnedImage => new PinnedImage();

/** As `createSession`. */
export async function openSession(
  options: SessionOptions,
  { image, ...weaker }: Weaker & { readonly image?: PinnedImage } = {},
): Promise<OpenSession> {
  checkSession(options);
  const { signal } = options;
  if (signal?.aborted) throw aborted(signal);
  refusePlace();
  const state = openState();
  const questions = SessionQuestions.of(options);
  const how = { ...weaker, ...hooks(state), asking: questions?.asking };
  const { spec, ...begun } = await begin(options, how, image);
  questions?.resolved(spec);
  const { journal } = begun.launched;
  const layers = journal && new SessionLayers(journal.store, journal.run, spec);
  return new OpenSession({ spec, options, weaker, state, layers, questions }, begun);
}

/** A fork of another process's session, as `forkAway` has made it. @param lock descriptor of the lock of its run */
export function openHandedFork(bytes: Uint8Array, lock: number) {
  const { spec, idleMs, layers } = takeHanded(bytes, lock);
  const own = { state: openState(), layers, questions: undefined };
  const from = { spec, options: { idleMs }, weaker: {}, ...own };
  return { session: new OpenSession(from, undefined), idleMs };
}
