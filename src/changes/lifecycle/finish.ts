/**
 * The end of a run: its changes are saved, applied or discarded.
 */
import { fstatSync } from 'node:fs';
import { applyRun } from '../apply/apply.js';
import { withFd } from '../files/fdtree.js';
import { birthOf } from '../files/workdir.js';
import {
  type Change,
  type ChangeSummary,
  countChanges,
  type DroppedFiles,
  type FinishReport,
  type OnProgress,
  type Run,
  type RunRecord,
  sortChanges,
  type TreeIdentity,
} from '../model/index.js';
import { TooManyChangesError } from '../scan/change-list.js';
import { cutShort } from '../scan/cut-short.js';
import { changesOf, pruneLayer, quickChangesOf } from '../scan/tree-changes.js';
import { keepOriginals } from '../store/originals.js';
import { readRecord, writeRecord } from '../store/record.js';
import {
  endUntouched,
  type LayerEnd,
  moveRun,
  openRunDirectory,
  removeRun,
  removeRunSoon,
  sinceMade,
  withRecord,
} from '../store/run-directory.js';
import { type Session, withSessions } from '../store/session.js';
import { startAtEnd } from '../store/start-time.js';
import type { Store } from '../store/state-dir.js';
import { explainingState, runStateError } from '../store/state-error.js';
import { flattenRun } from './stack.js';
import { unchanged } from './unchanged.js';

export type FinishMode = 'keep' | 'apply' | 'discard';

/** How the run ended. */
export interface RunEnd {
  /** Only a successful run is applied or discarded; any other is saved. */
  readonly succeeded: boolean;
  readonly exitCode?: number | undefined;
  readonly signal?: number | undefined;
  /** The command for the journal entry, instead of the one that the run started with. */
  readonly command?: Pick<RunRecord, 'command' | 'argv'> | undefined;
  /** Called often. */
  readonly onProgress?: OnProgress | undefined;
  /** See `maxAllPathBytes` of the comparison. @default 256 MiB */
  readonly maxAllPathBytes?: number | undefined;
  /** @default the clock */
  readonly now?: Date | undefined;
}

/**
 * Ends a run and releases its lock. A run that changed nothing leaves nothing on disk.
 *
 * @throws ChangesError ERR_APPLY if the working directory is missing; the run stays
 */
export function finishRun(store: Store, run: Run, end: RunEnd, mode: FinishMode): FinishReport {
  if (endUntouched(store, run)) return unchanged(run);
  try {
    const flat = flattenRun(store, run);
    const { report, dropped } = endRun(store, flat, end, mode);
    if (dropped) removeRun(store, flat, end.onProgress);
    return report;
  } catch (error) {
    throw runStateError(store, run.record.id, error);
  } finally {
    run.close();
  }
}

/**
 * Ends a run that is known to have changed something, which stays open.
 * @param layer removes what was changed on another thread; undefined does it here
 */
export async function finishChanged(
  store: Store,
  run: Run,
  end: RunEnd,
  mode: FinishMode,
  layer: LayerEnd | undefined,
): Promise<FinishReport> {
  const flat = flattenRun(store, run);
  const { report, dropped } = endRun(store, flat, end, mode);
  if (!dropped) return report;
  if (layer === undefined) removeRun(store, flat, end.onProgress);
  else await removeRunSoon(store, flat, layer);
  return report;
}

interface Ending {
  readonly report: FinishReport;
  /** True if nothing of the run is kept, so that the caller must remove it. */
  readonly dropped: boolean;
}

function endRun(store: Store, made: Run, end: RunEnd, mode: FinishMode): Ending {
  const baselineNs = startAtEnd(made.record, sinceMade(made));
  const run = withRecord(store, made, { ...made.record, baselineNs });
  const { native } = store;
  const { id } = run.record;
  const { onProgress } = end;
  const discarded = end.succeeded && mode === 'discard';
  const { changes, summary, unlisted, dropped } = withFd(
    openRunDirectory(store, run),
    (directory) =>
      withSessions(native, directory, run.record, (sessions) => {
        const seen = compare(sessions, end, discarded);
        if (!discarded && (seen.changes.length > 0 || seen.unlisted)) {
          for (const session of sessions) keepOriginals(session, ofTree(session, seen.changes));
          const record = datedRecord(run.record, sessions);
          const cachesOnly = !seen.unlisted && seen.changes.every(isCache) ? true : undefined;
          const ended = endedRecord(record, end, seen.summary);
          const kept = { ...ended, cachesOnly, ...cutShort(seen.changes) };
          writeRecord(native, directory, kept, true);
        }
        return seen;
      }),
  );
  const base = {
    id,
    summary,
    changes,
    ...(unlisted ? { unlisted } : {}),
    ...(dropped.length === 0 ? {} : { dropped }),
  };
  if (changes.length === 0 && !unlisted) {
    return { report: { ...base, disposition: 'none' }, dropped: true };
  }
  if (discarded) return { report: { ...base, disposition: 'discarded' }, dropped: true };
  const onlyHome = changes.every(({ home }) => home !== undefined);
  if (!end.succeeded || mode === 'keep' || unlisted || onlyHome) {
    moveRun(store, run, 'saved');
    return { report: { ...base, disposition: 'kept' }, dropped: false };
  }
  if (mode !== 'apply') throw new TypeError(`no such end of a run: ${mode}`);
  const kept = withFd(openRunDirectory(store, run), (fd) => readRecord(native, fd, id));
  const apply = applyRun(store, withRecord(store, run, kept), { onProgress });
  const whole = apply.refused.length + apply.left.length === 0;
  const disposition = whole ? 'applied' : 'partly-applied';
  return { report: { ...base, disposition, apply }, dropped: false };
}

const isCache = ({ home, path }: Change): boolean =>
  home !== undefined && `${path.toString('latin1')}/`.startsWith('.cache/');

const ofTree = ({ index }: Session, changes: readonly Change[]): readonly Change[] =>
  changes.filter(({ tree }) => tree === index);

interface Seen {
  readonly changes: readonly Change[];
  readonly summary: ChangeSummary;
  readonly unlisted: boolean;
  readonly dropped: readonly DroppedFiles[];
}

/** Compares the layers with the host. Too many changes to list are not an error of the run. */
function compare(sessions: readonly Session[], end: RunEnd, discarded: boolean): Seen {
  const { onProgress, maxAllPathBytes } = end;
  const look = discarded ? quickChangesOf : pruneLayer;
  const places = new Map<string, DroppedFiles>();
  const onDropped = (one: DroppedFiles): void => {
    const files = one.files + (places.get(one.place)?.files ?? 0);
    places.set(one.place, { ...one, files });
  };
  const dropped = () => [...places.values()];
  try {
    const found = sessions.flatMap((session) =>
      look(session, { onProgress, onDropped, maxAllPathBytes }),
    );
    return {
      changes: sortChanges(found),
      summary: countChanges(found),
      unlisted: false,
      dropped: dropped(),
    };
  } catch (error) {
    if (!(error instanceof TooManyChangesError)) throw error;
    return { changes: [], summary: error.summary, unlisted: true, dropped: dropped() };
  }
}

/** The entry with the birth times of the trees. */
function datedRecord(record: RunRecord, sessions: readonly Session[]): RunRecord {
  const dated = (tree: TreeIdentity, index: number): TreeIdentity => {
    const { host } = sessions[index] ?? {};
    if (host === undefined) return tree;
    const birthNs = birthOf(fstatSync(host, { bigint: true }));
    return birthNs === undefined ? tree : { ...tree, birthNs };
  };
  const { trees } = record;
  return {
    ...record,
    workdir: dated(record.workdir, 0),
    ...(trees === undefined ? {} : { trees: trees.map((tree, index) => dated(tree, index + 1)) }),
  };
}

function endedRecord(record: RunRecord, end: RunEnd, summary: ChangeSummary): RunRecord {
  return {
    ...record,
    ...end.command,
    ...summary,
    status: 'kept',
    ended: (end.now ?? new Date()).toISOString(),
    ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
    ...(end.signal === undefined ? {} : { signal: end.signal }),
  };
}

/** The changes of a run compared with the host as it is now, by tree and path. */
export function scanRun(store: Store, run: Run, onProgress?: OnProgress): Change[] {
  return explainingState(store, run.record.id, () =>
    withFd(openRunDirectory(store, run), (directory) =>
      withSessions(store.native, directory, run.record, (sessions) =>
        sortChanges(sessions.flatMap((session) => changesOf(session, onProgress))),
      ),
    ),
  );
}
