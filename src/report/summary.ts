/** The few lines after a run, only if there is something to say. Every text from outside is escaped. */

import { presetsFor } from '../preset/index.js';
import { isStartNote } from '../resolve/index.js';
import { displayText, escapedNote } from '../text/index.js';
import { askedLines } from './asked.js';
import { auditLines } from './audit/text.js';
import type { ReportAudit } from './audit/types.js';
import { changesLines } from './changes-lines.js';
import { durationText } from './duration.js';
import { homeLine } from './home.js';
import { imageText } from './image.js';
import { endedLine, interruptedLine, reachedLine } from './limits.js';
import { networkLines } from './network.js';
import { projectText } from './project.js';
import { refusalLines } from './refusal-lines.js';
import type { RunReport } from './types.js';

export interface SummaryOptions {
  readonly verbose: boolean;
  readonly quiet: boolean;
  /** True if stderr is a terminal: a failure then gets a line with the next step. @default false */
  readonly attended?: boolean;
  /** Lines about what it may have lacked, by its own text. */
  readonly leads?: readonly string[];
}

function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`;
}

/** Exit statuses of shells and the dynamic linker for programs that are not found or not executable. */
const notFound = [126, 127];

/** Signals of a closed pipe and ^C: shells do not report these either. */
const quietSignals = ['SIGINT', 'SIGPIPE'];

const signalWords: Readonly<Record<string, string>> = {
  SIGSEGV: ' (invalid memory access)',
  SIGBUS: ' (invalid memory access)',
  SIGABRT: ' (the program aborted itself)',
  SIGILL: ' (invalid instruction)',
  SIGFPE: ' (invalid arithmetic, such as a division by zero)',
  SIGSYS: ' (the policy kills programs that make this system call)',
  SIGKILL: ' (by another process, or by the kernel when memory ran out)',
};

function outcomeLines(
  { outcome, sandbox, audit }: RunReport,
  { verbose, leads = [] }: SummaryOptions,
): string[] {
  switch (outcome.kind) {
    case 'exited':
      return audit === undefined && leads.length === 0 && notFound.includes(outcome.exitCode ?? 0)
        ? [
            `exited ${outcome.exitCode}: a program, interpreter or library was not found inside. To see which: wasbox why --rerun`,
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
  const { usage, durationMs, outcome, sandbox } = report;
  return [
    ...(sandbox.image === undefined ? [] : [`image: ${imageText(sandbox.image)}`]),
    ...(sandbox.project === undefined ? [] : [`project: ${projectText(sandbox.project)}`]),
    `exited ${outcome.kind === 'exited' ? outcome.exitCode : outcome.status} in ${durationText(durationMs)}` +
      ` (user ${durationText(usage.userMs)}, system ${durationText(usage.systemMs)},` +
      ` peak ${Math.round(usage.memoryBytes / 1048576)} MiB, ${plural(usage.processes, 'process', 'processes')})`,
  ];
}

/** Lines of an audit; one that was not possible is reported even without `-v`. */
const auditSummary = (audit: ReportAudit, verbose: boolean): string[] =>
  verbose || audit.watched === 'none' ? auditLines(audit) : [];

/** If a program failed: how to see more than the blocked calls. Another line names it for what was not found. */
function failureLines({ outcome, audit }: RunReport): string[] {
  const { kind, exitCode = 0 } = outcome;
  const failed = kind === 'exited' && exitCode !== 0 && !notFound.includes(exitCode);
  return failed && audit === undefined
    ? [`exited ${outcome.exitCode}. To see what it lacked: wasbox why`]
    : [];
}

/** An option of wasbox that the program was given instead. */
export const misplacedLine = (option: string, command: string): string =>
  `${option} went to the program, because it stands behind ${command}. For wasbox: wasbox run ${option} … ${command}`;

/**
 * An option that would have helped, and that the program was given instead: `wasbox run script.py --net x`.
 * Most programs refuse it as unknown, which tells the user nothing of wasbox.
 */
function misplacedLines({ argv, command, outcome, refusals, network }: RunReport): string[] {
  const advised = [
    ...(refusals?.calls ?? []),
    ...(network?.destinations ?? []).filter(({ allowed }) => !allowed),
  ].flatMap(({ option }) => option?.split(' ', 1) ?? []);
  if (outcome.kind === 'timeout') advised.push('--timeout');
  if (outcome.kind !== 'exited' || outcome.exitCode !== 0) advised.push('--apply', '--discard');
  const found = new Set(
    argv.slice(1).flatMap((word) => advised.filter((one) => `${word}=`.startsWith(`${one}=`))),
  );
  return [...found].map((option) => misplacedLine(option, command));
}

/** A tool that looked for its registry: what it needs has a name. */
function presetLines({ command, sandbox, refusals, notes }: RunReport): string[] {
  const looked = refusals?.calls.some(({ kind }) => kind === 'network') ?? false;
  const [name] = looked && sandbox.net === 'none' ? presetsFor(command) : [];
  // It was given, and has no host to allow: a note says so.
  if (name === undefined || notes.some((note) => note.startsWith(`--for ${name}:`))) return [];
  return [`${command} has a preset: wasbox run --for ${name} … (see wasbox preset show ${name})`];
}

/** Lines without newlines; none if there is nothing to say. */
export function formatSummary(report: RunReport, options: SummaryOptions): string[] {
  if (options.quiet) return [];
  const changes = report.changes;
  const troubles = [
    // The command line says it at the start.
    ...report.notes.filter((note) => options.verbose || !isStartNote(note)),
    ...outcomeLines(report, options),
    ...report.reached.map((one) => reachedLine(one, report.sandbox.limits)),
    ...(report.asked === undefined ? [] : askedLines(report.asked, options.verbose)),
    ...(report.refusals === undefined ? [] : refusalLines(report.refusals, options.verbose)),
    ...(report.network === undefined ? [] : networkLines(report.network, options.verbose)),
    ...presetLines(report),
    ...new Set([...misplacedLines(report), ...(options.leads ?? [])]),
  ];
  const lines = [
    ...troubles,
    ...(options.attended === true ? failureLines(report) : []),
    ...(changes === undefined ? [] : changesLines(changes, report.runId, options.verbose)),
    ...(report.home === undefined ? [] : [homeLine(report.home)]),
    ...(report.audit === undefined ? [] : auditSummary(report.audit, options.verbose)),
    ...(options.verbose ? verboseLines(report) : []),
  ];
  const shown = lines.map(displayText);
  const escaped = escapedNote(shown);
  return escaped === undefined ? shown : [...shown, escaped];
}
