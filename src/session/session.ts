/** Several programs in the same files, one after the other or at a time, and states of these to go back to. */
import type { FrozenLayer, JsonDiff, OpenedView } from '../changes/index.js';
import { LaunchError } from '../errors/index.js';
import {
  aborted,
  calledFrom,
  callSite,
  holdImage,
  onAbort,
  type SandboxResult,
} from '../launch/index.js';
import { loadNative } from '../native/index.js';
import type { OwnLimits } from '../plan/index.js';
import { buildReport } from '../report/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { ApplyChoice, RunApplied, ShownChange } from '../runs/index.js';
import { after, type Timer } from '../time/index.js';
import type { Session } from './api.js';
import type { Begun } from './begin.js';
import type { ExecPlace } from './exec.js';
import { Executions } from './executions.js';
import { type SessionFiles, sessionFiles } from './files.js';
import { type HandedFork, handedFork } from './handed.js';
import type { SessionLayers } from './layers.js';
import type { ExecOptions, ProgramOptions, SessionOptions } from './options.js';
import { type PublishedPort, SessionPorts } from './ports.js';
import { preloadedOf } from './preloaded.js';
import type { ExecProgram } from './program.js';
import type { OwnedProcess } from './programs.js';
import { SessionQuestions } from './questions.js';
import type { SessionReport } from './report.js';
import type { ExecResult } from './result.js';
import { closedError, openState, Sandboxes, type SandboxesOf } from './sandboxes.js';
import type { Snapshot } from './snapshot.js';
import { States } from './states.js';
import type { TerminalProgram } from './terminal.js';
import { Turns } from './turns.js';

interface Beginnings extends SandboxesOf {
  readonly options: SessionOptions;
}

/** {@link Session}. */
export class OpenSession implements Session {
  readonly #from: Beginnings;
  readonly #sandboxes: Sandboxes;
  readonly #turns: Turns;
  readonly #states: States;
  readonly #executions: Executions;
  readonly #startedAt = new Date();
  readonly files: SessionFiles;
  #awaited = false;
  #idleMs: number | undefined;
  #idle: Timer | undefined;
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
    const { signal, idleMs } = options;
    const preloaded = preloadedOf(options.lang, options.preload);
    const shared = { sandboxes: this.#sandboxes, turns: this.#turns };
    this.#states = new States({ layers, ...shared, check: () => this.#check(undefined) });
    this.#executions = new Executions({ spec, preloaded, questions: from.questions, ...shared });
    this.files = sessionFiles(this.#executions.carry, spec.realCwd, (errno) =>
      loadNative().native.errnoName(errno),
    );
    const over = (): void => this.#release();
    this.#sandboxes.result.then(over, over);
    const { live } = this.#sandboxes;
    if (live !== undefined) preloaded?.prepare(spec, live);
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

  /** The sandbox, for its owner's clients. @internal */
  get spec(): SandboxSpec {
    return this.#from.spec;
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

  /** From now on, the session ends after that time without a program. @internal */
  endIdleAfter(idleMs: number | undefined): void {
    this.#idleMs = idleMs;
    if (!this.#turns.isBusy) this.#rest();
  }

  exec(program: ExecProgram, options: ExecOptions = {}): Promise<ExecResult> {
    const site = callSite(this.exec);
    return this.#executions.exec(program, options).catch((error: unknown) => {
      throw calledFrom(site, error);
    });
  }

  spawn(program: ExecProgram, options: ProgramOptions = {}): Promise<OwnedProcess> {
    const site = callSite(this.spawn);
    return this.#executions.spawn(program, options).catch((error: unknown) => {
      throw calledFrom(site, error);
    });
  }

  async publish(ports: string | number): Promise<PublishedPort> {
    this.#check(undefined);
    const { spec, ports: own } = this.#from;
    return own.publish(spec, ports, (port) => {
      const { live } = this.#sandboxes;
      if (live !== undefined) return live.begun.launched.dialInside(port);
      throw new LaunchError('ERR_SESSION_CLOSED', 'the session has no sandbox at the moment');
    });
  }

  get published(): readonly PublishedPort[] {
    return this.#from.ports.list;
  }

  get insidePorts(): readonly number[] {
    return this.#from.ports.insideOnly;
  }

  async diff(paths?: readonly string[]): Promise<JsonDiff[]> {
    const { state, layers } = this.#from;
    if (state.closed) return (await this.#sandboxes.result).kept?.diff(paths) ?? [];
    return layers?.diff(paths) ?? [];
  }

  async show(paths?: readonly string[]): Promise<ShownChange[]> {
    this.#check(undefined);
    return this.#from.layers?.show(paths) ?? [];
  }

  async apply(what?: readonly string[] | ApplyChoice): Promise<RunApplied> {
    this.#check(undefined);
    const choice = Array.isArray(what) ? { paths: what } : (what as ApplyChoice | undefined);
    return this.#states.layers('apply').apply(choice);
  }

  async snapshot(): Promise<Snapshot> {
    return this.#states.snapshot();
  }

  async rollback(snapshot: Snapshot): Promise<void> {
    await this.#states.rollback(snapshot);
  }

  fork(snapshot?: Snapshot): Promise<Session> {
    return this.#states.fork(snapshot, (layers, layer) => this.#fork(layers, layer));
  }

  /** A fork that another process holds: it gets the lock of the fork's run. @internal */
  forkAway(snapshot?: Snapshot): Promise<HandedFork> {
    const { spec } = this.#from;
    return this.#states.fork(snapshot, (layers, layer) => {
      const own = layers.fork(layer, spec);
      try {
        return handedFork(own, layer, spec, this.#idleMs);
      } catch (error) {
        own.drop();
        throw error;
      }
    });
  }

  /** Shows another process what the files are now. @internal */
  view(): OpenedView {
    this.#check(undefined);
    return this.#states.layers('show').view();
  }

  async report(): Promise<SessionReport> {
    const { spec, state } = this.#from;
    const ended = state.closed ? await this.#sandboxes.result : undefined;
    const { joined, sandboxes } = this.#sandboxes.history;
    return {
      id: this.id,
      state: ended === undefined ? 'running' : 'ended',
      startedAt: this.#startedAt.toISOString(),
      started: this.#executions.log.started,
      programs: this.#executions.log.programs,
      sandboxes,
      report: ended?.report ?? (joined && buildReport(spec, joined)),
    };
  }

  async close(): Promise<SandboxResult> {
    const { state } = this.#from;
    if (!state.closed) {
      state.closed = true;
      this.#from.layers?.closeViews();
      await this.#turns.changed;
      await this.#from.layers?.emptied;
      await this.#sandboxes.end();
    }
    return this.#sandboxes.result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Starts a command with a terminal of its own, for the owner of a session of the command line.
   * @throws as `exec`
   */
  spawnAtTerminal(program: ExecProgram, place: ExecPlace): Promise<TerminalProgram> {
    return this.#executions.spawnAtTerminal(program, place);
  }

  /** Checks the limits of a command of the command line. @throws UsageError @internal */
  requireLimits(limits: OwnLimits): OwnLimits {
    return this.#executions.requireLimits(limits);
  }

  #check(signal: AbortSignal | undefined): void {
    const { closed, aborted: wasAborted } = this.#from.state;
    if (signal?.aborted) throw aborted(signal);
    if (closed || wasAborted) throw closedError();
  }

  #fork(layers: SessionLayers, layer: FrozenLayer): Session {
    const { options, weaker, spec } = this.#from;
    const questions = SessionQuestions.of(options, spec);
    const ports = new SessionPorts(options.onPort);
    const own = { state: openState(), layers: layers.fork(layer, spec), questions, ports };
    const from = { spec, options: { ...options, idleMs: this.#idleMs }, weaker, ...own };
    return new OpenSession(from, undefined);
  }

  #work(): void {
    this.#idle?.clear();
    this.#sandboxes.live?.hold(true, true);
  }

  /** Nothing runs: a program that forgets its session still ends. */
  #rest(): void {
    const { closed, aborted: wasAborted } = this.#from.state;
    if (closed || wasAborted) return;
    this.#sandboxes.live?.hold(false, this.#awaited);
    if (this.#idleMs === undefined) return;
    this.#idle?.clear();
    this.#idle = after(this.#idleMs, () => void this.close().catch(() => {})).unref();
  }

  #release(): void {
    this.#from.state.closed = true;
    this.#idle?.clear();
    this.#released();
    this.#from.ports.end();
    this.#letImageGo();
    this.#states.end();
  }
}
