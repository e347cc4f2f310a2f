/**
 * A resolved spec becomes a running sandbox, and its end a {@link LaunchResult}.
 * The command line and the library share it.
 */
import { release } from 'node:os';
import { openStore } from '../changes/index.js';
import { SupportError } from '../errors/index.js';
import { callersUmask } from '../host/index.js';
import type { Native, NativeAsk, NativeOutcome, NativeSandbox } from '../native/index.js';
import { loadNative } from '../native/index.js';
import { cachedPlan, compileFilters, landlockNetworkAbi } from '../plan/index.js';
import { landlockObstacle } from '../report/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { openAsking } from './ask.js';
import { endLaunch } from './end.js';
import { hideState } from './hide-state.js';
import { beginRun, dropOrKeep, giveLayer, isContinued, layerOf } from './layers.js';
import { hasEnded, leaveAtExit } from './running.js';
import { statePlaces, statePlacesAgain } from './state-places.js';
import { chooseGuards } from './stdio-kinds.js';
import type { Launched, LaunchOptions } from './types.js';

/**
 * Starts a sandbox.
 * @throws PolicyError where the policy does not compile
 * @throws ChangesError where changes cannot be kept
 */
export async function launch(resolved: SandboxSpec, options: LaunchOptions): Promise<Launched> {
  const { native, init } = loadNative();
  const ownStore = openStore(native);
  const landlockAbi = native.landlockAbi();
  const { spec: reachable, notes } = withinReach(resolved, landlockAbi);
  const look = options.reuse === true ? statePlacesAgain : statePlaces;
  const places = look(native, ownStore, reachable);
  const spec = hideState(ownStore, reachable, places.paths);
  const asks = options.asking !== undefined;
  const guards = chooseGuards(spec, options.stdio, { asks, terminal: options.terminal });
  const filters = await compileFilters(spec, { guards, asks });
  const overlays = spec.mounts.filter((mount) => mount.type === 'overlay');
  const store = overlays.length === 0 ? undefined : ownStore;
  const run = store === undefined ? undefined : beginRun(store, spec, options.reuse === true);
  // Uid 0 of a user namespace (hostUid 0) has no more rights than its owner outside.
  const privileged = process.geteuid?.() === 0 && spec.identity.hostUid !== 0;
  const startedAt = new Date();
  try {
    const asking =
      options.asking &&
      (await openAsking(options.asking, { spec, privileged, hidden: places.paths }));
    if (run && privileged && !spec.identity.idmap) giveLayer(run, spec);
    const plan = cachedPlan(spec, {
      ...filters,
      asks,
      layers: run === undefined ? [] : overlays.map(({ source }) => layerOf(run, source)),
      landlockAbi,
      privileged,
      terminal: options.terminal,
      without: options.without,
    });
    const timeoutMs = spec.limits.timeoutMs ?? 0;
    const { graceMs } = spec.limits;
    options.onPlan?.({ plan, store, run, guards, timeoutMs, graceMs, places });
    const { sandbox, ended } = start(native, {
      ...options,
      init,
      plan,
      spec,
      ask: asking?.request,
    });
    asking?.attach(sandbox);
    const { task } = options;
    const waiting = () => task !== undefined && task.command === undefined;
    leaveAtExit(sandbox, () => {
      if (store && run && waiting()) dropOrKeep(store, run, false);
    });
    const done = ended.then(async (seen) => {
      const outcome = task?.timedOut === true ? { ...seen, timedOut: true } : seen;
      hasEnded(sandbox);
      options.onEnd?.();
      const command = task?.command ?? spec.command;
      const launched = { native, spec: { ...spec, command }, store, run, startedAt, landlockAbi };
      const isReleased = () => sandbox.isReleased();
      const aborted = options.isAborted?.() === true;
      const { onProgress } = options;
      const how = { guards, asked: !waiting(), aborted, isReleased, onProgress };
      const ended = await endLaunch({ ...launched, ...how }, outcome);
      if (asking === undefined) return ended;
      const told = [...(notes ?? []), ...(ended.notes ?? [])];
      return { ...ended, notes: told, asked: asking.records() };
    });
    done.catch(() => {}); // told through the result; not to be unhandled while it starts
    const pid = await sandbox.started;
    return {
      pid,
      signal: (signal) => sandbox.signal(signal),
      screen: sandbox,
      hold: (hold) => sandbox.hold(hold),
      done,
    };
  } catch (error) {
    if (store && run) dropOrKeep(store, run, isContinued(run));
    throw error;
  }
}

/**
 * Without Landlock's part nothing would keep the payload from dialling by itself: then the network is
 * off where it only was to be asked about.
 * @throws SupportError where rules allow something
 */
function withinReach(
  spec: SandboxSpec,
  landlockAbi: number,
): { readonly spec: SandboxSpec; readonly notes?: readonly string[] } {
  if (spec.net !== 'rules' || landlockAbi >= landlockNetworkAbi) return { spec };
  const { why, fix } = landlockObstacle(landlockAbi, landlockNetworkAbi, release());
  if (spec.network?.optional === true) {
    const note = `the network is off, and --ask cannot ask about it: ${why}`;
    return { spec: { ...spec, net: 'none', network: undefined }, notes: [note] };
  }
  throw new SupportError('ERR_KERNEL', `rules for the network cannot be kept: ${why}`, {
    hint: `${fix}\nWithout rules: --net none, or --net host for all that the host reaches.`,
  });
}

interface StartRequest extends LaunchOptions {
  readonly init: string;
  readonly plan: Uint8Array;
  readonly spec: SandboxSpec;
  readonly ask: NativeAsk | undefined;
}

function start(
  native: Native,
  request: StartRequest,
): { sandbox: NativeSandbox; ended: Promise<NativeOutcome> } {
  let end: (outcome: NativeOutcome) => void = () => {};
  const ended = new Promise<NativeOutcome>((resolve) => {
    end = resolve;
  });
  const { plan, init, stdio, spec, ask, attended = false } = request;
  const { timeoutMs = 0, graceMs } = spec.limits;
  const umask = callersUmask();
  const { audit } = spec;
  const launched = { plan, init, stdio, timeoutMs, graceMs, attended, ask, audit, umask };
  const sandbox = native.launch(launched, (outcome) => end(outcome));
  return { sandbox, ended };
}
