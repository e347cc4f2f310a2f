/** Makes a {@link RunReport} of what the launch stage saw. */

import { ownNamespaces } from '../backend/index.js';
import {
  type Change,
  type ChangeFlag,
  countChanges,
  expiredText,
  type FinishReport,
  namesToApply,
} from '../changes/index.js';
import type { WasboxError } from '../errors/index.js';
import { landlockMinimumAbi } from '../host/index.js';
import type { NativeOutcome } from '../native/index.js';
import type { ImageSpec, SandboxSpec } from '../resolve/index.js';
import { wasboxVersion } from '../version.js';
import { reportAsked } from './asked.js';
import { reportAudit } from './audit/build.js';
import { reportHome } from './home.js';
import type { ReportInput } from './input.js';
import { limitThatEnded, noUsage, reachedLimits, reportUsage } from './limits.js';
import { reportNetwork } from './network.js';
import { reportOutcome, signalName } from './outcome.js';
import { refusalContext, reportRefusals } from './refusals.js';
import { serviceEntries } from './services.js';
import {
  type EndedReport,
  maxReportedChanges,
  type ReachedLimit,
  type ReportChanges,
  type RunReport,
} from './types.js';

/** The program succeeded, and `--apply` left some of its changes saved. */
const unappliedStatus = 3;

/** True if some changes were not applied; those of the home are applied by name alone. */
const isUnapplied = ({ apply, unlisted = false }: FinishReport): boolean =>
  unlisted || (apply?.refused.length ?? 0) > 0;

/**
 * The end of a run, with the status that says whether its changes were applied as they were to be.
 * @param finish undefined where they could not be looked at
 */
export function reportEnd(
  outcome: NativeOutcome,
  changes: SandboxSpec['changes'],
  finish: FinishReport | undefined,
): EndedReport['outcome'] {
  const ended = reportOutcome(outcome);
  const isWhole = changes !== 'apply' || (finish !== undefined && !isUnapplied(finish));
  return isWhole || ended.status !== 0 ? ended : { ...ended, status: unappliedStatus };
}

function homeCounts({ changes }: FinishReport): Pick<ReportChanges, 'home'> {
  const own = changes.filter(({ home }) => home !== undefined);
  const { counts, directories } = countChanges(own);
  return own.length === 0
    ? {}
    : { home: { ...counts, ...(directories === undefined ? {} : { directories }) } };
}

/** Flags of changes that run by themselves, lead elsewhere, or meet what is there already. */
const dangers: ReadonlySet<ChangeFlag> = new Set([
  'held',
  'leads-out',
  'unseen',
  'runs-later',
  'executable',
]);

/** The lower, the sooner it is listed. */
function rankOf({ flags, home, type }: Change): number {
  if (flags.some((flag) => dangers.has(flag))) return home === undefined ? 1 : 0;
  return home === undefined || type === 'directory' ? 3 : 2;
}

/** Returns no more than are listed, in their order: dangerous ones and those of the home before others. */
function listedChanges(changes: readonly Change[]): readonly Change[] {
  if (changes.length <= maxReportedChanges) return changes;
  const ranks: Change[][] = [[], [], [], []];
  for (const change of changes) ranks[rankOf(change)]?.push(change);
  const chosen = new Set(ranks.flat().slice(0, maxReportedChanges));
  return changes.filter((change) => chosen.has(change));
}

function reportChanges(finish: FinishReport): ReportChanges {
  const listed = listedChanges(finish.changes);
  const { directories } = finish.summary;
  const refused = finish.apply?.refused ?? [];
  const held = refused.filter(({ reason }) => reason === 'held' || reason === 'leads-out');
  const names = namesToApply(held.map(({ change }) => change));
  return {
    disposition: finish.disposition,
    counts: finish.summary.counts,
    ...(directories === undefined ? {} : { directories }),
    ...homeCounts(finish),
    sizeBytes: finish.summary.sizeBytes,
    paths: listed.map(({ display, kind, type, flags, home, appends }) => ({
      path: display,
      kind,
      type,
      flags,
      ...(home === undefined ? {} : { home: true }),
      ...(appends === undefined ? {} : { appends }),
    })),
    truncated: finish.changes.length > listed.length || finish.unlisted === true,
    refused: refused.slice(0, maxReportedChanges).map(({ change, reason, message }) => ({
      path: change.display,
      reason,
      message,
      ...(names.has(change) ? { name: names.get(change) } : {}),
    })),
    ...(finish.dropped === undefined
      ? {}
      : { dropped: finish.dropped.slice(0, maxReportedChanges) }),
  };
}

/** Leaves out where its lock is, which is of no use to a reader. */
const imageOf = ({ lock: _, ...image }: ImageSpec): RunReport['sandbox']['image'] => image;

function sandboxSummary(spec: SandboxSpec, cgroup: boolean): RunReport['sandbox'] {
  const { cgroup: _, ...limits } = spec.limits;
  const { landlockAbi } = spec;
  return {
    workdir: spec.cwd,
    ...(spec.project === undefined ? {} : { project: spec.project }),
    ...(spec.image === undefined ? {} : { image: imageOf(spec.image) }),
    net: spec.network?.text ?? spec.net,
    policy: spec.policy.name,
    isolation: spec.isolation,
    namespaces: ownNamespaces(spec),
    landlockAbi: landlockAbi >= landlockMinimumAbi ? landlockAbi : 0,
    limits,
    heldBy: cgroup ? 'cgroup' : 'supervisor',
  };
}

function notes(spec: SandboxSpec): string[] {
  const missing =
    spec.landlockAbi >= landlockMinimumAbi
      ? []
      : [
          'The sandbox ran without Landlock, its second layer of file protection. To see why: wasbox doctor',
        ];
  return [...spec.notes, ...missing];
}

const stdinNote =
  'stdin was /dev/null, because a shell is reading its script from the same pipe. To pass other input: wasbox run … < FILE';

/** Why `--apply` or `--discard` left the changes saved: they act only after exit status 0. */
function keptNote(
  { changes }: SandboxSpec,
  { exitCode, signal, timedOut, usage }: NativeOutcome,
  finish: FinishReport | undefined,
): string[] {
  if (changes === 'keep' || finish?.disposition !== 'kept') return [];
  const isOfHome = finish.changes.every(({ home }) => home !== undefined);
  if (changes === 'apply' && finish.changes.length > 0 && isOfHome) return [];
  const why =
    finish.unlisted === true
      ? 'the run changed too many paths to list'
      : timedOut
        ? 'the run hit its time limit'
        : usage.limit !== 0
          ? 'the run hit a limit'
          : signal !== 0
            ? `the program was killed by ${signalName(signal)}`
            : `the program exited ${exitCode}`;
  const what = changes === 'apply' ? 'applied' : 'discarded';
  return [`--${changes}: the changes were not ${what}, because ${why}`];
}

function changesNotes(finish: FinishReport | undefined): string[] {
  const text = expiredText(finish?.expired ?? []);
  const unlisted =
    finish?.unlisted === true
      ? ['The run changed too many paths to list: the counts are incomplete.']
      : [];
  return [...unlisted, ...(text === undefined ? [] : [text])];
}

/** SIGXFSZ ends no program that handles it, nor a shell's child: then a file tells that is as large as it may be. */
function fullFile({ limits }: SandboxSpec, { outcome, finish }: ReportInput): ReachedLimit[] {
  const isFull = finish?.changes.some(
    ({ after }) => after?.type === 'file' && after.size === limits.fileSizeBytes,
  );
  const ended = limitThatEnded(outcome.usage.limit, outcome.signal) !== undefined;
  return isFull === true && !ended ? [{ limit: 'file-size' }] : [];
}

/** The report of a run whose payload ran. */
export function buildReport(spec: SandboxSpec, input: ReportInput): EndedReport {
  const { outcome, finish } = input;
  return {
    schemaVersion: 1,
    wasboxVersion,
    runId: input.runId,
    command: spec.command.display,
    argv: [...spec.command.argv],
    startedAt: input.startedAt.toISOString(),
    durationMs: outcome.durationNs / 1e6,
    outcome:
      finish === undefined ? reportOutcome(outcome) : reportEnd(outcome, spec.changes, finish),
    usage: {
      userMs: outcome.userUs / 1e3,
      systemMs: outcome.systemUs / 1e3,
      maxRssBytes: outcome.maxRssKiB * 1024,
      ...reportUsage(spec, input),
    },
    reached: [...reachedLimits(outcome.usage.reached), ...fullFile(spec, input)],
    changes: finish === undefined ? undefined : reportChanges(finish),
    home: reportHome(outcome),
    refusals: reportRefusals(
      input.refusals,
      { ...refusalContext(spec), startedNs: input.audit?.startedNs },
      input.causes,
      serviceEntries(input.services ?? [], spec.network?.text ?? ''),
    ),
    audit: input.audit === undefined ? undefined : reportAudit(input.audit),
    ...(input.network === undefined
      ? {}
      : {
          network: reportNetwork(input.network, spec.network?.text ?? '', input.audit?.startedNs),
        }),
    asked: input.asked && reportAsked(input.asked, outcome.questionsTurnedAway ?? 0),
    sandbox: sandboxSummary(spec, outcome.usage.cgroup === 1),
    notes: [
      ...(outcome.stdinWithheld === true ? [stdinNote] : []),
      ...notes(spec),
      ...(input.notes ?? []),
      ...keptNote(spec, outcome, finish),
      ...changesNotes(finish),
    ],
  };
}

/** The report of a run whose payload never ran. */
export function buildFailureReport(
  spec: SandboxSpec,
  startedAt: Date,
  error: WasboxError,
): RunReport {
  const { code, message, hint, exitStatus } = error;
  return {
    schemaVersion: 1,
    wasboxVersion,
    command: spec.command.display,
    argv: [...spec.command.argv],
    startedAt: startedAt.toISOString(),
    durationMs: 0,
    outcome: {
      kind: code === 'ERR_EXEC' || code === 'ERR_EXEC_NOT_FOUND' ? 'exec-failed' : 'setup-failed',
      status: exitStatus,
      error: hint === undefined ? { code, message } : { code, message, hint },
    },
    usage: { userMs: 0, systemMs: 0, maxRssBytes: 0, ...noUsage },
    reached: [],
    sandbox: sandboxSummary(spec, false),
    notes: [...spec.notes],
  };
}
