/** `wasbox apply`: copies a run's changes to its working directory. */
import {
  type ApplyOptions,
  type ApplyReport,
  applyRun,
  applyToStandIn,
  type Deletions,
  deletionsText,
  noteFinished,
  noteShown,
  openRun,
  type Run,
  type Store,
  standIn,
} from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { displayText } from '../text/index.js';
import { applyStatus, printApplied, printAppliedJson } from './apply-report.js';
import { chooseChanges, fullPath } from './choose.js';
import { agrees } from './choose-question.js';
import { latestRun, placeIn } from './latest.js';
import { otherDirectory, workdirOption } from './other-directory.js';
import { progressLine } from './progress.js';
import { refuseSession, runAndPaths } from './run-operands.js';
import { canAsk } from './terminal.js';
import { flag, parseVerb, userStore, type VerbDescription } from './verb.js';
import { waitForRun } from './wait-for-run.js';

const conflictFlags = [
  'merge',
  'conflict-markers',
  'append',
  'theirs',
  'ours',
  'resolved',
] as const;

/** Returns what to do about a path that both you and the run changed. */
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

const description: VerbDescription = {
  name: 'apply',
  what: "Apply a run's changes to its working directory, and those to your home that you name (~/…).\nWithout an ID: those of the latest run here.",
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
      'append',
      'for a file of your home that the run did not see, add its lines at the end of yours',
    ),
    flag(
      'theirs',
      "where both changed a path, take the run's version; your changes to it are lost",
    ),
    flag('ours', "where both changed a path, keep yours; the run's changes to it are discarded"),
    flag(
      'resolved',
      'mark the PATHs as applied without writing them, after you merged them by hand',
    ),
    flag(
      'delete',
      'delete as many paths as the run did: else more than 100, or half of the directory, are asked about',
    ),
    flag(
      'incomplete',
      'apply what there is of a run that was saved incompletely, without its deletions',
    ),
    workdirOption(
      "apply to DIR in place of the run's directory, and keep the run: for one that was moved, or to take changes out",
    ),
    flag('json', 'print what was done as JSON'),
  ],
};

/** Returns what to apply: everything, the paths that are named, or what is chosen on the terminal. */
function selection(
  store: Store,
  run: Run,
  paths: readonly string[],
  interactive: boolean,
): Pick<ApplyOptions, 'paths' | 'exactly' | 'from' | 'shown'> {
  if (interactive) {
    const shown = chooseChanges(store, run);
    return { paths: shown.map(fullPath), exactly: true, shown };
  }
  return paths.length === 0 ? {} : { paths, from: placeIn(run.record) };
}

/** Asks about a large deletion at a terminal; elsewhere the answer is no. */
function askToDelete(large: Deletions): boolean {
  if (!canAsk()) return false;
  return agrees(`delete ${displayText(deletionsText(large))}`);
}

/** @param apply `applyRun`, or what applies to another directory */
function applyWithProgress(
  store: Store,
  run: Run,
  options: ApplyOptions,
  apply: typeof applyRun,
): ApplyReport {
  const progress = progressLine();
  const { delete: allowed } = options;
  const ask = (large: Deletions): boolean => {
    progress.end();
    return askToDelete(large);
  };
  try {
    return apply(store, run, {
      ...options,
      delete: allowed === true || ask,
      onProgress: progress.show,
    });
  } finally {
    progress.end();
  }
}

/** Applies to another directory than the run's, which stays saved. */
function applyElsewhere(
  store: Store,
  run: Run,
  directory: string,
  paths: readonly string[],
  options: ApplyOptions,
): { readonly report: ApplyReport; readonly path: string } {
  const other = standIn(store, run, directory);
  try {
    const chosen = paths.length === 0 ? {} : { paths };
    const report = applyWithProgress(store, other.run, { ...chosen, ...options }, applyToStandIn);
    return { report, path: other.run.record.workdir.path };
  } finally {
    other.end();
  }
}

export function applyVerb(argv: readonly string[]): number {
  const parsed = parseVerb(description, argv);
  if (parsed === undefined) return 0;
  const interactive = parsed.values.interactive === true;
  const store = userStore();
  const { id, paths, session } = runAndPaths(store, parsed.operands);
  refuseSession(session);
  if (interactive && paths.length > 0) {
    throw new UsageError('ERR_USAGE', 'wasbox apply takes paths or -i, not both');
  }
  const how = conflictsOf(parsed.values, paths, interactive);
  const { workdir } = parsed.values;
  if (typeof workdir === 'string' && (interactive || how.done === true)) {
    throw new UsageError(
      'ERR_USAGE',
      `wasbox apply takes ${interactive ? '-i' : '--resolved'} or --workdir, not both`,
    );
  }
  const elsewhere = typeof workdir === 'string' ? otherDirectory(store, workdir) : undefined;
  const run = openRun(store, id ?? latestRun(store, interactive ? 'show' : 'apply'), {
    onInUse: waitForRun(),
    elsewhere,
  });
  try {
    const options = {
      ...how,
      delete: parsed.values.delete === true,
      incomplete: parsed.values.incomplete === true,
    };
    const { record } = run;
    const maybeId = id === undefined ? paths[0] : undefined;
    const isJson = parsed.values.json === true;
    if (elsewhere !== undefined) {
      const { report, path } = applyElsewhere(store, run, elsewhere, paths, options);
      if (isJson) printAppliedJson(report, record.id);
      else printApplied(report, { ...how, id: record.id, directory: path, maybeId, stays: true });
      return applyStatus(report);
    }
    const chosen = selection(store, run, paths, interactive);
    const report = applyWithProgress(store, run, { ...chosen, ...options }, applyRun);
    const isDone = report.refused.length + report.left.length === 0;
    if (isDone) noteFinished(store, record, 'applied');
    else if (interactive) noteShown(store, record);
    if (isJson) printAppliedJson(report, record.id);
    else printApplied(report, { ...how, id: record.id, directory: record.workdir.path, maybeId });
    return applyStatus(report);
  } finally {
    run.close();
  }
}
