/**
 * Runs whose directory was deleted, replaced or unmounted, or whose changes are wanted in another one. A directory stands
 * in for the tree: an empty one, to look at all that the run left, or one of the user's. The run stays as it is.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ChangesError } from '../../errors/index.js';
import { closeDescriptor } from '../../native/index.js';
import { Applier } from '../apply/applier.js';
import { type ApplyOptions, reportOf } from '../apply/apply.js';
import { deletionRefusals } from '../apply/deletions.js';
import { Journal } from '../apply/journal.js';
import { selectChanges } from '../apply/select.js';
import { at, openRoot, withFd } from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import { openTree } from '../files/workdir.js';
import type { ApplyReport, Run, RunRecord, StandIn } from '../model/index.js';
import { changesOf } from '../scan/tree-changes.js';
import { openRunDirectory } from '../store/run-directory.js';
import { treesOf, withSessions } from '../store/session.js';
import type { Store } from '../store/state-dir.js';
import { explainingState } from '../store/state-error.js';
import { freeName } from './stack.js';

/** A run with directories that stand in for some of its trees. */
export interface StandingIn {
  readonly run: Run;
  /** Paths of the trees that are missing. */
  readonly missing: readonly string[];
  /** Removes what was made for it. The run itself stays open. */
  end(): void;
}

/** Makes a directory in the run's, for records or to compare with. Several readers may look at a run. */
function makeRoom(run: Run, store: Store): string {
  return withFd(openRunDirectory(store, run), (directory) => {
    const name = freeName(directory, `stand-in-${process.pid}-`);
    mkdirSync(at(directory, name), { mode: 0o700 });
    return join(run.directory, name.toString());
  });
}

function remove(store: Store, run: Run, room: string): void {
  withFd(openRunDirectory(store, run), (directory) =>
    removeTree(store.native, directory, Buffer.from(room.slice(run.directory.length + 1))),
  );
}

const withRecordOf = (run: Run, record: RunRecord): Run => ({
  record,
  directory: run.directory,
  trees: run.trees,
  upper: run.upper,
  work: run.work,
  noteInit: () => {},
  close: () => {},
});

/** Returns whether a tree cannot be used any more. */
function isMissing(store: Store, record: RunRecord, index: number): boolean {
  const tree = treesOf(record)[index];
  try {
    if (tree !== undefined) closeDescriptor(openTree(store.native, tree, record));
    return false;
  } catch (error) {
    if (!(error instanceof ChangesError) || error.code !== 'ERR_APPLY') throw error;
    return true;
  }
}

/** The run with an empty directory in place of each tree that is missing. */
export function standInForMissing(store: Store, run: Run): StandingIn {
  const { record } = run;
  const trees = treesOf(record);
  const missing = [...trees.keys()].filter((index) => isMissing(store, record, index));
  if (missing.length === 0) return { run, missing: [], end: () => {} };
  const room = explainingState(store, record.id, () => makeRoom(run, store));
  const standIns = new Map(
    missing.map((index): [number, StandIn] => {
      const [host, records] = ['host', 'records'].map((name) => join(room, `${name}${index}`));
      for (const path of [host, records]) mkdirSync(path ?? '', { mode: 0o700 });
      return [index, { host: host ?? '', records: records ?? '' }];
    }),
  );
  return {
    run: withRecordOf(run, { ...record, standIns }),
    missing: missing.map((index) => trees[index]?.path ?? ''),
    end: () => remove(store, run, room),
  };
}

/** Opens a directory that is to stand in. @throws the error of the call that fails */
export const checkStandIn = (store: Store, path: string): void =>
  closeDescriptor(openRoot(store.native, path));

/** The run's changes of its working directory alone, compared with another directory. @param path absolute */
export function standIn(store: Store, run: Run, path: string): StandingIn {
  const { record } = run;
  checkStandIn(store, path);
  const room = explainingState(store, record.id, () => makeRoom(run, store));
  const workdir = { ...record.workdir, path };
  const standIns = new Map([[0, { host: path, records: room }]]);
  return {
    run: withRecordOf(run, { ...record, workdir, trees: undefined, standIns }),
    missing: [],
    end: () => remove(store, run, room),
  };
}

/**
 * Applies a run's changes to what stands in for its directory. Its files are copied: nothing is taken from the run.
 * @param run of {@link standIn}
 */
export function applyToStandIn(store: Store, run: Run, options: ApplyOptions = {}): ApplyReport {
  const { paths, exactly, from, conflicts = 'refuse', onProgress } = options;
  return explainingState(store, run.record.id, () =>
    withFd(openRunDirectory(store, run), (directory) =>
      withSessions(store.native, directory, run.record, (sessions) => {
        const changes = sessions.flatMap((session) => changesOf(session, onProgress));
        const selection = selectChanges(changes, paths, { exactly, parents: true, from });
        const refuse = deletionRefusals(sessions, selection.chosen, options);
        const appliers = sessions.map((session) => {
          const journal = new Journal(session.directory);
          const how = { conflicts, done: false, copies: true, refuse };
          const applier = new Applier(session, journal, how);
          try {
            applier.run(changes, selection, onProgress);
          } finally {
            journal.close();
          }
          return applier;
        });
        return reportOf(changes, selection, appliers);
      }),
    ),
  );
}
