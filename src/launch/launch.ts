/**
 * A resolved spec becomes a running sandbox, and its end a {@link LaunchResult}.
 * The command line and the library share it.
 */
import {
  endOfMade,
  type LayerEnd,
  lockOfMade,
  type Run,
  type RunToMake,
  removeRun,
  runStateError,
  runToMake,
} from '../changes/index.js';
import { AbortError } from '../errors/index.js';
import type { NativeOutcome, NativeSandbox } from '../native/index.js';
import { cachedPlan } from '../plan/index.js';
import { ownOf, type SandboxSpec } from '../resolve/index.js';
import { abortedMessage } from './abort.js';
import { type OpenAsking, openAsking } from './ask.js';
import { descriptorsError } from './descriptors.js';
import { endLaunch, isDiscarded } from './end.js';
import { turn } from './gate.js';
import {
  beginRun,
  dropOrKeep,
  giveLayer,
  isContinued,
  newRunRequest,
  specOfRun,
} from './layers.js';
import { checkMemoryLayers, saveMemoryLayers } from './memory-layers.js';
import { type EndSeen, startNative } from './native-start.js';
import { withOutcome } from './outcome-of.js';
import { portsTo } from './ports.js';
import { type Prepared, prepare } from './prepare.js';
import { type MadeRoot, makePrivateRoot } from './private-root.js';
import { hasEnded, leaveAtExit } from './running.js';
import type { Launched, LaunchOptions, LaunchResult, PlannedStart } from './types.js';

/**
 * Starts a sandbox.
 * @param spec resolved for the streams that `options` name
 * @throws PolicyError where the policy does not compile
 * @throws ChangesError where changes cannot be kept
 */
export async function launch(spec: SandboxSpec, options: LaunchOptions): Promise<Launched> {
  const prepared = await prepare(spec, options);
  const unmade = unmadeRun(prepared);
  const launched = unmade && (await new Launching(prepared).begin(unmade));
  if (launched !== undefined) return launched;
  // Creating the run first creates what is missing, or reports what is wrong.
  const second = await new Launching(prepared).begin(undefined);
  if (second === undefined) throw new TypeError('a sandbox whose run is made starts or tells why');
  return second;
}

/** The run that the supervising thread may create, just before it starts the sandbox: no other thread takes part. */
function unmadeRun({ spec, options, store, isAlone }: Prepared): RunToMake | undefined {
  const { privileged, idmap } = spec.identity;
  const isTold = options.asking !== undefined || options.onPlan !== undefined;
  const givesLayer = privileged && !idmap;
  if (!isAlone || store === undefined || isTold || givesLayer) return undefined;
  return spec.continues === undefined ? runToMake(store, newRunRequest(spec, true)) : undefined;
}

/** One launch, from the making of its run to its end. */
class Launching {
  readonly #prepared: Prepared;
  #startedAt = new Date();
  #run: Run | undefined;
  #privateRoot: MadeRoot | undefined;

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
    this.#run = prepared.options.run;
  }

  /** @returns undefined where the supervising thread could not create the run */
  async begin(unmade: RunToMake | undefined): Promise<Launched | undefined> {
    const { spec, options, store, reuse } = this.#prepared;
    if (store !== undefined && unmade === undefined) {
      this.#run ??= await beginRun(store, spec, reuse);
      this.#startedAt = new Date();
    }
    try {
      // Many may start at once: one in each turn of the event loop.
      if (reuse) await turn();
      // Nothing was started, so nothing is left.
      if (options.isAborted?.() === true) throw new AbortError(abortedMessage);
      return await this.#start(unmade);
    } catch (error) {
      this.#privateRoot?.remove();
      const run = this.#run;
      if (store && run && options.run === undefined) await dropOrKeep(store, run, isContinued(run));
      throw error;
    }
  }

  async #start(unmade: RunToMake | undefined): Promise<Launched | undefined> {
    const { native, init, spec, options, directory, store, isAlone } = this.#prepared;
    const hidden = spec.state.paths;
    const asking = options.asking && (await openAsking(options.asking, { spec, hidden }));
    const { plan, inputs } = await this.#plan();
    const run = this.#run;
    options.onPlan?.({ plan, inputs, run });
    const ports = portsTo(native, spec, options.onPort);
    const { sandbox, ended } = startNative(native, {
      ...{ init, plan, spec, attended: options.attended, session: options.session },
      stdio: options.stdio,
      ports: ports?.fd,
      ask: asking?.request,
      directory: run?.directory,
      lock: run && lockOfMade(run),
      layer: run && isAlone ? endOfMade(directory, run) : undefined,
      create: unmade,
    });
    asking?.attach(sandbox);
    leaveAtExit(sandbox, () => {
      if (this.#run && store && this.#isWaiting) removeRun(store, this.#run);
    });
    const started = sandbox.started.then((start) => {
      if (unmade !== undefined && start.run !== undefined) this.#run = unmade.begun(start.run);
      return start.pid;
    });
    const done = ended.then(async (how) => {
      ports?.close();
      await started;
      return this.#follow(sandbox, how, asking);
    });
    done.catch(() => {}); // reported through the result; must not count as unhandled during the start
    options.onLaunched?.();
    let pid: number;
    try {
      pid = await started;
    } catch (error) {
      ports?.close();
      hasEnded(sandbox);
      if (unmade === undefined) throw error;
      return undefined;
    }
    this.#run?.noteInit(pid);
    return this.#launched(sandbox, pid, done);
  }

  /** Makes what the plan names. */
  async #plan(): Promise<Pick<PlannedStart, 'plan' | 'inputs'>> {
    const { native, spec, options, filters, directory } = this.#prepared;
    const { privileged, idmap } = spec.identity;
    const run = this.#run;
    if (run !== undefined && !ownOf(spec).tree) {
      this.#privateRoot = makePrivateRoot(native, run, spec);
    } else if (run !== undefined && privileged && !idmap) {
      giveLayer(run, spec, options.run === undefined);
    }
    if (run !== undefined && spec.layersInMemory === true) checkMemoryLayers(native, spec, run);
    const own = run === undefined ? spec : await specOfRun(directory, run, spec);
    const session = options.session !== undefined;
    const privateRoot = this.#privateRoot?.path;
    const inputs = { ...filters, session, without: options.without, privateRoot };
    return { plan: cachedPlan(own, inputs), inputs };
  }

  #launched(sandbox: NativeSandbox, pid: number, done: Promise<LaunchResult>): Launched {
    const { store } = this.#prepared;
    const run = this.#run;
    return {
      pid,
      runId: run?.record.id,
      refusals: () => new Uint8Array(sandbox.refusals()),
      signal: (signal) => sandbox.signal(signal),
      dialInside: (port) => sandbox.dialInside(port),
      screen: sandbox,
      journal: store && run && { store, run },
      hold: (hold) => sandbox.hold(hold),
      done,
    };
  }

  /** Returns whether the payload has no task yet. */
  get #isWaiting(): boolean {
    const { task } = this.#prepared.options;
    return task !== undefined && task.command === undefined;
  }

  async #follow(
    sandbox: NativeSandbox,
    how: EndSeen,
    asking: OpenAsking | undefined,
  ): Promise<LaunchResult> {
    const { spec, options, store } = this.#prepared;
    const ran = how.seen.kind !== 'setup' && how.seen.kind !== 'exec';
    const timedOut = how.seen.timedOut || options.task?.timedOut === true;
    const end = { ...how, seen: { ...how.seen, timedOut } };
    try {
      const ended = await this.#end(sandbox, end, ran);
      return asking === undefined ? ended : { ...ended, asked: asking.records() };
    } catch (error) {
      const run = this.#run;
      if (options.run === undefined) run?.close();
      const told = store && run ? runStateError(store, run.record.id, error) : error;
      throw withOutcome(descriptorsError(told, ran), how.seen, spec);
    }
  }

  async #end(
    sandbox: NativeSandbox,
    { seen: outcome, layerEnded }: EndSeen,
    ran: boolean,
  ): Promise<LaunchResult> {
    const { native, spec, options, store, reuse, isAlone } = this.#prepared;
    hasEnded(sandbox);
    this.#privateRoot?.end(outcome);
    const inMemory = spec.layersInMemory === true && ran;
    const notes = inMemory ? await this.#saveMemory(sandbox, outcome) : [];
    options.onEnd?.();
    // Many may end at once, too.
    if (reuse) await turn();
    // A sandbox that never ran by itself is reported as it is; the run stays its owner's.
    const run = options.isSuspended?.() === true ? undefined : this.#run;
    const command = options.task?.command ?? spec.command;
    const ended = {
      ...{ native, spec: { ...spec, command }, store, run, startedAt: this.#startedAt, notes },
      ...this.#how,
      layer: reuse ? layerEnd(sandbox, isAlone ? layerEnded : undefined) : undefined,
      onProgress: options.onProgress,
    };
    return endLaunch(ended, outcome);
  }

  get #how() {
    const { isAborted } = this.#prepared.options;
    return { asked: !this.#isWaiting, aborted: isAborted?.() === true };
  }

  async #saveMemory(sandbox: NativeSandbox, outcome: NativeOutcome): Promise<readonly string[]> {
    const { native, spec, options, store } = this.#prepared;
    const discarded = isDiscarded(spec, outcome, this.#how);
    const run = this.#run;
    if (run === undefined) return [];
    try {
      return saveMemoryLayers(native, { sandbox, spec, run, outcome, discarded });
    } catch (error) {
      options.onEnd?.();
      // The layer of a home is on disk. If it cannot be saved now, the next look at the runs does it.
      if (store) await dropOrKeep(store, run, !discarded).catch(() => {});
      throw error;
    }
  }
}

const layerEnd = (sandbox: NativeSandbox, ended: boolean | undefined): LayerEnd => ({
  endUntouched: (...run) => sandbox.endUntouched(...run),
  endDiscarded: (...run) => sandbox.endDiscarded(...run),
  ended,
});
