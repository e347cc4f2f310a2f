/**
 * A run that goes on from a frozen layer, beside the one that it is forked from. It is made when it is needed: most of
 * what it costs is its directory, and a fork that nothing runs in changes nothing.
 */
import { existsSync, fstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isNoise } from '../files/attributes.js';
import { at, lstatAt, openDirectory, withFd } from '../files/fdtree.js';
import { makeRootLike } from '../files/merge-layer.js';
import { removeTree } from '../files/remove.js';
import type { ChangesNative, Run, RunRecord } from '../model/index.js';
import { createRun } from '../store/create.js';
import {
  type FrozenLayer,
  holdLayer,
  holdLayerHere,
  namesOf,
  releaseLayer,
} from '../store/frozen.js';
import { markStacked, openRunDirectory, removeRun } from '../store/run-directory.js';
import { treesOf } from '../store/session.js';
import type { Store } from '../store/state-dir.js';
import { copyBase } from './copy-base.js';
import { freshLayer, inLayer, isCopied, upperName, workName } from './stack-layers.js';

/** The parts of the run that a fork comes from. */
export type ForkOrigin = Pick<
  RunRecord,
  'command' | 'argv' | 'discard' | 'workdir' | 'trees' | 'earlier' | 'baselineNs'
>;

/** A fork that has no run yet. Until then this process holds its layer. */
export interface UnmadeFork {
  readonly origin: ForkOrigin;
  /** Makes its run. Where that fails, it can be tried again. */
  make(): Run;
  /** It is needed no more; nothing of it is left. */
  drop(): void;
}

/** A fork of a run, or of a fork that has none yet, from a frozen layer that another one holds meanwhile. */
export function unmadeFork(store: Store, origin: ForkOrigin, layer: FrozenLayer): UnmadeFork {
  const letGo = holdLayerHere(store, layer.name);
  return {
    origin,
    make: () => {
      const run = makeFork(store, origin, layer, () => {});
      try {
        letGo();
      } catch {
        // The run has the layer; the next look at the runs after this process's end removes the other reference.
      }
      return run;
    },
    drop: letGo,
  };
}

/** Returns whether a run has noted states of the host's files, which its forks need as they are now. */
export const hasBase = ({ directory, record }: Run): boolean =>
  [...treesOf(record).keys()].some((index) =>
    existsSync(join(directory, index === 0 ? 'base' : `trees/${index}/base`)),
  );

/**
 * Makes a run of its own that goes on from a frozen layer, which another one holds meanwhile.
 * @param source the run that it is forked from
 */
export const forkRun = (store: Store, source: Run, layer: FrozenLayer): Run =>
  makeFork(store, source.record, layer, (directory) => {
    if (!hasBase(source)) return;
    withFd(openRunDirectory(store, source), (parent) => {
      for (const index of treesOf(source.record).keys()) {
        copyBase(store.native, parent, directory, index);
      }
    });
  });

/** @param fill is called with the open directory of the run */
function makeFork(
  store: Store,
  { command, argv, discard, workdir, trees, earlier, baselineNs }: ForkOrigin,
  layer: FrozenLayer,
  fill: (directory: number) => void,
): Run {
  const { native } = store;
  const from = {
    workdir,
    ...(trees === undefined ? {} : { trees }),
    ...(earlier === undefined ? {} : { earlier }),
    baselineNs,
    stack: namesOf(layer),
  };
  const all = treesOf(from);
  // Killed before it holds the layer, it has lost nothing.
  const run = createRun(store, { command, argv, trees: all, discard, from });
  try {
    holdLayer(store, layer.name, run.record.id, (frozen) =>
      withFd(openRunDirectory(store, run), (directory) => {
        markStacked(store, run, directory);
        for (const [index, tree] of all.entries()) {
          if (isCopied(store, tree)) {
            inLayer(native, directory, index, (live) => removeTree(native, live, upperName));
            freshLayer(store, directory, run.record, index);
            continue;
          }
          withFd(openDirectory(native, frozen, Buffer.from(String(index))), (root) =>
            withFd(openDirectory(native, directory, layerName(index)), (live) =>
              likeRoot(native, root, layer.modes[index], live),
            ),
          );
        }
        fill(directory);
      }),
    );
    return run;
  } catch (error) {
    releaseLayer(store, layer.name, run.record.id);
    removeRun(store, run);
    throw error;
  }
}

/** Returns the name of one tree's layer, below a run's directory. */
const layerName = (index: number): Buffer =>
  Buffer.from(index === 0 ? 'layers/0' : `trees/${index}/layers/0`);

/** Makes the root of a layer that was just made, and is like the host's, like that of another layer. */
function likeRoot(
  native: ChangesNative,
  root: number,
  mode: number | undefined,
  live: number,
): void {
  const want = fstatSync(root);
  const has = lstatAt(live, upperName);
  const wanted = mode ?? want.mode & 0o7777;
  const same =
    Number((has?.mode ?? 0n) & 0o7777n) === wanted &&
    Number(has?.uid ?? 0n) === want.uid &&
    Number(has?.gid ?? 0n) === want.gid &&
    native.flistxattr(root).every(isNoise);
  if (!same) {
    removeTree(native, live, upperName);
    makeRootLike(native, root, wanted, live, upperName);
  }
  if (lstatAt(live, workName) === undefined) mkdirSync(at(live, workName), { mode: 0o700 });
}
