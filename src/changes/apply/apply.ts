/**
 * Applies a run's changes to the host.
 *
 * Where all is applied, the run is removed. Otherwise refused changes stay in it: the layer is compared with the host
 * again, and what equals the host is removed from it. A kill before that does no harm: the next command compares.
 */
import { withFd } from '../files/fdtree.js';
import {
  type ApplyReport,
  type Change,
  type Conflicts,
  countChanges,
  type OnProgress,
  type Run,
  type RunRecord,
  sortChanges,
} from '../model/index.js';
import { changesOf, pruneLayer } from '../scan/tree-changes.js';
import { pruneOriginals } from '../store/originals.js';
import { writeRecord } from '../store/record.js';
import { moveRun, openRunDirectory, removeRun } from '../store/run-directory.js';
import { type Session, withSessions } from '../store/session.js';
import type { Store } from '../store/state-dir.js';
import { explainingState } from '../store/state-error.js';
import { Applier, type Handling } from './applier.js';
import { notAsShown } from './as-shown.js';
import { type DeletionOptions, deletionRefusals } from './deletions.js';
import { dropJournal, Journal } from './journal.js';
import type { RefusedError } from './refusal.js';
import { type Selection, selectToApply } from './select.js';

export interface ApplyOptions extends DeletionOptions {
  /**
   * Paths below the working directory or `~`, each with everything below it. A change with the flag `held`
   * or `leads-out` must be named itself.
   *
   * @default all changes but those of the home
   */
  readonly paths?: readonly (string | Buffer)[] | undefined;
  /** True if each path means only itself, without what is below. @default false */
  readonly exactly?: boolean | undefined;
  /** Directory of the working directory that relative paths start in, if a change is there. @default itself */
  readonly from?: string | undefined;
  /** Says what happens to paths that changed on the host as well. @default 'refuse' */
  readonly conflicts?: Conflicts | undefined;
  /** Writes nothing; the chosen changes count as applied. @default false */
  readonly done?: boolean | undefined;
  /** The changes as the user was shown them: one that is not like that any more is refused. */
  readonly shown?: readonly Change[] | undefined;
  /** Called often. */
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Applies a run's changes to the host. Changes that are refused or not named stay in the run; a run with
 * nothing left is removed, and its lock released.
 *
 * @throws ChangesError ERR_APPLY if one of the trees is missing or was replaced
 */
export function applyRun(store: Store, run: Run, options: ApplyOptions = {}): ApplyReport {
  const { id } = run.record;
  const { report, remaining } = explainingState(store, id, () =>
    withFd(openRunDirectory(store, run), (runDirectory) =>
      withSessions(store.native, runDirectory, run.record, (sessions) => {
        const { onProgress } = options;
        const lists = sessions.map((session) => changesOf(session, onProgress));
        const { paths, exactly, from, done: isDone } = options;
        const parents = isDone !== true;
        const selection = selectToApply(lists.flat(), paths, { exactly, parents, from });
        const refuse = isDone ? undefined : refusals(sessions, selection.chosen, options);
        // An interrupted `apply` is found there.
        moveRun(store, run, 'runs');
        const done: { readonly session: Session; readonly applier: Applier }[] = [];
        const keep = () =>
          done.flatMap(({ session, applier }) => keepRest(session, applier, onProgress));
        try {
          for (const [i, session] of sessions.entries())
            done.push({
              session,
              applier: applyTree(session, lists[i] ?? [], selection, { ...options, refuse }),
            });
        } catch (error) {
          keep();
          throw error;
        }
        const appliers = done.map(({ applier }) => applier);
        const isWhole = appliers.every(({ applied }, i) => applied.length === lists[i]?.length);
        const rest = isWhole ? [] : keep();
        if (rest.length > 0)
          writeRecord(store.native, runDirectory, leftOf(run.record, rest), true);
        return { report: reportOf(lists.flat(), selection, appliers), remaining: rest.length };
      }),
    ),
  );
  if (remaining === 0) removeRun(store, run, options.onProgress);
  else moveRun(store, run, 'saved');
  return report;
}

function refusals(
  sessions: readonly Session[],
  chosen: ReadonlySet<Change>,
  options: ApplyOptions,
): (change: Change) => RefusedError | undefined {
  const refuse = deletionRefusals(sessions, chosen, options);
  const other = notAsShown(options.shown ?? []);
  return (change) => other(change) ?? refuse(change);
}

function applyTree(
  session: Session,
  changes: readonly Change[],
  selection: Selection,
  {
    conflicts = 'refuse',
    done = false,
    refuse,
    onProgress,
  }: ApplyOptions & Pick<Handling, 'refuse'>,
): Applier {
  const journal = new Journal(session.directory);
  const applier = new Applier(session, journal, { conflicts, done, refuse });
  try {
    applier.run(changes, selection, onProgress);
  } finally {
    journal.close();
  }
  return applier;
}

/** Keeps in its layer what is left of a tree. */
function keepRest(
  session: Session,
  applier: Applier,
  onProgress: OnProgress | undefined,
): readonly Change[] {
  const left = pruneLayer(session, { ...applier.done, onProgress });
  pruneOriginals(session, left);
  dropJournal(session.directory);
  return left;
}

function leftOf(record: RunRecord, changes: readonly Change[]): RunRecord {
  return {
    ...record,
    ...countChanges(changes),
    status: record.status === 'running' ? 'kept' : record.status,
    ended: record.ended ?? new Date().toISOString(),
  };
}

export function reportOf(
  changes: readonly Change[],
  selection: Selection,
  appliers: readonly Applier[],
): ApplyReport {
  return {
    applied: sortChanges(appliers.flatMap(({ applied }) => applied)),
    refused: appliers.flatMap(({ refused }) => refused),
    left: sortChanges(changes.filter((change) => !selection.chosen.has(change))),
    stripped: appliers.flatMap(({ stripped }) => stripped),
    settled: appliers.flatMap(({ settled }) => settled),
    unmatched: selection.unmatched,
  };
}
