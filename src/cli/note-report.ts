/** Saves what `wasbox why` answers from, beside the command line of the last run: what the run itself recorded. */
import { systemProblem } from '../changes/index.js';
import type { RunReport } from '../report/index.js';
import { jsonText } from '../text/index.js';

/** Writes a note. A fault of the state directory was told of already, and does not end what is under way. */
export function unlessFaulty(note: () => void): void {
  try {
    note();
  } catch (error) {
    if (systemProblem(error) === undefined) throw error;
  }
}

/** The part of a report that is saved, as JSON. */
export interface NotedReport extends RunReport {
  /** True if the run was watched: then all that it missed is in the report. */
  readonly watched: boolean;
  /** Lines say what the program may have lacked, by its own text. */
  readonly leads?: readonly string[];
}

/**
 * A report without what is long and not asked of it; undefined for one that says nothing.
 * @param leads is called where the report is saved
 */
export function notedReport(report: RunReport, leads: () => readonly string[]): string | undefined {
  const { audit, changes: _, ...rest } = report;
  const { outcome, refusals, network, reached } = report;
  const says =
    audit !== undefined ||
    outcome.kind !== 'exited' ||
    outcome.exitCode !== 0 ||
    (refusals?.calls.length ?? 0) > 0 ||
    reached.length > 0 ||
    (network?.destinations ?? []).some(({ allowed }) => !allowed);
  return says ? jsonText({ ...rest, watched: audit !== undefined, leads: leads() }) : undefined;
}
