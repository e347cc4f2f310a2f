/** `wasbox apply`: copies a run's changes to its working directory. */
import {
  type ApplyOptions,
  type ApplyReport,
  applyRun,
  type Change,
  changeToJson,
  noteFinished,
  noteShown,
  openRun,
  type Run,
} from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { shellQuote } from '../options/index.js';
import { displayPath, displayText, jsonText } from '../text/index.js';
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

function print(
  report: ApplyReport,
  run: Run,
  { conflicts, done = false }: Pick<ApplyOptions, 'conflicts' | 'done'>,
): void {
  const { id } = run.record;
  const workdir = run.record.workdir.path;
  if (report.applied.length > 0) err(`wasbox: in ${displayText(workdir)}:\n`);
  const settled = new Map(report.settled.map((one) => [one.change, one]));
  for (const change of report.applied) {
    const word = done ? 'resolved' : (settled.get(change)?.how ?? change.kind);
    out(`${word.padEnd(8)} ${change.display}\n`);
  }
  const marked = report.settled.filter(({ how }) => how === 'conflict');
  for (const { change, places } of marked) {
    err(
      `wasbox: ${change.display}: both versions are between conflict markers in ${places} ${places === 1 ? 'place' : 'places'}; edit the file to resolve them\n`,
    );
  }
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
  for (const line of mergeHint(id, report.refused, conflicts)) err(`wasbox: ${line}\n`);
  for (const name of report.unmatched) {
    err(`wasbox: the run changed nothing at ${displayText(name)}\n`);
  }
  const left = report.left.length + report.refused.length;
  if (left === 0) return;
  err(`wasbox: ${left} ${left === 1 ? 'change is' : 'changes are'} left\n`);
  err(`wasbox:   review:  wasbox diff ${id}\nwasbox:   discard: wasbox discard ${id}\n`);
}

const conflictFlags = ['merge', 'conflict-markers', 'theirs', 'ours', 'resolved'] as const;

/** What the options say is done about a path that both changed. */
function conflictsOf(
  values: Readonly<Record<string, unknown>>,
  paths: readonly string[],
  interactive: boolean,
): Pick<ApplyOptions, 'conflicts' | 'done'> {
  // Markers are a merge as well.
  const given = conflictFlags.filter(
    (name) => values[name] === true && !(name === 'merge' && values['conflict-markers'] === true),
  );
  const [first, second] = given;
  if (second !== undefined) {
    throw new UsageError('ERR_USAGE', `wasbox apply takes --${first} or --${second}, not both`);
  }
  if (first === undefined) return {};
  if (interactive) {
    throw new UsageError('ERR_USAGE', `wasbox apply takes -i or --${first}, not both`);
  }
  if (first !== 'resolved') {
    return { conflicts: first === 'conflict-markers' ? 'markers' : first };
  }
  if (paths.length > 0) return { done: true };
  throw new UsageError('ERR_USAGE', 'wasbox apply --resolved needs the paths that you merged', {
    hint: 'wasbox apply --resolved PATH…',
  });
}

export function applyVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'apply',
      what: "Copies a run's changes to its working directory; without an ID those of the latest run here.",
      usage: '[ID] [PATH… | -i] [options]',
      options: [
        { ...flag('interactive', 'ask for each change on the terminal'), short: 'i' },
        flag(
          'merge',
          'where you and the run both changed a text file, merge the changes; a file with overlapping changes is left as it is',
        ),
        flag(
          'conflict-markers',
          'like --merge, but write overlapping changes into the file, between conflict markers',
        ),
        flag(
          'theirs',
          "where both changed a path, take the run's version; your changes to it are lost",
        ),
        flag(
          'ours',
          "where both changed a path, keep yours; the run's changes to it are discarded",
        ),
        flag(
          'resolved',
          'write nothing, but count the PATHs as applied: use it after you merged them by hand',
        ),
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
  const how = conflictsOf(parsed.values, paths, interactive === true);
  const run = openRun(store, id ?? latestRun(store, interactive === true ? 'show' : 'apply'));
  try {
    const chosen = interactive === true ? chooseChanges(store, run) : undefined;
    const selected = chosen
      ? { paths: chosen.map(fullPath), exactly: true }
      : paths.length === 0
        ? {}
        : { paths };
    const options = { ...selected, ...how };
    const progress = progressLine();
    let report: ApplyReport;
    try {
      report = applyRun(store, run, { ...options, onProgress: progress.show });
    } finally {
      progress.end();
    }
    if (report.refused.length + report.left.length === 0) {
      noteFinished(store, run.record, 'applied');
    } else if (interactive === true) {
      noteShown(store, run.record);
    }
    if (parsed.values.json === true) {
      const { applied, refused, left, unmatched, settled } = report;
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
        settled: settled.map(({ change, how, places }) => ({ path: change.display, how, places })),
      };
      out(`${jsonText(json)}\n`);
    } else {
      print(report, run, options);
    }
    const isWhole = report.refused.length + report.unmatched.length === 0;
    return isWhole && report.settled.every(({ how }) => how !== 'conflict') ? 0 : 1;
  } finally {
    run.close();
  }
}
