/** Stage: cli. `wasbox apply`: copies a run's changes to its working directory. */
import {
  type ApplyReport,
  applyRun,
  type Change,
  changeToJson,
  displayPath,
  noteSettled,
  noteShown,
  openRun,
  type Run,
} from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { shellQuote } from '../spec/show.js';
import { displayText, jsonText } from '../text/index.js';
import { chooseChanges, fullPath } from './choose.js';
import { latestRun } from './latest.js';
import { mergeHint } from './merge-hint.js';
import { progressLine } from './progress.js';
import { err, out } from './terminal.js';
import { flag, parseVerb, runAndPaths, userStore } from './verb.js';

/** A path to be pasted into a shell: the run may have chosen its name. */
function operandOf({ display, path, root }: Change): string {
  if (path.length === 0) return shellQuote(displayPath(Buffer.from(root)));
  return shellQuote(display.startsWith('-') ? `./${display}` : display);
}

const leftOut = [
  ['set-id', 'set-id bits'],
  ['xattr', 'extended attributes'],
] as const;

function print(report: ApplyReport, run: Run): void {
  const { id } = run.record;
  const workdir = run.record.workdir.path;
  if (report.applied.length > 0) err(`wasbox: in ${displayText(workdir)}:\n`);
  for (const { display, kind } of report.applied) out(`${kind.padEnd(8)} ${display}\n`);
  for (const { display, flags } of report.stripped) {
    for (const [flag, what] of leftOut) {
      if (flags.includes(flag)) err(`wasbox: ${what} left out: ${display}\n`);
    }
  }
  for (const { change, message } of report.refused) {
    err(`wasbox: not applied: ${change.display}: ${displayText(message)}\n`);
  }
  const named = report.refused.find(({ reason }) => reason === 'held' || reason === 'leads-out');
  if (named !== undefined)
    err(`wasbox: to name it: wasbox apply ${id} ${operandOf(named.change)}\n`);
  for (const line of mergeHint(run, report.refused)) err(`wasbox: ${displayText(line)}\n`);
  for (const name of report.unmatched) {
    err(`wasbox: the run changed nothing at ${displayText(name)}\n`);
  }
  const left = report.left.length + report.refused.length;
  if (left > 0) err(`wasbox: ${left} left; look: wasbox diff ${id}, drop: wasbox discard ${id}\n`);
}

export function applyVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'apply',
      what: "Copies a run's changes to its working directory; without an ID those of the latest run here.",
      usage: '[ID] [PATH… | -i] [--json]',
      options: [
        { ...flag('interactive', 'ask for each change on the terminal'), short: 'i' },
        flag('json', 'print what was done as JSON'),
      ],
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const { interactive } = parsed.values;
  const store = userStore();
  const { id, paths } = runAndPaths(store, parsed.operands);
  if (interactive === true && paths.length > 0) {
    throw new UsageError('ERR_USAGE', 'wasbox apply takes paths or -i, not both');
  }
  const run = openRun(store, id ?? latestRun(store, interactive === true ? 'show' : 'apply'));
  try {
    const chosen = interactive === true ? chooseChanges(store, run) : undefined;
    const options = chosen
      ? { paths: chosen.map(fullPath), exactly: true }
      : paths.length === 0
        ? {}
        : { paths };
    const progress = progressLine();
    let report: ApplyReport;
    try {
      report = applyRun(store, run, { ...options, onProgress: progress.show });
    } finally {
      progress.end();
    }
    if (report.refused.length + report.left.length === 0) {
      noteSettled(store, run.record, 'applied');
    } else if (interactive === true) {
      noteShown(store, run.record);
    }
    if (parsed.values.json === true) {
      const { applied, refused, left, unmatched } = report;
      const json = {
        schemaVersion: 1,
        id: run.record.id,
        applied: applied.map(changeToJson),
        refused: refused.map(({ change, reason, message }) => ({
          ...changeToJson(change),
          reason,
          message,
        })),
        left: left.map(changeToJson),
        unmatched,
      };
      out(`${jsonText(json)}\n`);
    } else {
      print(report, run);
    }
    return report.refused.length > 0 || report.unmatched.length > 0 ? 1 : 0;
  } finally {
    run.close();
  }
}
