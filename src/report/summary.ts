/**
 * The few lines after a run that a person reads, and only if there is something to
 * say. Every text from outside is escaped.
 */
import { displayText, escapedNote } from '../text/index.js';
import { askedLines } from './asked.js';
import { auditLines } from './audit/text.js';
import type { ReportAudit } from './audit/types.js';
import { homeLine } from './home.js';
import { endedLine, interruptedLine, reachedLine } from './limits.js';
import { networkLines } from './network.js';
import { refusalLines } from './refusal-lines.js';
import type { ReportChanges, RunReport } from './types.js';

export interface SummaryOptions {
  readonly verbose: boolean;
  readonly quiet: boolean;
  /** Whether a person reads it as it comes: a failure gets a line that leads on. @default false */
  readonly attended?: boolean;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function formatSeconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toPrecision(3))} s`;
}

function countsText({ counts }: ReportChanges): string {
  const parts = [
    counts.added > 0 ? `${counts.added} added` : '',
    counts.modified > 0 ? `${counts.modified} modified` : '',
    counts.deleted > 0 ? `${counts.deleted} deleted` : '',
  ];
  return parts.filter(Boolean).join(', ');
}

function changesLines(
  changes: ReportChanges,
  runId: string | undefined,
  verbose: boolean,
): string[] {
  const what = countsText(changes);
  const id = runId ?? '';
  const deep = changes.paths.filter(({ flags }) => flags.includes('too-deep')).length;
  const unseen = deep === 0 ? '' : `, but ${plural(deep, 'place')} too deep to look into`;
  const paths = verbose ? changes.paths.map(({ kind, path }) => `  ${kind.padEnd(8)} ${path}`) : [];
  switch (changes.disposition) {
    case 'kept':
      return [
        `changes kept aside: ${what}${unseen}; your files are as they were`,
        ...paths,
        `  review:  wasbox diff ${id}`,
        `  apply:   wasbox apply ${id}`,
        `  discard: wasbox discard ${id}`,
      ];
    case 'applied':
      return [`changes applied: ${what}`, ...paths];
    case 'partly-applied':
      return [
        `changes applied in part: ${plural(changes.refused.length, 'path')} left out`,
        ...changes.refused.map(({ path, reason }) => `  ${path} (${reason})`),
        `  review:  wasbox diff ${id}`,
        `  apply:   wasbox apply ${id} PATH`,
        `  discard: wasbox discard ${id}`,
      ];
    case 'discarded':
      return verbose ? [`changes discarded: ${what}`, ...paths] : [];
    default:
      return [];
  }
}

/** Exit statuses of shells and the dynamic linker for what cannot be found or executed. */
const notFound = [126, 127];

/** What a reader of a closed pipe and ^C end by: shells say nothing of these either. */
const quietSignals = ['SIGINT', 'SIGPIPE'];

const signalWords: Readonly<Record<string, string>> = {
  SIGSEGV: ' (invalid memory access)',
  SIGBUS: ' (invalid memory access)',
  SIGABRT: ' (the program aborted itself)',
  SIGILL: ' (invalid instruction)',
  SIGFPE: ' (invalid arithmetic, such as a division by zero)',
  SIGSYS: ' (the policy kills a program for the system call that it made)',
  SIGKILL: ' (sent by another process, or by the kernel when memory ran out)',
};

function outcomeLines({ outcome, sandbox, audit }: RunReport, verbose: boolean): string[] {
  switch (outcome.kind) {
    case 'exited':
      return audit === undefined && notFound.includes(outcome.exitCode ?? 0)
        ? [
            `ended with ${outcome.exitCode}: a program, interpreter or library was not found inside; wasbox run --audit tells what is hidden`,
          ]
        : [];
    case 'timeout':
    case 'limit':
      return [endedLine(outcome.limit ?? 'timeout', sandbox.limits)];
    case 'signaled':
      if (outcome.interrupted === true) return [interruptedLine(sandbox.limits)];
      return verbose || !quietSignals.includes(outcome.signal ?? '')
        ? [`killed by ${outcome.signal}${signalWords[outcome.signal ?? ''] ?? ''}`]
        : [];
    default:
      return [];
  }
}

function verboseLines(report: RunReport): string[] {
  const { usage, durationMs, outcome } = report;
  return [
    `ended with ${outcome.status} after ${formatSeconds(durationMs)}` +
      ` (user ${formatSeconds(usage.userMs)}, system ${formatSeconds(usage.systemMs)},` +
      ` at most ${Math.round(usage.memoryBytes / 1048576)} MiB and ${usage.processes} ${usage.processes === 1 ? 'process' : 'processes'})`,
  ];
}

/** What an audit tells; that it was asked for in vain is said in any case. */
const auditSummary = (audit: ReportAudit, verbose: boolean): string[] =>
  verbose || audit.watched === 'none' ? auditLines(audit) : [];

/** Where a program failed and nothing was refused that could be seen: how to see more. */
function failureLines({ outcome, audit }: RunReport): string[] {
  const failed = outcome.kind === 'exited' && outcome.exitCode !== 0;
  return failed && audit === undefined
    ? [`exited ${outcome.exitCode}. To see what was blocked or hidden: wasbox run --audit -v …`]
    : [];
}

/** Lines without a newline; none where there is nothing to say. */
export function formatSummary(report: RunReport, options: SummaryOptions): string[] {
  if (options.quiet) return [];
  const changes = report.changes;
  const troubles = [
    ...report.notes,
    ...outcomeLines(report, options.verbose),
    ...report.reached.map((one) => reachedLine(one, report.sandbox.limits)),
    ...(report.asked === undefined ? [] : askedLines(report.asked, options.verbose)),
    ...(report.refusals === undefined ? [] : refusalLines(report.refusals, options.verbose)),
    ...(report.network === undefined ? [] : networkLines(report.network, options.verbose)),
  ];
  const lines = [
    ...troubles,
    ...(options.attended === true && troubles.length === report.notes.length
      ? failureLines(report)
      : []),
    ...(changes === undefined ? [] : changesLines(changes, report.runId, options.verbose)),
    ...(report.home === undefined ? [] : [homeLine(report.home)]),
    ...(report.audit === undefined ? [] : auditSummary(report.audit, options.verbose)),
    ...(options.verbose ? verboseLines(report) : []),
  ];
  const shown = lines.map(displayText);
  const escaped = escapedNote(shown);
  return escaped === undefined ? shown : [...shown, escaped];
}
