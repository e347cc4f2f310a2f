/**
 * Shows a session's files as they are now, as one layer, while its sandbox may go on writing: what it changes meanwhile
 * is seen or not. Files are shared by hard links, so that nothing is copied.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { closeDescriptor } from '../../native/index.js';
import { Applier } from '../apply/applier.js';
import type { ApplyOptions } from '../apply/apply.js';
import { deletionRefusals } from '../apply/deletions.js';
import { dropJournal, Journal } from '../apply/journal.js';
import { type Selection, selectToApply } from '../apply/select.js';
import {
  at,
  errnoOf,
  isAbsent,
  openDirectory,
  openDirectoryPath,
  stateAt,
  withFd,
} from '../files/fdtree.js';
import { inClosed, makeRootLike, unshareFiles } from '../files/merge-layer.js';
import { pathKey, splitPath } from '../files/path.js';
import { removeTree } from '../files/remove.js';
import { withScratch } from '../files/scratch.js';
import {
  type ApplyReport,
  type Change,
  type ChangesNative,
  type FileState,
  type Run,
  type RunRecord,
  sortChanges,
} from '../model/index.js';
import { changesOf, pruneLayer } from '../scan/tree-changes.js';
import { Base } from '../store/base.js';
import { layerPath } from '../store/layer-path.js';
import { openRunDirectory } from '../store/run-directory.js';
import { openLayer, type Session, treesOf, withSessions } from '../store/session.js';
import { startOf } from '../store/start-time.js';
import type { Store } from '../store/state-dir.js';
import { explainingState } from '../store/state-error.js';
import { copyBase } from './copy-base.js';
import { freeName } from './stack.js';
import {
  eachRoot,
  inLayer,
  makeTrees,
  mergeRoots,
  stackOf,
  upperName,
  withoutWhiteouts,
} from './stack-layers.js';

/** A run whose layer is what a session's files are now. */
export interface OpenedView {
  /** Absolute path. */
  readonly directory: string;
  readonly record: RunRecord;
  /** Removes it. Can be called twice. */
  close(): void;
}

/** Makes a view of a session's files. It is for looking only. */
export function openView(store: Store, run: Run): OpenedView {
  const { native } = store;
  const record = { ...run.record, shared: true };
  return explainingState(store, record.id, () => {
    const directory = openRunDirectory(store, run);
    const name = freeName(directory, 'view-');
    let open = true;
    const close = (): void => {
      if (!open) return;
      open = false;
      try {
        restoreModes(native, directory, name, record);
        removeTree(native, directory, name);
      } finally {
        closeDescriptor(directory);
      }
    };
    try {
      mkdirSync(at(directory, name), { mode: 0o700 });
      withFd(openDirectory(native, directory, name), (place) => {
        const own = Buffer.from(record.id);
        mkdirSync(at(place, own), { mode: 0o700 });
        withFd(openDirectory(native, place, own), (view) =>
          fillView(store, directory, view, record),
        );
      });
    } catch (error) {
      close();
      throw error;
    }
    return { directory: join(run.directory, name.toString(), record.id), record, close };
  });
}

/**
 * Runs `use` with a run whose layer is what the session's files are now. It is for looking only: it is gone
 * afterwards.
 */
export function withView<T>(store: Store, run: Run, use: (view: Run) => T): T {
  const { directory, record, close } = openView(store, run);
  try {
    return explainingState(store, record.id, () => use(viewOf(directory, record)));
  } finally {
    close();
  }
}

/** The run of a view that another process holds. */
export const viewOfOther = ({ directory, record }: Omit<OpenedView, 'close'>): Run =>
  viewOf(directory, record);

const viewOf = (directory: string, record: RunRecord): Run => ({
  record,
  directory,
  trees: treesOf(record).map((identity, index) => ({
    identity,
    layer: layerPath(directory, index),
  })),
  upper: join(layerPath(directory, 0), 'upper'),
  work: join(layerPath(directory, 0), 'work'),
  noteInit: () => {},
  close: () => {},
});

function fillView(store: Store, directory: number, view: number, record: RunRecord): void {
  const { native } = store;
  const { stack = [] } = record;
  makeTrees(view, record);
  for (const [index, { home }] of treesOf(record).entries()) {
    copyBase(native, directory, view, index);
    inLayer(native, directory, index, (live) =>
      inClosed(native, live, upperName, (root, mode) => {
        inLayer(native, view, index, (target) =>
          makeRootLike(native, root, mode, target, upperName),
        );
        mergeRoots(native, view, record, index, (merge) => {
          merge.merge(root);
          eachRoot(store, stackOf(store, record, index), index, (lower) => merge.merge(lower));
        });
      }),
    );
    if (home === 'empty' && stack.length > 0) withoutWhiteouts(native, view, record, index);
  }
}

/** The session's files are the same inodes: those that the look opened to their owner are closed again. */
function restoreModes(
  native: ChangesNative,
  directory: number,
  name: Buffer,
  record: RunRecord,
): void {
  const path = Buffer.from(`${name.toString()}/${record.id}`);
  try {
    withFd(openDirectory(native, directory, path), (view) => {
      for (const [index] of treesOf(record).entries()) {
        const layer = openLayer(native, view, record, index);
        try {
          layer.restoreModes();
        } finally {
          layer.close();
        }
      }
    });
  } catch (error) {
    if (!isAbsent(error)) throw error; // it was not made whole
  }
}

/** The paths of the chosen changes of each tree. */
type ChosenPaths = readonly ReadonlySet<string>[];

/** Looks at the changes while the session may go on changing them: nothing is decided by what is found. */
function choosePaths(
  sessions: readonly Session[],
  { paths, exactly, from }: ApplyOptions,
): ChosenPaths {
  const lists = sessions.map((session) => changesOf(session));
  const { chosen } = selectToApply(lists.flat(), paths, { exactly, from });
  return lists.map(
    (list) => new Set(list.flatMap((change) => (chosen.has(change) ? [pathKey(change.path)] : []))),
  );
}

/**
 * Gives a view files of its own at these paths. The session's programs have the other inodes, and may write to them at any
 * time: what is judged must be what is applied.
 */
function takeFiles(
  { native }: Store,
  layers: number,
  record: RunRecord,
  chosen: ChosenPaths,
): void {
  for (const [index, paths] of chosen.entries()) {
    if (paths.size === 0) continue;
    inLayer(native, layers, index, (place) => {
      const layer = openLayer(native, layers, record, index);
      try {
        withScratch(native, place, (scratch) =>
          unshareFiles(layer, scratch, (path) => paths.has(pathKey(path))),
        );
      } finally {
        layer.close();
      }
    });
  }
}

/**
 * Applies what a session has changed so far to the host. The session goes on, with the same files: what was
 * applied is no change any more until it is changed again.
 *
 * @throws ChangesError ERR_APPLY if one of the trees is missing or was replaced
 */
export function applyOfSession(store: Store, run: Run, options: ApplyOptions = {}): ApplyReport {
  const { native } = store;
  return withView(store, run, (view) =>
    withFd(openRunDirectory(store, run), (directory) =>
      withFd(openRunDirectory(store, view), (layers) => {
        const { record } = view;
        const withTrees = <T>(use: (sessions: readonly Session[]) => T): T =>
          withSessions(native, directory, record, use, layers);
        const chosen = withTrees((sessions) => choosePaths(sessions, options));
        takeFiles(store, layers, record, chosen);
        return withTrees((sessions) => applyAll(sessions, chosen, options));
      }),
    ),
  );
}

/** Chooses no change whose file the view does not have for itself. */
function chooseAgain(
  lists: readonly (readonly Change[])[],
  taken: ChosenPaths,
  { paths, exactly, from }: ApplyOptions,
): Selection {
  const selection = selectToApply(lists.flat(), paths, { exactly, from });
  const isTaken = ({ tree, path }: Change): boolean => taken[tree]?.has(pathKey(path)) === true;
  return { ...selection, chosen: new Set([...selection.chosen].filter(isTaken)) };
}

function applyAll(
  sessions: readonly Session[],
  taken: ChosenPaths,
  options: ApplyOptions,
): ApplyReport {
  const { conflicts = 'refuse' } = options;
  const before = sessions.map(({ native, directory, record }) =>
    Base.read(native, directory, startOf(record)),
  );
  const lists = sessions.map((session) => changesOf(session));
  const selection = chooseAgain(lists, taken, options);
  const refuse = deletionRefusals(sessions, selection.chosen, options);
  const appliers = sessions.map((session, index) => {
    const { native, directory, record, host } = session;
    const journal = new Journal(directory);
    const applier = new Applier(session, journal, {
      conflicts,
      done: false,
      copies: true,
      refuse,
    });
    try {
      applier.run(lists[index] ?? [], selection);
    } finally {
      journal.close();
    }
    pruneLayer(session, applier.done);
    Base.read(native, directory, startOf(record)).settle(
      native,
      directory,
      before[index] as Base,
      applier.applied.map(({ path }) => [path, hostState(native, host, path)] as const),
    );
    dropJournal(directory);
    return applier;
  });
  return {
    applied: sortChanges(appliers.flatMap(({ applied }) => applied)),
    refused: appliers.flatMap(({ refused }) => refused),
    left: sortChanges(lists.flat().filter((change) => !selection.chosen.has(change))),
    stripped: appliers.flatMap(({ stripped }) => stripped),
    settled: appliers.flatMap(({ settled }) => settled),
    unmatched: selection.unmatched,
  };
}

/** Returns what the host has at a path of a tree. */
function hostState(native: ChangesNative, host: number, path: Buffer): FileState | undefined {
  const parts = splitPath(path);
  const name = parts.pop();
  if (name === undefined) return stateAt(host, Buffer.from('.'));
  let fd = openDirectoryPath(native, host, Buffer.from('.'));
  for (const part of parts) {
    const parent = fd;
    try {
      fd = withFd(parent, () => openDirectoryPath(native, parent, part));
    } catch (error) {
      errnoOf(error); // removed meanwhile
      return undefined;
    }
  }
  return withFd(fd, () => stateAt(fd, name));
}
