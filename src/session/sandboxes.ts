/** The sandboxes of a session, one after the other, and how the session ends with the last of them. */
import { finishRun } from '../changes/index.js';
import { byInterface, LaunchError } from '../errors/index.js';
import { endLaunch, type LaunchResult, type SandboxResult, toResult } from '../launch/index.js';
import { loadNative } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { type Begun, beginAgain, type Weaker } from './begin.js';
import { History, neverStarted } from './history.js';
import type { SessionLayers } from './layers.js';
import type { SessionPorts } from './ports.js';
import type { SessionQuestions } from './questions.js';
import { LiveSandbox } from './sandbox.js';

/** The state that a session and its sandboxes share. */
export interface State {
  closed: boolean;
  aborted: boolean;
  /** The sandbox that runs was ended, and the session goes on. */
  suspended: boolean;
  /** A further sandbox starts: if it fails, the session goes on without one. */
  starting: boolean;
}

export const openState = (): State => ({
  closed: false,
  aborted: false,
  suspended: false,
  starting: false,
});

/** Returns the answers that a launch asks of the session. */
export const hooks = (state: State) => ({
  isAborted: () => state.aborted,
  isSuspended: () => state.suspended || state.starting,
});

export interface SandboxesOf {
  readonly spec: SandboxSpec;
  readonly weaker: Weaker;
  readonly state: State;
  /** The questions that it asks, and keeps of the answers; undefined where nothing is asked. */
  readonly questions: SessionQuestions | undefined;
  readonly ports: SessionPorts;
  /** The session's layers; undefined where it can change nothing. */
  readonly layers: SessionLayers | undefined;
}

export class Sandboxes {
  readonly #of: SandboxesOf;
  readonly history = new History();
  #live: LiveSandbox | undefined;
  #starting: Promise<LiveSandbox> | undefined;
  #over = false;
  #finish: (result: SandboxResult | Promise<SandboxResult>) => void = () => {};
  /** How the session ended. */
  readonly result = new Promise<SandboxResult>((resolve) => {
    this.#finish = resolve;
  });

  /** @param begun the first one; begun with the first program where there is none */
  constructor(of: SandboxesOf, begun: Begun | undefined) {
    this.#of = of;
    if (begun !== undefined) this.#follow(begun);
  }

  get live(): LiveSandbox | undefined {
    return this.#live;
  }

  /** The sandbox that new programs start in. */
  async current(): Promise<LiveSandbox> {
    if (this.#live !== undefined) return this.#live;
    this.#starting ??= this.#begin().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Ends the sandbox at once, with all that runs. */
  kill(): void {
    if (this.#live === undefined && this.#starting === undefined) this.#endWithout();
    else this.#live?.kill();
  }

  /** Ends the session. */
  async end(): Promise<void> {
    const live = await this.#liveOrStarting();
    if (live === undefined) this.#endWithout();
    else live.end(this.#of.spec.limits.graceMs).catch(() => {}); // #follow tells it
  }

  /**
   * Ends the sandbox, if there is one. What it wrote stays.
   * @throws where the session ends with it
   */
  async suspend(): Promise<{ readonly bytes: number; readonly inodes: number } | undefined> {
    const { state, spec } = this.#of;
    const live = await this.#liveOrStarting();
    if (live === undefined) return undefined;
    state.suspended = true;
    const ended = await live
      .end(spec.limits.graceMs)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        state.suspended = false;
      });
    if (this.#over) throw closedError(await this.result);
    const { usage, timedOut, signal } = ended.outcome;
    if (usage.limit !== 0 || timedOut || signal !== 0 || state.aborted) {
      this.#endWith(ended);
      throw closedError(await this.result);
    }
    this.history.add(ended);
    return { bytes: usage.diskBytes, inodes: usage.diskInodes };
  }

  #liveOrStarting(): Promise<LiveSandbox | undefined> {
    const starting = this.#starting?.catch(() => undefined);
    return this.#live === undefined && starting !== undefined
      ? starting
      : Promise.resolve(this.#live);
  }

  async #begin(): Promise<LiveSandbox> {
    const { spec, weaker, state, layers, questions, ports } = this.#of;
    const { limits } = spec;
    const rest = { ...this.history.rest(limits), ...layers?.rest(limits) };
    const asked = { asking: questions?.asking, onPort: ports.opened };
    const how = { ...weaker, ...hooks(state), ...asked, run: layers?.run };
    state.starting = true;
    try {
      const live = this.#follow(await beginAgain({ ...spec, limits: { ...limits, ...rest } }, how));
      if (state.aborted) live.kill();
      return live;
    } catch (error) {
      // The files that the sandboxes before it wrote are still there, for the next one and for the review.
      if (state.aborted) this.#endWithout();
      throw error;
    } finally {
      state.starting = false;
    }
  }

  /** Returns the error for the programs of a sandbox that has ended. */
  async #told(): Promise<unknown> {
    if (this.#of.state.suspended) {
      return new LaunchError('ERR_SESSION_ROLLBACK', 'a rollback of the session ended the program');
    }
    return closedError(await this.result);
  }

  #follow(begun: Begun): LiveSandbox {
    const { state, ports } = this.#of;
    const live = new LiveSandbox(begun, () => this.#told());
    this.#live = live;
    live.done.then(
      (ended) => {
        this.#live = undefined;
        ports.noneOpen();
        if (!state.suspended) this.#end(ended);
      },
      (error: unknown) => {
        this.#live = undefined;
        if (!state.suspended) this.#settle(Promise.reject(error));
      },
    );
    return live;
  }

  #settle(result: SandboxResult | Promise<SandboxResult>): void {
    this.#over = true;
    this.#finish(result);
  }

  /** The sandbox failed where it should only have ended: what it wrote is saved. */
  #fail(error: unknown): never {
    const { store, run } = this.#of.layers ?? {};
    if (!this.#over && store !== undefined && run !== undefined) {
      finishRun(store, run, { succeeded: false }, 'keep');
    }
    this.#settle(Promise.reject(error));
    throw error;
  }

  #end(last: LaunchResult): void {
    const all = this.history.with(last);
    this.history.add(last);
    this.#settle(toResult(this.#of.spec, all));
  }

  /** The session ends while no sandbox is there. */
  #endWithout(): void {
    const { spec, layers } = this.#of;
    if (this.history.joined !== undefined) this.#endWith(undefined);
    else if (layers !== undefined) {
      const dropped = layers.dropSoon();
      this.#settle(
        dropped.then(() => toResult(spec, neverStarted(layers, this.history.startedAt))),
      );
    }
  }

  /** Ends the session after a last one that was to be followed by another. */
  #endWith(last: LaunchResult | undefined): void {
    const { spec, layers, state } = this.#of;
    if (last !== undefined) this.history.add(last);
    const { joined } = this.history;
    if (joined === undefined) return;
    const { outcome, startedAt } = joined;
    const { native } = loadNative();
    const place = { store: layers?.store, run: layers?.run };
    const how = { asked: true, aborted: state.aborted };
    const ended = endLaunch({ native, spec, ...place, startedAt, ...how }, outcome);
    const result = ended.then(({ finish, record, runId }) =>
      toResult(spec, { ...joined, finish, record, runId }),
    );
    this.#settle(result);
  }
}

export function closedError(result?: SandboxResult): LaunchError {
  const limit = result?.report.outcome.limit;
  const why = limit === undefined ? '' : `: its ${limit} limit was reached`;
  return new LaunchError('ERR_SESSION_CLOSED', `the session has ended${why}`, {
    hint: byInterface({
      command: 'To review what it changed: wasbox runs. To start another: wasbox session start',
      library: 'session.ended has its report. Begin another with createSession().',
      mcp: 'Call the tool again: another sandbox goes on with its changes.',
    }),
  });
}
