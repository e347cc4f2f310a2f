/**
 * Stage: launch. A resolved spec becomes a running sandbox, and its end a {@link LaunchResult}.
 * The command line and the library share it.
 */
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import type { AskedRecords } from '../ask/index.js';
import {
  continueRun,
  createRun,
  expireRuns,
  type FinishReport,
  finishRun,
  forgetSpare,
  listRuns,
  type OnProgress,
  openStore,
  type Run,
  removeRun,
  type Store,
} from '../changes/index.js';
import { SupportError, UsageError } from '../errors/index.js';
import {
  type LayerName,
  landlockNetworkAbi,
  type NamespaceName,
  type TerminalMode,
} from '../plan/index.js';
import type { AuditRecords, FileCause, NetworkRecords, RefusalRecords } from '../report/index.js';
import { type CommandSpec, isWithin, type SandboxSpec } from '../spec/index.js';
import { type Asking, openAsking } from './asking.js';
import { readAudit } from './audit.js';
import { fileCauses } from './causes.js';
import { readDestinations } from './destinations.js';
import { launchFailure } from './failure.js';
import { compileFilters, ownArchitecture } from './filter.js';
import { hideState } from './hide-state.js';
import { loadNative } from './locate.js';
import type { Native, NativeAsk, NativeOutcome, NativeSandbox } from './native.js';
import { readRefusals } from './notify.js';
import { planAgain } from './plan-again.js';

export interface LaunchOptions {
  /** Descriptors of this process that become 0, 1 and 2 of the payload. */
  readonly stdio: readonly [number, number, number];
  /** Whether the payload gets a terminal of its own in place of this process's. @default 'never' */
  readonly terminal?: TerminalMode | undefined;
  /** Who decides about what the sandbox refuses; nobody where it is absent. */
  readonly asking?: Asking | undefined;
  /**
   * Whether a person waits for it: a second SIGINT or ^C that nothing comes of ends it after the
   * grace, and when the payload is stopped, so is this process. @default false
   */
  readonly attended?: boolean | undefined;
  /** Called when the payload has ended, before its changes are looked at. */
  readonly onEnd?: (() => void) | undefined;
  /** Called often while its changes are looked at. */
  readonly onProgress?: OnProgress | undefined;
  /** Whether the caller has ended it by itself: changes that were to be dropped are, then. */
  readonly isAborted?: (() => boolean) | undefined;
  /** Of a payload that learns what to do only once it runs. */
  readonly task?: LaunchTask | undefined;
  /** The program will start more sandboxes: makes their layers beforehand. @default false */
  readonly reuse?: boolean | undefined;
  /** Called before the start with what it is made of, for whoever wants to make it once more. */
  readonly onPlan?: ((start: PlannedStart) => void) | undefined;
  /**
   * Protections to leave out, for the tests that show that one is noticed when it is missing.
   * @internal
   */
  readonly without?: ReadonlySet<LayerName | NamespaceName | 'watch'> | undefined;
}

/** What a payload that waited was asked to do; looked at when it ends. */
export interface LaunchTask {
  /** Undefined while nothing has been asked of it: then nothing of the run is kept. */
  readonly command: CommandSpec | undefined;
  /** Whether a time limit of the task's own ended it. */
  readonly timedOut: boolean;
}

/** What a start is made of. */
export interface PlannedStart {
  readonly plan: Uint8Array;
  readonly store: Store | undefined;
  /** Whether a second filter stands beside the policy's. */
  readonly guarded: boolean;
  /** Its journal entry; undefined where nothing is overlaid. */
  readonly run: Run | undefined;
  /** Wall time, 0 without a limit; and how long SIGTERM gets to work before SIGKILL, milliseconds. */
  readonly timeoutMs: number;
  readonly graceMs: number;
}

/** How a run ended. */
export interface LaunchResult {
  /** Id under which changes are kept; undefined where nothing is overlaid. */
  readonly runId: string | undefined;
  readonly startedAt: Date;
  readonly outcome: NativeOutcome;
  /** What became of the changes. */
  readonly finish: FinishReport | undefined;
  /** Landlock's ABI version in force, 0 where the second wall was missing. */
  readonly landlockAbi: number;
  /** What the payload was refused. */
  readonly refusals: RefusalRecords;
  /** What the payload did, where an audit was asked for. */
  readonly audit: AuditRecords | undefined;
  /** What files were refused beyond the filter, which an audit tells. */
  readonly causes: readonly FileCause[] | undefined;
  /** Where it wanted to go; of a run with rules for the network. */
  readonly network?: NetworkRecords | undefined;
  /** Whether a second filter stood beside the policy's. */
  readonly guarded: boolean;
  /** What was asked while it ran; undefined where nothing is asked about. */
  readonly asked?: AskedRecords | undefined;
}

export interface Launched {
  /** Pid of the sandbox's init on the host. */
  readonly pid: number;
  /** Sends a signal to the payload; SIGKILL (9) ends everything in the sandbox. */
  signal(signal: number): void;
  /** The payload's terminal, while a question is shown in its place. */
  readonly screen: Pick<NativeSandbox, 'aside' | 'asideEnd' | 'redraw'>;
  /** Whether this process stays for the sandbox, which it does at first. */
  hold(hold: boolean): void;
  /**
   * Fulfilled when every process of the sandbox is gone.
   * Rejected with a {@link LaunchError} where the payload never ran.
   */
  readonly done: Promise<LaunchResult>;
}

/**
 * Starts a sandbox.
 * @throws PolicyError where the policy does not compile
 * @throws ChangesError where changes cannot be kept
 */
export async function launch(resolved: SandboxSpec, options: LaunchOptions): Promise<Launched> {
  const { native, init } = loadNative();
  const ownStore = openStore(native);
  const spec = hideState(ownStore, resolved);
  const landlockAbi = native.landlockAbi();
  refuseRules(spec, landlockAbi);
  const asks = options.asking !== undefined;
  const filters = await compileFilters(spec, options.stdio, { asks });
  const overlays = spec.mounts.filter((mount) => mount.type === 'overlay');
  const store = overlays.length === 0 ? undefined : ownStore;
  const run = store === undefined ? undefined : beginRun(store, spec, options.reuse === true);
  // Uid 0 of a user namespace (hostUid 0) has no more rights than its owner outside.
  const privileged = process.geteuid?.() === 0 && spec.identity.hostUid !== 0;
  const startedAt = new Date();
  try {
    const asking =
      options.asking &&
      (await openAsking(options.asking, { spec, privileged, hidden: [ownStore.directory] }));
    if (run && privileged && !spec.identity.idmap) giveLayer(run, spec);
    const plan = planAgain(spec, {
      ...filters,
      asks,
      layers: run === undefined ? [] : overlays.map(({ source }) => layerOf(run, source)),
      landlockAbi,
      privileged,
      terminal: options.terminal,
      without: options.without,
    });
    const { guarded } = filters;
    const timeoutMs = spec.limits.timeoutMs ?? 0;
    const { graceMs } = spec.limits;
    options.onPlan?.({ plan, store, run, guarded, timeoutMs, graceMs });
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
      running.delete(sandbox);
      options.onEnd?.();
      const command = task?.command ?? spec.command;
      const launched = { native, spec: { ...spec, command }, store, run, startedAt, landlockAbi };
      const isReleased = () => sandbox.isReleased();
      const aborted = options.isAborted?.() === true;
      const { onProgress } = options;
      const how = { guarded, asked: !waiting(), aborted, isReleased, onProgress };
      const ended = await endLaunch({ ...launched, ...how }, outcome);
      return asking === undefined ? ended : { ...ended, asked: asking.records() };
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

/** Without Landlock's part nothing would keep the payload from dialling by itself. */
function refuseRules({ net }: SandboxSpec, landlockAbi: number): void {
  if (net !== 'rules' || landlockAbi >= landlockNetworkAbi) return;
  throw new SupportError('ERR_KERNEL', 'this kernel cannot keep rules for the network', {
    hint: 'They need Landlock with control over TCP (Linux 6.7). Use --net none, or --net host for all that the host reaches.',
  });
}

/** Sandboxes that have not ended, and what to do with each when this process ends. */
const running = new Map<NativeSandbox, () => void>();

function endAll(): void {
  for (const [sandbox, leave] of running) {
    sandbox.abandon();
    try {
      leave();
    } catch {
      // The next look at the runs puts it in order.
    }
  }
  running.clear();
}

function leaveAtExit(sandbox: NativeSandbox, leave: () => void): void {
  if (running.size === 0 && !process.listeners('exit').includes(endAll)) {
    process.once('exit', endAll);
  }
  running.set(sandbox, leave);
}

/** A run whose payload has ended, whoever started it. */
export interface EndedLaunch {
  readonly native: Native;
  readonly spec: SandboxSpec;
  readonly store: Store | undefined;
  readonly run: Run | undefined;
  readonly startedAt: Date;
  readonly landlockAbi: number;
  readonly guarded: boolean;
  /** Whether anything was asked of the payload: else nothing of the run is kept. */
  readonly asked: boolean;
  /** Whether the caller ended it: changes that were to be dropped are, then. @default false */
  readonly aborted?: boolean;
  /** Whether the sandbox's mounts are gone, so that its layer can be used again. */
  readonly isReleased: () => boolean;
  /** Called often while its changes are looked at. */
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Brings a run to its end: keeps, applies or drops what it changed.
 * @throws LaunchError or SupportError where the payload never ran
 */
export async function endLaunch(ended: EndedLaunch, outcome: NativeOutcome): Promise<LaunchResult> {
  const { native, spec, store, run, startedAt, landlockAbi, guarded, asked } = ended;
  const failure = launchFailure(native, spec, outcome);
  if (failure !== undefined) {
    const keep =
      ((outcome.kind === 'died' || outcome.kind === 'lost') && asked) || (run && isContinued(run));
    if (store && run) dropOrKeep(store, run, keep === true);
    throw failure;
  }
  const aborted = ended.aborted === true;
  const finish =
    store && run ? finishChanges(store, run, spec, { ...ended, outcome, aborted }) : undefined;
  const refusals = await readRefusals(native, ownArchitecture(), outcome);
  const audit = await readAudit(native, ownArchitecture(), outcome);
  const causes = audit?.watched === true ? fileCauses(spec, audit) : undefined;
  const told = { refusals, audit, causes, network: readDestinations(outcome), guarded };
  return { runId: run?.record.id, startedAt, outcome, finish, landlockAbi, ...told };
}

/** In the state directory lie the layers of all runs; a layer inside its own lower is undefined. */
function refuseStateDirectory(store: Store, workdir: string): void {
  const state = store.directory;
  if (!isWithin(state, workdir) && !isWithin(workdir, state)) return;
  throw new UsageError(
    'ERR_WORKDIR',
    `${workdir} and wasbox's state directory ${state} lie in each other`,
    {
      hint: 'Show another directory copy-on-write, or keep the state elsewhere: XDG_STATE_HOME=DIR',
    },
  );
}

/** The directories that a spec shows copy-on-write, the working directory first. */
function copiedTrees({ mounts }: SandboxSpec): string[] {
  return mounts
    .filter((mount) => mount.type === 'overlay')
    .sort((a, b) => Number(b.origin === 'workdir') - Number(a.origin === 'workdir'))
    .map(({ source }) => source);
}

function beginRun(store: Store, spec: SandboxSpec, reuse: boolean): Run {
  const [workdir = '/', ...trees] = copiedTrees(spec);
  for (const tree of [workdir, ...trees]) refuseStateDirectory(store, tree);
  const { command, changes, continues } = spec;
  const request = { command: command.display, argv: command.argv, workdir, trees };
  if (continues !== undefined) return continueRun(store, continues, request);
  return createRun(store, { ...request, discard: changes === 'discard', reuse });
}

const isContinued = ({ record }: Run): boolean => record.earlier !== undefined;

/** The directory that a tree's overlay writes to. */
function layerOf(run: Run, source: string): string {
  const tree = run.trees.find(({ identity }) => identity.path === source);
  if (tree === undefined) throw new TypeError(`no layer for ${source}`);
  return tree.layer;
}

/**
 * What never ran has changed nothing; of what was cut off, and of what an earlier run had changed,
 * the changes are kept.
 */
function dropOrKeep(store: Store, run: Run, keep: boolean): void {
  forgetSpare(store, run);
  if (keep) finishRun(store, run, { succeeded: false }, 'keep');
  else removeRun(store, run);
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
  const launched = { plan, init, stdio, timeoutMs, graceMs, attended, ask, audit: spec.audit };
  const sandbox = native.launch(launched, (outcome) => end(outcome));
  return { sandbox, ended };
}

/** Changes are applied or dropped only after a good end; otherwise they are kept. */
function finishChanges(
  store: Store,
  run: Run,
  spec: SandboxSpec,
  {
    outcome,
    isReleased,
    asked,
    aborted,
    onProgress,
  }: Pick<EndedLaunch, 'isReleased' | 'asked' | 'onProgress'> & {
    outcome: NativeOutcome;
    aborted: boolean;
  },
): FinishReport {
  // What only waited may have changed something as it started, which is nobody's.
  const changes = asked ? spec.changes : 'discard';
  const unwanted = (aborted || !asked) && changes === 'discard';
  const succeeded =
    (outcome.exitCode === 0 && !outcome.timedOut && outcome.usage.limit === 0) || unwanted;
  const end = {
    succeeded,
    isReleased,
    onProgress,
    command: { command: spec.command.display, argv: spec.command.argv },
    ...(outcome.signal === 0 ? { exitCode: outcome.exitCode } : { signal: outcome.signal }),
  };
  const report = finishRun(store, run, end, changes);
  // Whoever drops the changes of many runs wants none left of one that was killed either.
  if (changes === 'discard') listAtTimes(store);
  const kept = report.disposition === 'kept' || report.disposition === 'partly-applied';
  return kept ? { ...report, expired: expireRuns(store, run.record.id) } : report;
}

/** Milliseconds between two looks at all runs: a program may have many of them at a time. */
const listEveryMs = 60_000;
const listedAt = new Map<string, number>();

function listAtTimes(store: Store): void {
  const now = performance.now();
  if (now - (listedAt.get(store.directory) ?? -listEveryMs) < listEveryMs) return;
  listedAt.set(store.directory, now);
  listRuns(store);
}

/** Under sudo the payload is the user who called it: the layer must be that user's to write to. */
function giveLayer(run: Run, { identity }: SandboxSpec): void {
  for (const { layer } of run.trees) {
    for (const directory of [layer, join(layer, 'upper'), join(layer, 'work')]) {
      chownSync(directory, identity.hostUid, identity.hostGid);
    }
  }
}
