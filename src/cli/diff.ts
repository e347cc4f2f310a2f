/** `wasbox diff`: what a run changed. */
import {
  type DiffOptions,
  diffRun,
  diffToJson,
  type FileDiff,
  formatPatch,
  formatStat,
  formatUnified,
  noteShown,
  openRun,
  type Run,
  type StandingIn,
  type Store,
  standIn,
  standInForMissing,
} from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import type { ParsedLine } from '../options/index.js';
import { type OwnedSession, withViewOf } from '../owner/index.js';
import { displayText, jsonText } from '../text/index.js';
import { latestRun, placeIn } from './latest.js';
import { requireNode } from './node-module.js';
import { otherDirectory, workdirOption } from './other-directory.js';
import { page } from './pager.js';
import { progressLine } from './progress.js';
import { runAndPaths } from './run-operands.js';
import { err, hasColor, isTerminal, out, write } from './terminal.js';
import { tellUnmatched } from './unmatched.js';
import { flag, parseVerb, userStore, type VerbDescription } from './verb.js';
import { waitForRun } from './wait-for-run.js';

/** The note about a run whose changes were not saved to their end. */
const incompleteText =
  'this run was saved incompletely: changes may be missing, and deletions may not be its own';

/** The paths of a difference: a rename has two. */
const pathsOf = ({ change, from }: FileDiff): string =>
  from === undefined ? `${change.display}\n` : `${from.display}\n${change.display}\n`;

/** A patch holds the bytes as they are, unescaped: never for a terminal. */
function checkPatch(values: ParsedLine['values']): void {
  const other = ['stat', 'name-only', 'json'].find((name) => values[name] === true);
  if (other !== undefined) {
    throw new UsageError('ERR_USAGE', `wasbox diff takes --patch or --${other}, not both`);
  }
  if (!isTerminal(1)) return;
  throw new UsageError(
    'ERR_USAGE',
    '--patch does not escape its output, so it cannot go to a terminal',
    {
      hint: 'To apply it with git: wasbox diff --patch | git apply',
    },
  );
}

const description: VerbDescription = {
  name: 'diff',
  what: 'Show what a run changed. Without an ID: the latest run in this directory, or else the latest.\nOn a terminal, the output goes through GIT_PAGER, PAGER or less.',
  usage: '[ID] [PATH…] [--stat | --name-only | --json | --patch]',
  options: [
    flag('stat', 'print one line per file'),
    flag('name-only', 'print only the paths; both of a rename'),
    flag('json', 'print the changes as JSON'),
    flag('patch', 'print exact bytes for git apply; needs a pipe or a file'),
    flag('no-pager', 'do not use a pager'),
    workdirOption("compare with DIR in place of the run's directory"),
  ],
};

/** No more is read of a file than is shown. */
function detailOf(values: ParsedLine['values']): DiffOptions['detail'] {
  if (values.patch === true || values.json === true) return 'lines';
  if (values['name-only'] === true) return 'names';
  return values.stat === true ? 'counts' : 'lines';
}

/** The differences of a run, counted as they are read. */
class Differences {
  readonly #store: Store;
  readonly #run: Run;
  readonly #options: DiffOptions;
  readonly #progress = progressLine();
  count = 0;

  constructor(store: Store, run: Run, options: DiffOptions) {
    this.#store = store;
    this.#run = run;
    this.#options = { ...options, onProgress: this.#progress.show };
  }

  /** @param fold leaves out what only moved along with its directory */
  *read(fold: boolean): Generator<FileDiff> {
    for (const file of diffRun(this.#store, this.#run, { ...this.#options, fold })) {
      this.count++;
      yield file;
    }
    this.end();
  }

  /** Removes the progress line. */
  end(): void {
    this.#progress.end();
  }
}

/** Yields what a person reads, piece by piece. */
function* textOf(files: Differences, values: ParsedLine['values']): Generator<string> {
  const color = hasColor(1);
  // On the same terminal, the progress line ends where the text begins.
  const first = (chunk: string): string => {
    if (isTerminal(1)) files.end();
    return chunk;
  };
  if (values['name-only'] === true) {
    for (const file of files.read(false)) yield first(pathsOf(file));
  } else if (values.stat === true) {
    const sum = formatStat(files.read(true), { color });
    if (files.count > 0) yield sum;
  } else {
    for (const file of files.read(true)) yield first(formatUnified(file, { color }));
  }
}

/** Prints JSON piece by piece: all of it may be more than one string can hold. */
function printJson(files: Differences, { record }: Run): void {
  out(`{\n"schemaVersion": 1,\n"run": ${jsonText(record)},\n"changes": [`);
  let separator = '\n';
  for (const file of files.read(false)) {
    for (const change of diffToJson(file)) {
      out(`${separator}${jsonText(change)}`);
      separator = ',\n';
    }
  }
  out('\n]\n}\n');
}

/** @param asText prints what a person reads */
async function print(
  files: Differences,
  run: Run,
  values: ParsedLine['values'],
  asText: (text: () => Iterable<string>) => Promise<void>,
): Promise<void> {
  if (values.patch === true) {
    for (const file of files.read(false)) write(1, formatPatch(file));
  } else if (values.json === true) {
    printJson(files, run);
  } else if (values['no-pager'] === true) {
    for (const chunk of textOf(files, values)) out(chunk);
  } else {
    await asText(() => textOf(files, values));
  }
}

function tellMissing(paths: readonly string[], id: string): void {
  for (const path of paths) {
    err(
      `wasbox: ${displayText(path)} is not there any more: all that the run left of it is shown as added\n`,
    );
  }
  if (paths.length > 0) err(`wasbox: to take it out: wasbox apply ${id} --workdir DIR\n`);
}

/** Returns the diff of a session that goes on: what it has changed so far. */
async function diffOfSession(
  store: Store,
  session: OwnedSession,
  paths: readonly string[],
  values: ParsedLine['values'],
): Promise<number> {
  requireNode('sessions');
  let text: readonly string[] = [];
  const count = await withViewOf(store, session, async (view) => {
    const chosen = paths.length === 0 ? {} : { paths, from: placeIn(view.record) };
    const files = new Differences(store, view, {
      ...chosen,
      patch: values.patch === true,
      detail: detailOf(values),
    });
    try {
      // The view is held for as long as it is read, not for as long as a person reads.
      await print(files, view, values, async (all) => {
        text = [...all()];
      });
      return files.count;
    } finally {
      files.end();
    }
  });
  if (text.length > 0) await page(() => text);
  return count > 0 || paths.length === 0 ? 0 : missed(session.id ?? '', paths, undefined);
}

/** Tells which paths are none of the run's. @param maybeId an operand that may have been meant as a run */
function missed(id: string, paths: readonly string[], maybeId: string | undefined): number {
  tellUnmatched(paths, id, maybeId);
  return 1;
}

export async function diffVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(description, argv);
  if (parsed === undefined) return 0;
  const { values } = parsed;
  const patch = values.patch === true;
  if (patch) checkPatch(values);
  const store = userStore();
  const { id, paths, session } = runAndPaths(store, parsed.operands);
  if (session !== undefined && typeof values.workdir !== 'string')
    return diffOfSession(store, session, paths, values);
  const { workdir } = values;
  const elsewhere = typeof workdir === 'string' ? otherDirectory(store, workdir) : undefined;
  const run = openRun(store, id ?? latestRun(store, 'show'), {
    shared: true,
    onInUse: waitForRun(),
    elsewhere,
  });
  if (run.record.incomplete === true) err(`wasbox: ${incompleteText}\n`);
  const from = placeIn(run.record);
  const chosen = paths.length === 0 ? {} : { paths, from };
  let other: StandingIn | undefined;
  let files: Differences | undefined;
  try {
    other =
      elsewhere === undefined ? standInForMissing(store, run) : standIn(store, run, elsewhere);
    tellMissing(other.missing, run.record.id);
    files = new Differences(store, other.run, { ...chosen, patch, detail: detailOf(values) });
    await print(files, run, values, page);
    noteShown(store, run.record);
  } finally {
    files?.end();
    other?.end();
    run.close();
  }
  if (files.count > 0 || paths.length === 0) return 0;
  return missed(run.record.id, paths, id === undefined ? paths[0] : undefined);
}
