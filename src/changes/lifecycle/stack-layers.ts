/**
 * The layers of a run that goes on from frozen ones: a fresh one to write to, for each tree, and what the ones of a
 * stack show together.
 */
import { chmodSync, chownSync, fstatSync, mkdirSync, realpathSync } from 'node:fs';
import { at, lstatAt, openDirectory, withFd } from '../files/fdtree.js';
import {
  dropWhiteouts,
  LayerMerge,
  makeRootLike,
  openToOwner,
  partOf,
} from '../files/merge-layer.js';
import { removeTree } from '../files/remove.js';
import { withScratch } from '../files/scratch.js';
import type { ChangesNative, Run, RunRecord, TreeIdentity } from '../model/index.js';
import { frozenPath, inFrozen, openFrozen, rootMode } from '../store/frozen.js';
import { openLayer, openTreeDirectory, treesOf } from '../store/session.js';
import type { Store } from '../store/state-dir.js';

export const upperName: Buffer = Buffer.from('upper');
export const workName: Buffer = Buffer.from('work');
/** The name of what is being made, in a run's directory or a tree's: what is there was cut off. */
export const copiedName: Buffer = Buffer.from('copied');

/** Runs `use` with the open directory that holds `upper` and `work` of one tree. */
export function inLayer<T>(
  native: ChangesNative,
  runDirectory: number,
  index: number,
  use: (layer: number, tree: number) => T,
): T {
  return withFd(openTreeDirectory(native, runDirectory, index), (tree) =>
    withFd(openDirectory(native, tree, Buffer.from('layers/0')), (layer) => use(layer, tree)),
  );
}

/** Runs `use` with the root of a tree in each of these layers that has it, and the mode that it had. */
export function eachRoot(
  store: Store,
  stack: readonly string[],
  index: number,
  use: (root: number, mode: number) => void,
): void {
  inFrozen(store, (frozen) => {
    for (const one of stack) inRoot(store, frozen, one, index, use);
  });
}

/** Returns whether the layer has the tree. */
function inRoot(
  store: Store,
  frozen: number,
  name: string,
  index: number,
  use: (root: number, mode: number) => void,
): boolean {
  const layer = openFrozen(store, frozen, name);
  if (layer === undefined) return false;
  return withFd(layer, () => {
    const tree = Buffer.from(String(index));
    if (lstatAt(layer, tree) === undefined) return false;
    const mode = rootMode(store, layer, index);
    withFd(openDirectory(store.native, layer, tree), (root) =>
      use(root, mode ?? Number(fstatSync(root).mode & 0o7777)),
    );
    return true;
  });
}

/** Makes an empty root at `upper` that is like the uppermost one of a stack. */
export function rootOfStack(
  store: Store,
  stack: readonly string[],
  index: number,
  layer: number,
): void {
  inFrozen(store, (frozen) =>
    stack.some((one) =>
      inRoot(store, frozen, one, index, (root, mode) =>
        makeRootLike(store.native, root, mode, layer, upperName),
      ),
    ),
  );
}

/**
 * Returns whether a tree has the state directory in it: no directory of an overlay may lie in another one of it. Then a
 * layer is copied, and lies on no frozen one: each of these is whole by itself.
 */
export function isCopied(store: Store, { path, home }: TreeIdentity): boolean {
  return home !== 'empty' && `${realpathSync(store.directory)}/`.startsWith(`${path}/`);
}

/** The layers of a stack that lie below what is written to a tree. */
export function stackOf(store: Store, record: RunRecord, index: number): readonly string[] {
  const tree = treesOf(record)[index];
  return tree === undefined || isCopied(store, tree) ? [] : (record.stack ?? []);
}

/** Gives a tree a new layer to write to: empty above the stack, or a copy of its top. */
export function freshLayer(
  store: Store,
  runDirectory: number,
  record: RunRecord,
  index: number,
): void {
  const { native } = store;
  const { stack = [] } = record;
  if (stack.length > 0 && stackOf(store, record, index).length === 0) {
    copyLayer(store, runDirectory, record, index, stack.slice(0, 1));
  }
  inLayer(native, runDirectory, index, (layer) => {
    if (lstatAt(layer, upperName) === undefined) rootOfStack(store, stack, index, layer);
    removeTree(native, layer, workName);
    mkdirSync(at(layer, workName), { mode: 0o700 });
    if (process.geteuid?.() !== 0) return;
    const { uid, gid } = fstatSync(layer); // under sudo the payload's, as launch made it
    chownSync(at(layer, workName), uid, gid);
  });
}

/** It appears when it is whole. */
function copyLayer(
  store: Store,
  runDirectory: number,
  record: RunRecord,
  index: number,
  stack: readonly string[],
): void {
  const { native } = store;
  removeTree(native, runDirectory, copiedName);
  mkdirSync(at(runDirectory, copiedName), { mode: 0o700 });
  withFd(openDirectory(native, runDirectory, copiedName), (part) => {
    makeTrees(part, record);
    inLayer(native, part, index, (target) => rootOfStack(store, stack, index, target));
    const merged = (merge: LayerMerge): void =>
      eachRoot(store, stack, index, (root) => merge.merge(root));
    mergeRoots(native, part, record, index, merged, true);
    inLayer(native, part, index, (from) =>
      inLayer(native, runDirectory, index, (to) => {
        const mode = openToOwner(native, from, upperName);
        const moved = partOf(upperName);
        removeTree(native, to, moved);
        native.renameat2(from, upperName, to, moved, 0);
        chmodSync(at(to, moved), mode);
        native.renameat2(to, moved, to, upperName, 0);
      }),
    );
  });
  removeTree(native, runDirectory, copiedName);
}

/** Nothing lies below an empty home. */
export function withoutWhiteouts(
  native: ChangesNative,
  directory: number,
  record: RunRecord,
  index: number,
): void {
  const layer = openLayer(native, directory, record, index);
  try {
    dropWhiteouts(layer);
  } finally {
    layer.close();
  }
}

/** Puts what the layers of a stack show into the layer of a tree in `directory`. */
export function mergeStack(
  store: Store,
  directory: number,
  record: RunRecord,
  index: number,
  stack: readonly string[],
): void {
  mergeRoots(store.native, directory, record, index, (merge) =>
    eachRoot(store, stack, index, (root) => merge.merge(root)),
  );
}

/** Runs `use` with what puts lower layers into that of a tree in `directory`. */
export function mergeRoots(
  native: ChangesNative,
  directory: number,
  record: RunRecord,
  index: number,
  use: (merge: LayerMerge) => void,
  copies = false,
): void {
  const layer = openLayer(native, directory, record, index);
  try {
    withFd(openTreeDirectory(native, directory, index), (tree) => {
      withScratch(native, tree, (scratch) => use(new LayerMerge(native, layer, scratch, copies)));
    });
  } finally {
    layer.close();
  }
}

/** Makes the directories of a run's layers, without `upper`, in an open empty one. */
export function makeTrees(directory: number, record: RunRecord): void {
  const trees = treesOf(record);
  const make = (path: string): void => {
    mkdirSync(at(directory, Buffer.from(path)), { mode: 0o700 });
  };
  if (trees.length > 1) make('trees');
  for (const [index] of trees.entries()) {
    const tree = index === 0 ? '' : `trees/${index}/`;
    if (index > 0) make(`trees/${index}`);
    make(`${tree}layers`);
    make(`${tree}layers/0`);
  }
}

/** Paths of the frozen layers below what each tree of a run writes to, the upper ones first. */
export const stackPaths = (store: Store, { record }: Run): readonly (readonly string[])[] =>
  treesOf(record).map((_tree, index) =>
    stackOf(store, record, index).map((name) => frozenPath(store, name, index)),
  );
