/** `wasbox discard`: deletes a run's changes. */
import {
  type DiscardReport,
  discardRuns,
  forgetTraces,
  noteFinished,
  type RunRecord,
  type Store,
} from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { displayText } from '../text/index.js';
import { latestRun } from './latest.js';
import { progressLine } from './progress.js';
import { runsNamed } from './run-operands.js';
import { err, out } from './terminal.js';
import { flag, parseVerb, userStore } from './verb.js';

export function discardVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'discard',
      what: "Delete a run's saved changes. Without an ID: those of the latest run here.",
      usage: '[ID… | --all]',
      options: [
        flag(
          'all',
          'delete the changes of every run that has ended, and what wasbox noted of runs: their command lines, and starts to repeat',
        ),
      ],
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const { operands, values } = parsed;
  if (values.all === true && operands.length > 0) {
    throw new UsageError('ERR_USAGE', 'wasbox discard takes IDs or --all, not both');
  }
  const store = userStore();
  const ids = values.all === true ? 'all' : idsOrLatest(operands);
  const progress = progressLine();
  let report: DiscardReport;
  try {
    report = discardRuns(store, ids, progress.show);
  } finally {
    progress.end();
  }
  noteLatest(store, report.discarded);
  if (ids === 'all') forgetTraces(store, report.unreadable.length > 0 ? undefined : report.busy);
  for (const { id, workdir } of report.discarded) {
    out(`discarded ${id} (${displayText(workdir.path)})\n`);
  }
  for (const { id } of report.busy)
    err(`wasbox: run ${id} was not discarded: it is still running or in use\n`);
  for (const { id, newer } of report.unreadable)
    err(
      newer
        ? `wasbox: run ${id} was not discarded: it is a newer version's. Use that one to discard it\n`
        : `wasbox: run ${id} was not discarded: its journal entry is damaged\nwasbox: to discard it anyway: wasbox discard ${id}\n`,
    );
  return report.busy.length + report.unreadable.length > 0 ? 1 : 0;

  function idsOrLatest(ids: readonly string[]): string[] {
    if (ids.length > 0) return runsNamed(store, ids);
    return [latestRun(store, 'discard')];
  }
}

/** Notes the latest discarded run of each directory. */
function noteLatest(store: Store, discarded: readonly RunRecord[]): void {
  const latest = new Map<string, RunRecord>();
  for (const record of discarded) {
    const before = latest.get(record.workdir.path);
    if (before === undefined || before.started < record.started) {
      latest.set(record.workdir.path, record);
    }
  }
  for (const record of latest.values()) noteFinished(store, record, 'discarded');
}
