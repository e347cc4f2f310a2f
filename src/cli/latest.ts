/**
 * The run that a command without an ID means: the latest of the current directory, but only the one that
 * was shown last. If that run is gone, or is not the latest any more, no other is taken in its place; the
 * message names the runs to choose from.
 */
import { statSync } from 'node:fs';
import {
  endedRuns,
  type LastShown,
  noteFinished,
  noteShown,
  noteUnchanged,
  type RunRecord,
  readLastShown,
  type Store,
  savedRecord,
  systemProblem,
} from '../changes/index.js';
import { ChangesError } from '../errors/index.js';
import { realHost } from '../host/index.js';
import type { LaunchResult } from '../launch/index.js';
import { loadNative } from '../native/index.js';
import { findProject } from '../resolve/index.js';
import { displayText } from '../text/index.js';
import { currentDirectory } from './here.js';
import { err } from './terminal.js';

/**
 * `show` only shows the changes, so it may fall back to another run. `continue` adds to those of the latest
 * run here, which need not have been shown: they stay to be reviewed.
 */
export type WithoutId = 'apply' | 'discard' | 'show' | 'continue';

const commands: Readonly<Record<WithoutId, string>> = {
  apply: 'apply',
  discard: 'discard',
  show: 'diff',
  continue: 'run --continue',
};
const minute = (time: string): string => time.slice(0, 16).replace('T', ' ');
const unknown = (message: string, hint: string): ChangesError =>
  new ChangesError('ERR_RUN_UNKNOWN', message, { hint });

export const tellNewer = (id: string): void =>
  err(`wasbox: run ${id} is a newer version's: use that one to review it\n`);

/**
 * The ID of that run.
 * @throws ChangesError ERR_RUN_UNKNOWN
 */
export function latestRun(store: Store, use: WithoutId): string {
  const places = currentPlaces();
  let elsewhere: RunRecord | undefined;
  for (const record of endedRuns(store, tellNewer)) {
    const { path } = record.workdir;
    // Caches are not worth a review; `run --continue` may go on with what was downloaded into them.
    if (record.cachesOnly === true && use !== 'continue') continue;
    if (places.includes(path)) {
      const problem = whyNot(store, record, readLastShown(store, identityOf(path)), use);
      if (problem !== undefined) throw problem;
      return record.id;
    }
    elsewhere ??= record;
  }
  const here = places.at(-1) ?? '';
  return ofElsewhere(here, elsewhere, readLastShown(store, identityOf(here)), use);
}

/** The directories whose runs count as those of the current one: itself, and the project that it is in. */
function currentPlaces(): string[] {
  const current = currentDirectory();
  const host = realHost({ native: loadNative().native });
  const seen = host.files.stat(current);
  const project = seen === undefined ? undefined : findProject(host, current, seen)?.path;
  return project === undefined ? [current] : [current, project];
}

/** Where in a run's working directory the user is; undefined outside of it. */
export function placeIn({ workdir }: RunRecord): string | undefined {
  const current = currentDirectory();
  return current.startsWith(`${workdir.path}/`)
    ? current.slice(workdir.path.length + 1)
    : undefined;
}

/** The directory's identity, as its runs record it. */
function identityOf(path: string): { path: string; dev: string; ino: string } {
  // A name that is not UTF-8 cannot be looked up by its text.
  const { dev, ino } = statSync(path === currentDirectory() ? '.' : path, { bigint: true });
  return { path, dev: dev.toString(), ino: ino.toString() };
}

/** Returns the latest run of any directory, which will do for showing; to change files, it must be named. */
function ofElsewhere(
  here: string,
  latest: RunRecord | undefined,
  { settled }: LastShown,
  use: WithoutId,
): string {
  if (settled !== undefined) {
    const { id, how, at } = settled;
    throw unknown(
      `there are no saved changes here: the latest run, ${id}, was ${how} at ${minute(at)} UTC`,
      'To list the saved changes of all directories: wasbox runs',
    );
  }
  if (latest === undefined) {
    throw unknown(
      'there are no saved changes',
      'To save some, run a script that changes files: wasbox run SCRIPT',
    );
  }
  if (use === 'show') {
    const where = displayText(latest.workdir.path);
    err(`wasbox: no run here has saved changes; these are of run ${latest.id} in ${where}\n`);
    return latest.id;
  }
  throw unknown(
    `there are no saved changes of runs in ${displayText(here)}`,
    `The latest are from ${displayText(latest.workdir.path)}: wasbox ${commands[use]} ${latest.id}`,
  );
}

/** Why the latest run of this directory may not be the one that is meant; undefined where it is. */
function whyNot(
  store: Store,
  latest: RunRecord,
  { settled, shown, unchangedMs }: LastShown,
  use: WithoutId,
): ChangesError | undefined {
  const { id, started, ended = started } = latest;
  const isShown = shown?.id === id && shown.ended === (latest.ended ?? '');
  const isLater = settled !== undefined && settled.started >= started;
  if (isShown && !(isLater && settled.at > shown.at)) return undefined;
  if (isLater) {
    return unknown(
      `the latest run here, ${settled.id}, was already ${settled.how} at ${minute(settled.at)} UTC`,
      `An older run, from ${minute(started)} UTC, has saved changes: wasbox ${commands[use]} ${id}`,
    );
  }
  if (use === 'show' || use === 'continue') return undefined;
  const ways = `To review it: wasbox diff ${id}\nTo ${use} it: wasbox ${use} ${id}`;
  if (shown !== undefined) {
    const isOther = shown.id !== id && savedRecord(store, shown.id) !== undefined;
    const other = isOther ? `\nTo ${use} the other: wasbox ${use} ${shown.id}` : '';
    const message =
      shown.id === id
        ? `run ${id} has changed since it was shown here`
        : `the latest run here is ${id}, but the one shown last was ${shown.id}`;
    return unknown(message, `${ways}${other}`);
  }
  if (unchangedMs > Date.parse(ended)) {
    return unknown(
      'the latest run here changed nothing',
      `An older run, from ${minute(started)} UTC, has saved changes.\n${ways}`,
    );
  }
  return undefined;
}

/**
 * A quiet run shows nothing: one that was shown before, and is still there, stays as it was shown. That holds for a run
 * that the quiet one continued, too, which then has changed since.
 */
function noteKept(store: Store, kept: RunRecord, quiet: boolean): void {
  const before = quiet ? readLastShown(store, kept.workdir).shown : undefined;
  const stays = before !== undefined && before.quiet !== true;
  if (!stays || savedRecord(store, before.id) === undefined) noteShown(store, kept, quiet);
}

/**
 * Records that the user now learns how a run ended.
 * @param quiet the user learns nothing: a run that was shown before, and is still there, stays the one that is meant
 */
export function noteEnd(store: Store, { record, finish }: LaunchResult, quiet: boolean): void {
  if (record === undefined || finish === undefined) return;
  try {
    const kept = savedRecord(store, record.id);
    if (kept !== undefined && kept.cachesOnly !== true) noteKept(store, kept, quiet);
    else if (finish.disposition === 'applied') noteFinished(store, record, 'applied');
    else noteUnchanged(store, record.workdir);
  } catch (error) {
    // The run has ended as it has. Without a note, `apply` asks for an ID.
    if (!(error instanceof ChangesError) && systemProblem(error) === undefined) throw error;
  }
}
