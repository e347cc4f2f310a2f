/**
 * A resolved spec becomes a running sandbox, and its end a {@link LaunchResult}.
 * The command line and the library share it.
 */
import { join, relative } from 'node:path';
import { loweredOf } from '../backend/index.js';
import {
  endOfMade,
  type LayerEnd,
  lockOfMade,
  makeCache,
  makeStateDirectory,
  removeRun,
  runStateError,
} from '../changes/index.js';
import { AbortError, SupportError } from '../errors/index.js';
import { callersUmask } from '../host/index.js';
import {
  decodeOutcome,
  loadNative,
  type Native,
  type NativeAsk,
  type NativeNewRun,
  type NativeOutcome,
  type NativeRunEnd,
  type NativeSandbox,
  Sandbox,
} from '../native/index.js';
import { cachedPlan, compileFilters } from '../plan/index.js';
import { cachesName, isKept, reachesHost, type SandboxSpec } from '../resolve/index.js';
import { abortedMessage } from './abort.js';
import { openAsking } from './ask.js';
import { descriptorsError } from './descriptors.js';
import { endLaunch, isDiscarded } from './end.js';
import { turn } from './gate.js';
import { beginRun, dropOrKeep, giveLayer, isContinued, layersOf, stackedSpec } from './layers.js';
import { checkMemoryLayers, saveMemoryLayers } from './memory-layers.js';
import { newRun } from './new-run.js';
import { withOutcome } from './outcome-of.js';
import { requireOwnIds } from './own-ids.js';
import { type MadeRoot, makePrivateRoot } from './private-root.js';
import { hasEnded, leaveAtExit } from './running.js';
import type { Launched, LaunchOptions, LaunchResult } from './types.js';

/**
 * Starts a sandbox.
 * @param spec resolved for the streams that `options` name
 * @throws PolicyError where the policy does not compile
 * @throws ChangesError where changes cannot be kept
 */
export const launch = (spec: SandboxSpec, options: LaunchOptions): Promise<Launched> =>
  launchWith(spec, options, true);

/** @param atStart whether the supervising thread may create the run, just before it starts the sandbox */
async function launchWith(
  spec: SandboxSpec,
  options: LaunchOptions,
  atStart: boolean,
): Promise<Launched> {
  const { native, init } = loadNative();
  const filters = await compileFilters(spec);
  const { directory, named, paths } = spec.state;
  const ownStore = { native, directory, named };
  // A missing file cannot be hidden, but the payload could create it.
  if (spec.views.some((view) => view.type === 'hidden' && view.origin === 'state')) {
    makeStateDirectory(ownStore);
  }
  for (const view of spec.views) {
    if (!reachesHost(view) || view.origin !== 'cache') continue;
    makeCache(ownStore, relative(join(directory, cachesName), view.source).split('/'));
  }
  const store = spec.views.some(isKept) ? ownStore : undefined;
  // A layer that is to be used again is emptied while the next run is made: not with copies to compare.
  const inMemory = spec.layersInMemory === true;
  const reuse = options.reuse === true && spec.isolation === 'namespaces' && !inMemory;
  if (options.session !== undefined && spec.isolation === 'landlock') {
    throw new SupportError('ERR_BACKEND', 'sessions are not available with Landlock isolation', {
      hint: 'Use a run for each program. Where namespaces work, leave out isolation.',
    });
  }
  if (options.session !== undefined && inMemory) throw sessionInMemory(spec);
  // Refused before anything is made.
  loweredOf(spec);
  if (spec.isolation === 'landlock') requireOwnIds(spec.identity);
  const { run: given, task, without } = options;
  const session = options.session !== undefined;
  // A session keeps using its run. The run of a sandbox that still waits for a task is removed when this process ends.
  const isAlone = reuse && !session && given === undefined && task === undefined;
  const toBeTold = options.asking !== undefined || options.onPlan !== undefined;
  const unmade =
    atStart && isAlone && store !== undefined && !toBeTold
      ? newRun(store, spec, { ...filters, session, without, privateRoot: undefined })
      : undefined;
  const isMadeFirst = store !== undefined && unmade === undefined;
  let run = given ?? (isMadeFirst ? await beginRun(store, spec, reuse) : undefined);
  const { privileged } = spec.identity;
  const startedAt = new Date();
  let privateRoot: MadeRoot | undefined;
  try {
    // Many may start at once: one in each turn of the event loop.
    if (reuse) await turn();
    // Nothing was started, so nothing is left.
    if (options.isAborted?.() === true) throw new AbortError(abortedMessage);
    const asking = options.asking && (await openAsking(options.asking, { spec, hidden: paths }));
    const mapped = spec.isolation === 'namespaces';
    if (run && privileged && mapped && !spec.identity.idmap)
      giveLayer(run, spec, given === undefined);
    if (run !== undefined && spec.isolation === 'landlock') {
      privateRoot = makePrivateRoot(native, run, spec);
    }
    const layers = run === undefined || privateRoot !== undefined ? [] : layersOf(run, spec);
    if (inMemory) checkMemoryLayers(native, spec, layers);
    const inputs = { ...filters, layers, session, without, privateRoot: privateRoot?.path };
    const stacked = run === undefined ? spec : await stackedSpec(ownStore, run, spec);
    const plan = unmade?.plan ?? cachedPlan(stacked, inputs);
    options.onPlan?.({ plan, run });
    const { sandbox, ended } = start(native, {
      ...options,
      init,
      plan,
      spec,
      ask: asking?.request,
      lock: run && lockOfMade(run),
      layer: run && isAlone ? endOfMade(ownStore, run) : undefined,
      create: unmade?.create,
    });
    asking?.attach(sandbox);
    const waiting = () => task !== undefined && task.command === undefined;
    leaveAtExit(sandbox, () => {
      if (run && store && waiting()) removeRun(store, run);
    });
    const started = sandbox.started.then((start) => {
      if (unmade !== undefined && start.run !== undefined) run = unmade.begun(start.run);
      return start.pid;
    });
    let ran = false;
    const end = async ({ seen, layerEnded }: EndSeen): Promise<LaunchResult> => {
      await started;
      ran = seen.kind !== 'setup' && seen.kind !== 'exec';
      const outcome = task?.timedOut === true ? { ...seen, timedOut: true } : seen;
      hasEnded(sandbox);
      privateRoot?.end(outcome);
      let notes: readonly string[] = [];
      if (inMemory && ran) {
        const how = { asked: !waiting(), aborted: options.isAborted?.() === true };
        const discarded = isDiscarded(spec, outcome, how);
        try {
          notes = saveMemoryLayers(native, { sandbox, spec, layers, outcome, discarded });
        } catch (error) {
          options.onEnd?.();
          // The layer of a home is on disk. If it cannot be saved now, the next look at the runs does it.
          if (store && run) await dropOrKeep(store, run, !discarded).catch(() => {});
          throw error;
        }
      }
      options.onEnd?.();
      const command = task?.command ?? spec.command;
      const launched = { native, spec: { ...spec, command }, store, run, startedAt };
      // Many may end at once, too.
      if (reuse) await turn();
      const aborted = options.isAborted?.() === true;
      const { onProgress } = options;
      const layer = reuse ? layerEnd(sandbox, isAlone ? layerEnded : undefined) : undefined;
      const how = { asked: !waiting(), aborted, layer, onProgress, notes };
      // What never ran by itself is told as it is; the run stays its owner's.
      const ends = options.isSuspended?.() === true ? { run: undefined } : {};
      const ended = await endLaunch({ ...launched, ...how, ...ends }, outcome);
      return asking === undefined ? ended : { ...ended, asked: asking.records() };
    };
    const done = ended.then((how) =>
      end(how).catch((error: unknown) => {
        if (given === undefined) run?.close();
        const told = store && run ? runStateError(store, run.record.id, error) : error;
        throw withOutcome(descriptorsError(told, ran), how.seen, spec);
      }),
    );
    done.catch(() => {}); // reported through the result; must not count as unhandled during the start
    options.onLaunched?.();
    let pid: number;
    try {
      pid = await started;
    } catch {
      // Creating the run first creates what is missing, or reports what is wrong.
      hasEnded(sandbox);
      return await launchWith(spec, options, false);
    }
    run?.noteInit(pid);
    return {
      pid,
      runId: run?.record.id,
      signal: (signal) => sandbox.signal(signal),
      screen: sandbox,
      journal: store && run && { store, run },
      hold: (hold) => sandbox.hold(hold),
      done,
    };
  } catch (error) {
    privateRoot?.remove();
    if (store && run && given === undefined) await dropOrKeep(store, run, isContinued(run));
    throw error;
  }
}

/** A snapshot would freeze a layer that an overlay goes on writing to. */
const sessionInMemory = ({ state }: SandboxSpec): SupportError =>
  new SupportError(
    'ERR_OVERLAY',
    `cannot keep a session in ${state.directory}: its file system cannot hold the upper layer of an overlay`,
    {
      hint: 'Use another file system, such as a volume of the container:\n  export XDG_STATE_HOME=DIR',
    },
  );

/** How the payload ended, and whether the supervising thread has ended its run. */
interface EndSeen {
  readonly seen: NativeOutcome;
  readonly layerEnded: boolean;
}

const layerEnd = (sandbox: NativeSandbox, ended: boolean | undefined): LayerEnd => ({
  endUntouched: (...run) => sandbox.endUntouched(...run),
  endDiscarded: (...run) => sandbox.endDiscarded(...run),
  ended,
});

interface StartRequest extends LaunchOptions {
  readonly init: string;
  readonly plan: Uint8Array;
  readonly spec: SandboxSpec;
  readonly ask: NativeAsk | undefined;
  readonly lock: number | undefined;
  readonly layer: NativeRunEnd | undefined;
  readonly create: NativeNewRun | undefined;
}

function start(
  native: Native,
  request: StartRequest,
): { sandbox: NativeSandbox; ended: Promise<EndSeen> } {
  let end: (ended: { record: ArrayBuffer; layerEnded: boolean }) => void = () => {};
  const ended = new Promise<{ record: ArrayBuffer; layerEnded: boolean }>((resolve) => {
    end = resolve;
  });
  const { plan, init, stdio, spec, ask, lock, layer, create, session, attended = false } = request;
  const { timeoutMs = 0, graceMs } = spec.limits;
  const umask = callersUmask();
  const { audit } = spec;
  const launched = {
    plan,
    init,
    stdio,
    timeoutMs,
    graceMs,
    attended,
    ask,
    audit,
    umask,
    lock,
    layer,
    create,
    session,
  };
  const started = native.launch(launched, (record, layerEnded) => end({ record, layerEnded }));
  const sandbox = new Sandbox(native, started);
  const decoded = ended.then(({ record, layerEnded }) => ({
    seen: decodeOutcome(new Uint8Array(record)),
    layerEnded,
  }));
  return { sandbox, ended: decoded };
}
