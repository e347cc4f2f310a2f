/**
 * The files of a session as a stack of layers: frozen ones, which forks share, and one on top that it writes
 * to. No sandbox may write to that one meanwhile.
 *
 * The journal entry names the stack before anything is moved, so that a killed session can be reviewed at
 * every moment: what the entry names and is not there, is empty.
 */
import { mkdirSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import {
  at,
  createFile,
  lstatAt,
  names,
  openDirectory,
  removeQuietly,
  withFd,
} from '../files/fdtree.js';
import { openToOwner } from '../files/merge-layer.js';
import { removeTree } from '../files/remove.js';
import { scratchName } from '../files/scratch.js';
import type { ChangesNative, Run, RunRecord } from '../model/index.js';
import { type FrozenLayer, inFrozen, makeFrozen, namesOf, releaseLayer } from '../store/frozen.js';
import { isResetName, newResetName } from '../store/id.js';
import { writeRecord } from '../store/record.js';
import {
  markStacked,
  openRunDirectory,
  removeRun,
  removeRunApart,
  stackedName,
  withRecord,
} from '../store/run-directory.js';
import { openTreeDirectory, treesOf } from '../store/session.js';
import type { Store } from '../store/state-dir.js';
import { explainingState } from '../store/state-error.js';
import {
  copiedName,
  freshLayer,
  inLayer,
  makeTrees,
  mergeStack,
  rootOfStack,
  stackOf,
  upperName,
  withoutWhiteouts,
  workName,
} from './stack-layers.js';

const mergedName = Buffer.from('merged');
const droppedPrefix = 'dropped-';

/** Says what a layer that is frozen has on disk. */
export interface LayerUse {
  readonly bytes: number;
  readonly inodes: number;
}

/** A session's run, and the frozen layer that it goes on from. */
export interface StackedRun {
  readonly run: Run;
  readonly layer: FrozenLayer;
}

/**
 * Freezes the layer that a run writes to; it goes on with an empty one above it.
 * @param top the frozen layer that it lies on, if any
 */
export function freezeRun(
  store: Store,
  run: Run,
  top: FrozenLayer | undefined,
  used: LayerUse,
): StackedRun {
  const { native } = store;
  const { record } = run;
  const trees = treesOf(record);
  return explainingState(store, record.id, () =>
    withFd(openRunDirectory(store, run), (directory) => {
      const facts = {
        below: record.stack ?? [],
        bytes: used.bytes + (top?.bytes ?? 0),
        inodes: used.inodes + (top?.inodes ?? 0),
        modes: trees.map((_tree, index) =>
          // A directory can be moved only by whom it is open to.
          inLayer(native, directory, index, (live) => openToOwner(native, live, upperName)),
        ),
      };
      markStacked(store, run, directory);
      let now = record;
      const layer = makeFrozen(store, record.id, directory, facts, (made) => {
        now = { ...record, stack: namesOf(made) };
        writeRecord(native, directory, now, false);
      });
      for (const [index] of trees.entries()) {
        inLayer(native, directory, index, (live) => moveUpper(store, live, layer.name, index));
        freshLayer(store, directory, now, index);
      }
      return { run: withRecord(store, run, now), layer };
    }),
  );
}

function moveUpper(store: Store, from: number, name: string, index: number): void {
  const { native } = store;
  inFrozen(store, (frozen) =>
    withFd(openDirectory(native, frozen, Buffer.from(name)), (layer) =>
      native.renameat2(from, upperName, layer, String(index), 0),
    ),
  );
}

/**
 * Has a run go on from a frozen layer. What it has written above it is dropped: {@link emptyDropped} removes
 * that. A file says that this is under way: replacing the journal entry a second time would cost ten times as much,
 * because ext4 writes a file to disk at once if it replaces another.
 */
export function resetRun(store: Store, run: Run, layer: FrozenLayer): Run {
  const { native } = store;
  const record = { ...run.record, stack: namesOf(layer) };
  return explainingState(store, record.id, () =>
    withFd(openRunDirectory(store, run), (directory) => {
      markStacked(store, run, directory);
      // A new name each time: the entry on disk may still have the name of an earlier rollback.
      const reset = newResetName();
      closeDescriptor(createFile(native, directory, Buffer.from(reset)));
      writeRecord(native, directory, { ...record, reset }, false);
      resetLayers(store, directory, record);
      removeQuietly(directory, Buffer.from(reset));
      return withRecord(store, run, record);
    }),
  );
}

function resetLayers(store: Store, directory: number, record: RunRecord): void {
  const { native } = store;
  for (const [index] of treesOf(record).entries()) {
    inLayer(native, directory, index, (live, tree) => {
      for (const name of [upperName, workName]) {
        if (lstatAt(live, name) === undefined) continue;
        openToOwner(native, live, name);
        native.renameat2(live, name, tree, freeName(tree, droppedPrefix), 0);
      }
    });
    freshLayer(store, directory, record, index);
  }
}

/** A name in an open directory that nothing has. */
export function freeName(directory: number, prefix: string): Buffer {
  for (let n = 0; ; n++) {
    const name = Buffer.from(`${prefix}${n}`);
    if (lstatAt(directory, name) === undefined) return name;
  }
}

/** Removes what {@link resetRun} dropped, on another thread. What is left, the end of the run removes. */
export async function emptyDropped(store: Store, run: Run): Promise<void> {
  const { native } = store;
  const removals = withFd(openRunDirectory(store, run), (directory) =>
    [...treesOf(run.record).keys()].flatMap((index) =>
      withFd(openTreeDirectory(native, directory, index), (tree) =>
        droppedIn(tree).map((name) => native.removeTreeSoon(tree, name)),
      ),
    ),
  );
  await Promise.allSettled(removals);
}

const droppedIn = (tree: number): Buffer[] =>
  names(tree).filter((name) => name.toString('latin1').startsWith(droppedPrefix));

function removeDropped(native: ChangesNative, directory: number, record: RunRecord): void {
  removeTree(native, directory, mergedName);
  removeTree(native, directory, copiedName);
  for (const name of names(directory)) {
    if (isResetName(name.toString('latin1'))) removeQuietly(directory, name);
  }
  for (const [index] of treesOf(record).entries()) {
    withFd(openTreeDirectory(native, directory, index), (tree) => {
      for (const name of droppedIn(tree)) removeTree(native, tree, name);
      removeTree(native, tree, scratchName);
    });
  }
}

/** Removes a run with its layers, but for those that others need. */
export function dropStacked(store: Store, run: Run): void {
  removeRun(store, run);
  releaseStack(store, run);
}

/** Removes it as {@link dropStacked} does, on another thread. */
export async function dropStackedSoon(store: Store, run: Run): Promise<void> {
  await removeRunApart(store, run);
  releaseStack(store, run);
}

function releaseStack(store: Store, { record: { id, stack = [] } }: Run): void {
  for (const name of stack) releaseLayer(store, name, id);
}

/** A run's stack becomes one layer, its own, as any other run has. */
export function flattenRun(store: Store, run: Run): Run {
  if (run.record.stack === undefined) return run;
  return withFd(openRunDirectory(store, run), (directory) =>
    withRecord(store, run, flattenDirectory(store, directory, run.record)),
  );
}

const isResetDue = (directory: number, reset: RunRecord['reset']): boolean =>
  reset === true || (reset !== undefined && lstatAt(directory, Buffer.from(reset)) !== undefined);

/** Flattens an open directory whose lock is held; returns the new journal entry. */
export function flattenDirectory(store: Store, directory: number, record: RunRecord): RunRecord {
  const { native } = store;
  const { stack, reset, ...rest } = record;
  if (stack === undefined) return record;
  if (isResetDue(directory, reset)) resetLayers(store, directory, record);
  const flat = { ...rest, shared: true };
  for (const [index, { home }] of treesOf(record).entries()) {
    const missing = inLayer(
      native,
      directory,
      index,
      (layer) => lstatAt(layer, upperName) === undefined,
    );
    if (missing) freshLayer(store, directory, record, index); // killed between two steps
    mergeStack(store, directory, flat, index, stackOf(store, record, index));
    if (home === 'empty') withoutWhiteouts(native, directory, flat, index);
  }
  writeRecord(native, directory, flat, true);
  for (const name of stack) releaseLayer(store, name, record.id);
  removeDropped(native, directory, flat);
  removeQuietly(directory, stackedName);
  return flat;
}

/** Merges a stack that has grown: the run goes on from one layer in its place. Others may still need the old. */
export function lowerStack(store: Store, run: Run, layer: FrozenLayer): StackedRun {
  const { native } = store;
  const stack = namesOf(layer);
  return explainingState(store, run.record.id, () =>
    withFd(openRunDirectory(store, run), (directory) => {
      removeTree(native, directory, mergedName);
      mkdirSync(at(directory, mergedName), { mode: 0o700 });
      const merged = withFd(openDirectory(native, directory, mergedName), (part) => {
        const { bytes, inodes, modes } = layer;
        makeTrees(part, run.record);
        for (const [index] of treesOf(run.record).entries()) {
          inLayer(native, part, index, (target) => rootOfStack(store, stack, index, target));
          const below = stackOf(store, { ...run.record, stack }, index);
          mergeStack(store, part, run.record, index, below.length > 0 ? below : stack.slice(0, 1));
          inLayer(native, part, index, (target) => openToOwner(native, target, upperName));
        }
        const facts = { below: [], bytes, inodes, modes };
        const made = makeFrozen(store, run.record.id, directory, facts, () => {});
        for (const [index] of treesOf(run.record).entries()) {
          inLayer(native, part, index, (from) => moveUpper(store, from, made.name, index));
        }
        return made;
      });
      removeTree(native, directory, mergedName);
      const record = { ...run.record, stack: namesOf(merged) };
      writeRecord(native, directory, record, false);
      return { run: withRecord(store, run, record), layer: merged };
    }),
  );
}
