/**
 * The run that a verb without an ID means: the latest of the directory one stands in, and
 * never another than the one that was seen last. Where that is gone or no longer the latest, no run is
 * taken in its place: the message names what there is.
 */
import { statSync } from 'node:fs';
import {
  type LastShown,
  listRuns,
  noteFinished,
  noteShown,
  noteUnchanged,
  type RunRecord,
  readLastShown,
  type Store,
  savedRecord,
} from '../changes/index.js';
import { ChangesError } from '../errors/index.js';
import type { LaunchResult } from '../launch/index.js';
import { displayText } from '../text/index.js';

/** `show` tells the user what the run changed before anything else is done with it. */
export type WithoutId = 'apply' | 'discard' | 'show';

const verbOf = (use: WithoutId): string => (use === 'show' ? 'diff' : use);
const minute = (time: string): string => time.slice(0, 16).replace('T', ' ');
const unknown = (message: string, hint: string): ChangesError =>
  new ChangesError('ERR_RUN_UNKNOWN', message, { hint });

const howText = { applied: 'applied', discarded: 'discarded' } as const;

/**
 * The id of the run that is meant.
 * @throws ChangesError ERR_RUN_UNKNOWN
 */
export function latestRun(store: Store, use: WithoutId): string {
  const here = process.cwd();
  const ended = listRuns(store).filter(({ status }) => status !== 'running');
  const own = ended.filter(({ workdir }) => workdir.path === here);
  const notes = readLastShown(store, identityOf(here));
  const [latest] = own;
  if (latest === undefined) return ofElsewhere(here, ended[0], notes, use);
  const problem = whyNot(latest, own, notes, use);
  if (problem !== undefined) throw problem;
  return latest.id;
}

/** The directory itself, as runs in it note it. */
function identityOf(path: string): { path: string; dev: string; ino: string } {
  const { dev, ino } = statSync(path, { bigint: true });
  return { path, dev: dev.toString(), ino: ino.toString() };
}

/** To look at, the latest of any directory will do; to change files, it must be named. */
function ofElsewhere(
  here: string,
  latest: RunRecord | undefined,
  { settled }: LastShown,
  use: WithoutId,
): string {
  if (settled !== undefined) {
    const { id, how, at } = settled;
    throw unknown(
      `no changes are left here: the latest run, ${id}, was ${howText[how]} at ${minute(at)} UTC`,
      'To list the runs of other directories: wasbox runs',
    );
  }
  if (latest === undefined) {
    throw unknown(
      'there are no saved changes',
      'A run that changes files saves them: wasbox run SCRIPT',
    );
  }
  if (use === 'show') return latest.id;
  throw unknown(
    `there are no saved changes of a run in ${displayText(here)}`,
    `The latest are of a run in ${displayText(latest.workdir.path)}: wasbox ${use} ${latest.id}`,
  );
}

/** Why the latest run of this directory is not what is meant; undefined where it is. */
function whyNot(
  latest: RunRecord,
  own: readonly RunRecord[],
  { settled, shown, unchangedMs }: LastShown,
  use: WithoutId,
): ChangesError | undefined {
  const { id, started, ended = started } = latest;
  const isShown = shown?.id === id && shown.ended === (latest.ended ?? '');
  const isLater = settled !== undefined && settled.started >= started;
  if (isShown && !(isLater && settled.at > shown.at)) return undefined;
  if (isLater) {
    return unknown(
      `the latest run here, ${settled.id}, was already ${howText[settled.how]} at ${minute(settled.at)} UTC`,
      `An older run, of ${minute(started)} UTC, has saved changes: wasbox ${verbOf(use)} ${id}`,
    );
  }
  if (use === 'show') return undefined;
  const commands = `To review it: wasbox diff ${id}\nTo ${use} it: wasbox ${use} ${id}`;
  if (shown !== undefined) {
    const before = own.find((record) => record.id === shown.id);
    const other =
      before === undefined || shown.id === id
        ? ''
        : `\nTo ${use} the other: wasbox ${use} ${shown.id}`;
    const message =
      shown.id === id
        ? `run ${id} has changed since it was shown here`
        : `the latest run here is now ${id}, not ${shown.id}, which was shown last`;
    return unknown(message, `${commands}${other}`);
  }
  if (unchangedMs > Date.parse(ended)) {
    return unknown(
      'the latest run here changed nothing',
      `An older run, of ${minute(started)} UTC, has saved changes.\n${commands}`,
    );
  }
  return undefined;
}

/** Notes how a run ended of which the user is told now. */
export function noteEnd(store: Store, { record, finish }: LaunchResult): void {
  if (record === undefined || finish === undefined) return;
  const kept = savedRecord(store, record.id);
  if (kept !== undefined) noteShown(store, kept);
  else if (finish.disposition === 'applied') noteFinished(store, record, 'applied');
  else noteUnchanged(store, record.workdir);
}
