/** Explains what the sandbox kept from an audited run. */
import { SupportError, UsageError } from '../errors/index.js';
import {
  isReport,
  type Lack,
  lacksOf,
  type ReportOutcome,
  type RunReport,
} from '../report/index.js';
import { displayText } from '../text/index.js';

/** Explains what a run lacked, as plain data: `wasbox why --json` prints the same. */
export interface Explanation {
  readonly schemaVersion: 1;
  /** Path of the program and its arguments. Untrusted when shown. */
  readonly command: readonly string[];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** How the run ended. */
  readonly outcome: ReportOutcome;
  /** The things that the sandbox kept from it, nearest cause first; empty if that was nothing. */
  readonly lacks: readonly Lack[];
}

/**
 * @param report of a run that was watched
 * @throws UsageError where it is not a report
 * @throws SupportError where this kernel cannot watch
 */
export function explainReport(report: RunReport): Explanation {
  if (!isReport(report)) throw unfit('this is not a run report');
  const { argv: command, startedAt, outcome, refusals } = report;
  if (refusals !== undefined && refusals.watched !== 'all') {
    throw new SupportError('ERR_KERNEL', 'this kernel cannot report what the sandbox blocks', {
      hint: 'It has no seccomp notifications. See wasbox doctor.',
    });
  }
  try {
    return { schemaVersion: 1, command, startedAt, outcome, lacks: lacksOf(report) };
  } catch (error) {
    throw unfit('parts of the report are missing or damaged', error);
  }
}

/** The error for a report that says too little. */
export const unfit = (problem: string, cause?: unknown): UsageError =>
  new UsageError('ERR_OPTION_VALUE', `why: ${problem}`, {
    cause,
    hint: 'Pass the report of a run with audit: true, or the options of the run, which is then made once more.',
  });

/**
 * Returns whether the option can be taken over as it is: nothing is left to choose, no secret is shown, and it means
 * the same when it is typed as it is printed.
 */
export const isOffered = ({ option, secret, proviso }: Lack): boolean =>
  option !== undefined &&
  secret === undefined &&
  proviso === undefined &&
  !/ TIME$/.test(option) &&
  displayText(option) === option;
