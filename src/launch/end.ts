/**
 * The end of a run that Node or the native command started: what became of its changes, and what the
 * supervisor recorded of it.
 */

import {
  expireSoon,
  type FinishReport,
  finishRunSoon,
  type LayerEnd,
  type OnProgress,
  type Run,
  recoverSoon,
  type Store,
  systemProblem,
} from '../changes/index.js';
import { ChangesError } from '../errors/index.js';
import { monotonicMs } from '../host/index.js';
import { fileCauses, launchFailure, missedServices, udpObstacle } from '../leads/index.js';
import {
  type Native,
  type NativeOutcome,
  readAudit,
  readDestinations,
  readRefusals,
} from '../native/index.js';
import { builtinVerdicts, ownArchitecture } from '../plan/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { dropOrKeep, isContinued } from './layers.js';
import type { LaunchResult } from './types.js';

/** A run whose payload has ended. */
export interface EndedLaunch {
  readonly native: Native;
  readonly spec: SandboxSpec;
  readonly store: Store | undefined;
  readonly run: Run | undefined;
  readonly startedAt: Date;
  /** True if anything was asked of the payload: else nothing of the run is kept. */
  readonly asked: boolean;
  /** True if the caller ended it, which is no success. @default false */
  readonly aborted?: boolean;
  /** Ends its layer on another thread, so that it can be used again. @default ends it here */
  readonly layer?: LayerEnd | undefined;
  /** Called often while its changes are looked at. */
  readonly onProgress?: OnProgress | undefined;
  /** Notes that the user should know of it beside what the kernel left out. */
  readonly notes?: readonly string[] | undefined;
}

/**
 * Brings a run to its end: keeps, applies or drops what it changed.
 * @throws LaunchError or SupportError where the payload never ran
 */
export async function endLaunch(ended: EndedLaunch, outcome: NativeOutcome): Promise<LaunchResult> {
  const { native, spec, store, run, startedAt, asked } = ended;
  const ran = ['died', 'lost', 'left'].includes(outcome.kind) && asked;
  const keep = ran && spec.changesOnFailure !== 'discard';
  const saved = keep ? run?.record.id : undefined;
  const failure = launchFailure(native, spec, outcome, { state: store?.directory, runId: saved });
  if (failure !== undefined) {
    if (store && run) await dropOrKeep(store, run, keep || isContinued(run));
    throw failure;
  }
  const finish =
    store && run ? await finishChanges(store, run, spec, { ...ended, outcome }) : undefined;
  const verdicts =
    spec.policy.builtin || outcome.refusals.length === 0 ? undefined : await builtinVerdicts();
  const refusals = await readRefusals(native, ownArchitecture(), outcome, verdicts);
  const audit = await readAudit(native, ownArchitecture(), outcome);
  const causes = audit?.watched === true ? fileCauses(spec, audit) : undefined;
  const network = readDestinations(outcome);
  const udp = udpObstacleOf(native, spec, outcome);
  const details = {
    refusals,
    audit,
    causes,
    services: missedServices(spec, audit),
    network: network && { ...network, udp },
    notes: [...lackNotes(outcome), ...(ended.notes ?? [])],
  };
  return {
    runId: run?.record.id,
    record: run?.record,
    startedAt,
    outcome,
    finish,
    ...details,
  };
}

/** Texts by the bits WB_LACKS_*, the lowest first. */
export const lackTexts: readonly string[] = [
  "sethostname(2) is blocked here, so the sandbox had this machine's host name",
];

/** Returns what the sandbox was without, because something around wasbox forbids the call that makes it. */
export const lackNotes = ({ lacks = 0 }: NativeOutcome): string[] =>
  lackTexts.filter((_, bit) => (lacks & (1 << bit)) !== 0);

/** Why UDP had no way out of the sandbox; `wasbox doctor` says it to all, the report with -v. */
function udpObstacleOf(
  native: Pick<Native, 'errnoName'>,
  { network }: SandboxSpec,
  { udpErrno = 0 }: NativeOutcome,
): string | undefined {
  if (udpErrno === 0) return undefined;
  const { code, message } = native.errnoName(udpErrno);
  const what =
    network?.optional === true ? 'UDP is blocked without asking' : 'UDP reaches only the resolver';
  return `${what}: ${udpObstacle(code, message).why}`;
}

type How = Pick<EndedLaunch, 'asked' | 'aborted'>;

/**
 * Decides what becomes of the changes of a run whose payload ran: the spec says it for a good end and for any other.
 */
function decide(
  spec: Pick<SandboxSpec, 'changes' | 'changesOnFailure'>,
  { signal, exitCode, timedOut, usage }: NativeOutcome,
  { asked, aborted = false }: How,
): { readonly succeeded: boolean; readonly changes: SandboxSpec['changes'] } {
  const succeeded = signal === 0 && exitCode === 0 && !timedOut && usage.limit === 0 && !aborted;
  // A payload that only waited may have changed something as it started; no task did.
  const dropped = !asked || (!succeeded && spec.changesOnFailure === 'discard');
  return { succeeded: succeeded || dropped, changes: dropped ? 'discard' : spec.changes };
}

/** Returns whether nothing of the run will be kept. */
export function isDiscarded(spec: SandboxSpec, outcome: NativeOutcome, how: How): boolean {
  if (outcome.kind !== 'ended') return false;
  const { succeeded, changes } = decide(spec, outcome, how);
  return succeeded && changes === 'discard';
}

/** Changes are applied or dropped as the spec says. */
async function finishChanges(
  store: Store,
  run: Run,
  spec: SandboxSpec,
  ended: Pick<EndedLaunch, 'layer' | 'onProgress'> & How & { outcome: NativeOutcome },
): Promise<FinishReport> {
  const { outcome, layer, onProgress } = ended;
  const { signal, exitCode } = outcome;
  const { succeeded, changes } = decide(spec, outcome, ended);
  const end = {
    succeeded,
    onProgress,
    command: { command: spec.command.display, argv: spec.command.argv },
    ...(signal === 0 ? { exitCode } : { signal }),
  };
  const report = await finishRunSoon(store, run, end, changes, layer);
  // A program that discards the changes of its runs wants none left of one that was killed either.
  if (changes === 'discard') await ofOthers(() => settleAtTimes(store));
  const kept = report.disposition === 'kept' || report.disposition === 'partly-applied';
  if (!kept) return report;
  await ofOthers(() => recoverSoon(store));
  const record = { ...run.record, ...report.summary };
  return { ...report, expired: await ofOthers(() => expireSoon(store, record)) };
}

/** Looks after other runs. A fault of the state directory there is no fault of this one: the next look tells. */
async function ofOthers<T>(use: () => Promise<T>): Promise<T | undefined> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof ChangesError) && systemProblem(error) === undefined) throw error;
    return undefined;
  }
}

/** Milliseconds between two looks at what runs: a program may have many of them at a time. */
const lookEveryMs = 60_000;
const lookedAt = new Map<string, number>();

async function settleAtTimes(store: Store): Promise<void> {
  const now = monotonicMs();
  if (now - (lookedAt.get(store.directory) ?? -lookEveryMs) < lookEveryMs) return;
  lookedAt.set(store.directory, now);
  await recoverSoon(store);
}
