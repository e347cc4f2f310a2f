/**
 * Layers that nothing writes to any more, each below the layer that goes on from it. Sessions that were forked
 * share them.
 *
 *     …/frozen/<run>-<n>/   layer.json, refs/<user>, 0, 1, …
 *
 * `0`, `1` … are the upper directories of the run's trees. In `refs` is a file for each that needs the layer:
 * a run, another layer that lies on it, or a process (layer-hold.ts). The last one that goes away takes the layer with
 * it. A process that adds a file to `refs` holds another one there, or one above, so that the layer stays meanwhile.
 */
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { closeDescriptor, SharedHolds } from '../../native/index.js';
import {
  at,
  createFile,
  errnoOf,
  isAbsent,
  lstatAt,
  names,
  openDirectory,
  openToRead,
  removeQuietly,
  renameNoReplace,
  withFd,
} from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import { isLayerName, isRunId } from './id.js';
import { dropLeftRef, isProcessRef, makeProcessRef, type ProcessRef } from './layer-hold.js';
import { closeOpened, openAt } from './opened.js';
import { hasRecord, readRecord, writeWhole } from './record.js';
import { openOwn, type Store } from './state-dir.js';

/** A layer that is frozen, and what lies below it. */
export interface FrozenLayer {
  readonly name: string;
  /** Names of the layers below, the upper ones first. */
  readonly below: readonly string[];
  /** The use of it and of all below it: bytes on disk, and files. */
  readonly bytes: number;
  readonly inodes: number;
  /** The mode of each tree's root as the payload left it: those of the layer itself can always be opened. */
  readonly modes: readonly number[];
}

const refsName = Buffer.from('refs');
const factsName = Buffer.from('layer.json');
const partName = Buffer.from('frozen');

/** Names of a layer and of those below it, the upper ones first. */
export const namesOf = ({ name, below }: FrozenLayer): readonly string[] => [name, ...below];

/** The upper directory of the nth tree in a frozen layer. */
export const frozenPath = (store: Pick<Store, 'directory'>, name: string, tree: number): string =>
  join(store.directory, 'frozen', name, String(tree));

/** Runs `use` with the open directory of all frozen layers; gives undefined where there is none. */
export function inFrozen<T>(store: Store, use: (frozen: number) => T): T | undefined {
  const frozen = openOwn(store, 'frozen', false);
  return frozen === undefined ? undefined : withFd(frozen, use);
}

/** Opens a layer's directory; undefined where there is none. */
export function openFrozen(store: Store, frozen: number, name: string): number | undefined {
  try {
    return openDirectory(store.native, frozen, Buffer.from(name));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Notes a user of a layer that stays meanwhile, and runs `use` with its open directory. */
export function holdLayer(
  store: Store,
  name: string,
  user: string,
  use: (layer: number) => void = () => {},
): void {
  withFd(openOwn(store, 'frozen', true), (frozen) =>
    withFd(openDirectory(store.native, frozen, Buffer.from(name)), (layer) => {
      withFd(openDirectory(store.native, layer, refsName), (refs) => note(store, refs, user));
      use(layer);
    }),
  );
}

function note(store: Store, refs: number, user: string): void {
  try {
    closeDescriptor(createFile(store.native, refs, Buffer.from(user)));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** The layers that this process holds, by path. */
const heldHere = new SharedHolds<ProcessRef>();

/**
 * Holds a layer that stays meanwhile for as long as this process lives.
 * @returns lets go of it
 */
export function holdLayerHere(store: Store, name: string): () => void {
  return heldHere.hold(
    join(store.directory, 'frozen', name),
    () => refHere(store, name),
    (held) => withFd(held.lock, () => releaseLayer(store, name, held.name)),
  );
}

const refHere = (store: Store, name: string): ProcessRef =>
  withFd(openOwn(store, 'frozen', true), (frozen) =>
    withFd(openDirectory(store.native, frozen, Buffer.from(name)), (layer) =>
      withFd(openDirectory(store.native, layer, refsName), (refs) =>
        makeProcessRef(store.native, refs),
      ),
    ),
  );

/**
 * Makes an empty frozen layer that `run` holds.
 * @param run whose directory is open as `runDirectory`, and whose lock is held
 * @param announce is called with the name before the layer is there
 */
export function makeFrozen(
  store: Store,
  run: string,
  runDirectory: number,
  facts: Omit<FrozenLayer, 'name'>,
  announce: (layer: FrozenLayer) => void,
): FrozenLayer {
  return withFd(openOwn(store, 'frozen', true), (frozen) => {
    removeTree(store.native, runDirectory, partName);
    mkdirSync(at(runDirectory, partName), { mode: 0o700 });
    withFd(openDirectory(store.native, runDirectory, partName), (part) => {
      mkdirSync(at(part, refsName), { mode: 0o700 });
      withFd(openDirectory(store.native, part, refsName), (refs) => note(store, refs, run));
      writeWhole(store.native, part, factsName, `${JSON.stringify(facts)}\n`, false);
    });
    for (let n = 1; ; n++) {
      const name = `${run}-${n}`;
      if (lstatAt(frozen, Buffer.from(name)) !== undefined) continue;
      const layer = { ...facts, name };
      announce(layer);
      renameNoReplace(store.native, runDirectory, partName, name, frozen);
      const [next] = facts.below;
      if (next !== undefined) holdLayer(store, next, name);
      return layer;
    }
  });
}

/** A user needs a layer no more. The last one removes it, and lets go of the one below. */
export function releaseLayer(store: Store, name: string, user: string): void {
  inFrozen(store, (frozen) => release(store, frozen, name, user));
}

function release(store: Store, frozen: number, name: string, user: string): void {
  const layer = openFrozen(store, frozen, name);
  if (layer === undefined) return;
  try {
    const refs = openDirectory(store.native, layer, refsName);
    withFd(refs, () => removeQuietly(refs, Buffer.from(user)));
    rmdirSync(at(layer, refsName));
  } catch (error) {
    closeDescriptor(layer);
    if (errnoOf(error) === 'ENOTEMPTY' || isAbsent(error)) return;
    throw error;
  }
  const below = withFd(layer, () => belowOf(store, layer));
  removeTree(store.native, frozen, Buffer.from(name));
  if (below !== undefined) release(store, frozen, below, name);
}

/** Returns what is known of a layer; empty where it cannot be read. */
function factsOf(store: Store, layer: number): Partial<FrozenLayer> {
  try {
    const text = withFd(openToRead(store.native, layer, factsName), (fd) =>
      readFileSync(fd, 'utf8'),
    );
    return JSON.parse(text) as Partial<FrozenLayer>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) errnoOf(error);
    return {};
  }
}

/** The layer that one lies on; undefined for the lowest. */
function belowOf(store: Store, layer: number): string | undefined {
  const [below] = factsOf(store, layer).below ?? [];
  return typeof below === 'string' && isLayerName(below) ? below : undefined;
}

/** The mode of a tree's root as the payload left it. */
export function rootMode(store: Store, layer: number, tree: number): number | undefined {
  const mode = factsOf(store, layer).modes?.[tree];
  return Number.isSafeInteger(mode) ? mode : undefined;
}

/** Returns whether a run needs a layer: it is in use, interrupted and not recovered yet, or says so. */
function isUser(store: Store, run: string, name: string): boolean {
  const opened = openAt(store, run, ['runs', 'saved']);
  if (opened === undefined) return false;
  try {
    if (opened.lock === undefined) return true;
    if (!hasRecord(opened.directory)) return false;
    const { stack = [] } = readRecord(store.native, opened.directory, run);
    return stack.includes(name);
  } catch {
    return true; // damaged: it is kept until it is discarded
  } finally {
    closeOpened(opened);
  }
}

/** Removes the layers that killed processes left, and that no run needs. */
export function sweepFrozen(store: Store): void {
  inFrozen(store, (frozen) => {
    const found = names(frozen)
      .map((name) => name.toString('latin1'))
      .filter(isLayerName);
    // The upper ones first: what lies below is needed by them.
    for (const name of found.reverse()) {
      try {
        sweepOne(store, frozen, name);
      } catch (error) {
        errnoOf(error); // removed meanwhile by another process
      }
    }
  });
}

function sweepOne(store: Store, frozen: number, name: string): void {
  const layer = openFrozen(store, frozen, name);
  if (layer === undefined) return;
  let users: string[] = [];
  let gone: string[] = [];
  withFd(layer, () => {
    try {
      withFd(openDirectory(store.native, layer, refsName), (refs) => {
        users = names(refs).map((user) => user.toString('latin1'));
        gone = users.filter((user) => {
          if (isRunId(user)) return !isUser(store, user, name);
          if (isProcessRef(user)) return dropLeftRef(store.native, refs, user);
          // Another kind of user is one of a newer version.
          return isLayerName(user) && lstatAt(frozen, Buffer.from(user)) === undefined;
        });
      });
    } catch (error) {
      if (!isAbsent(error)) throw error;
      mkdirSync(at(layer, refsName), { mode: 0o700 }); // its removal was cut off
    }
  });
  for (const user of users.length === 0 ? ['-'] : gone) release(store, frozen, name, user);
}
