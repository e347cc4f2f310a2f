/**
 * Stage: changes. The end of a run: nothing changed, or the changes are kept, applied or dropped.
 */

import { applyRun } from './apply.js';
import { countChanges, sortChanges } from './compare.js';
import { withFd } from './fdtree.js';
import type { Change, FinishReport, Run, RunRecord } from './model.js';
import { readRecord, writeRecord } from './record.js';
import { openRunDirectory, removeRun } from './run-directory.js';
import { changesOf, pruneLayer, withSessions } from './session.js';
import { returnSpare } from './spare.js';
import { type Store, sayingSpace, spaceError } from './state-dir.js';

export type FinishMode = 'keep' | 'apply' | 'discard';

/** How the run ended. */
export interface RunEnd {
  /** Only a run that succeeded is applied or discarded; any other is kept. */
  readonly succeeded: boolean;
  readonly exitCode?: number | undefined;
  readonly signal?: number | undefined;
  /** What the journal is to say instead of what the run began with. */
  readonly command?: Pick<RunRecord, 'command' | 'argv'> | undefined;
  /** Whether the kernel has unmounted the layer. @default it has */
  readonly isReleased?: (() => boolean) | undefined;
  /** @default the clock */
  readonly now?: Date | undefined;
}

/**
 * Ends a run and gives its lock back. A run that changed nothing leaves nothing on disk.
 *
 * @throws ChangesError ERR_APPLY where the working directory is gone; the run stays
 */
export function finishRun(store: Store, run: Run, end: RunEnd, mode: FinishMode): FinishReport {
  if (returnSpare(store, run, end.isReleased ?? (() => true))) {
    return { id: run.record.id, summary: countChanges([]), changes: [], disposition: 'none' };
  }
  try {
    return endRun(store, run, end, mode);
  } catch (error) {
    throw spaceError(store, run.record.id, error);
  } finally {
    run.close();
  }
}

function endRun(store: Store, run: Run, end: RunEnd, mode: FinishMode): FinishReport {
  const { native } = store;
  const { id } = run.record;
  const changes = withFd(openRunDirectory(store, run), (directory) =>
    withSessions(native, directory, run.record, (sessions) => {
      const found = sessions.flatMap((session) => pruneLayer(session));
      if (found.length > 0) writeRecord(native, directory, endedRecord(run, end, found), true);
      return sortChanges(found);
    }),
  );
  const summary = countChanges(changes);
  const base = { id, summary, changes };
  if (changes.length === 0) {
    removeRun(store, run);
    return { ...base, disposition: 'none' };
  }
  if (!end.succeeded || mode === 'keep') return { ...base, disposition: 'kept' };
  if (mode === 'discard') {
    removeRun(store, run);
    return { ...base, disposition: 'discarded' };
  }
  const kept = withFd(openRunDirectory(store, run), (fd) => readRecord(native, fd, id));
  const apply = applyRun(store, { ...run, record: kept, close: () => run.close() });
  const whole = apply.refused.length === 0;
  return { ...base, disposition: whole ? 'applied' : 'partly-applied', apply };
}

function endedRecord(run: Run, end: RunEnd, changes: readonly Change[]): RunRecord {
  return {
    ...run.record,
    ...end.command,
    ...countChanges(changes),
    status: 'kept',
    ended: (end.now ?? new Date()).toISOString(),
    ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
    ...(end.signal === undefined ? {} : { signal: end.signal }),
  };
}

/** The changes of a run against the host as it is now, by tree and path. */
export function scanRun(store: Store, run: Run): Change[] {
  return sayingSpace(store, run.record.id, () =>
    withFd(openRunDirectory(store, run), (directory) =>
      withSessions(store.native, directory, run.record, (sessions) =>
        sortChanges(sessions.flatMap((session) => changesOf(session))),
      ),
    ),
  );
}
