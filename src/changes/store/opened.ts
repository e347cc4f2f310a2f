/** Finds a run's directory, opens and locks it. */

import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { closeDescriptor } from '../../native/index.js';
import { isAbsent, lstatAt, openDirectory, withFd } from '../files/fdtree.js';
import type { OnProgress } from '../model/index.js';
import { removePrivateRoot } from './private-root.js';
import { type Place, removeEmptied, removeRunDirectory } from './run-directory.js';
import { openOwn, type Store } from './state-dir.js';
import { runStateError } from './state-error.js';

export interface Opened {
  readonly place: Place;
  /** The open parent directory, and the run's own. */
  readonly parent: number;
  readonly directory: number;
  /** The descriptor of the lock; undefined if another process has it. */
  readonly lock: number | undefined;
  /** Does what is left for a removed run when the lock is closed. */
  afterClose?: (() => void) | undefined;
}

/** Closes all descriptors, or all but the lock. */
export function closeOpened(opened: Opened, keepLock = false): void {
  const { parent, directory, lock, afterClose } = opened;
  closeDescriptor(directory);
  closeDescriptor(parent);
  if (lock !== undefined && !keepLock) closeDescriptor(lock);
  afterClose?.();
}

/**
 * Opens a run in the first of these places that has it; undefined if none has.
 * @param shared whether the lock is shared with others who only read
 */
export function openAt(
  store: Store,
  id: string,
  places: readonly Place[],
  shared = false,
): Opened | undefined {
  // Twice: it may be moved between two lookups.
  for (const place of [...places, ...places]) {
    const opened = openIn(store, id, place, shared);
    if (opened !== undefined) return opened;
  }
  return undefined;
}

function openIn(store: Store, id: string, place: Place, shared: boolean): Opened | undefined {
  const parent = openOwn(store, place, false);
  if (parent === undefined) return undefined;
  const name = Buffer.from(id);
  let directory: number | undefined;
  try {
    directory = openDirectory(store.native, parent, name);
    const lock = store.native.lockRun(directory, shared);
    const opened = { place, parent, directory, lock };
    // Only the holder of the lock moves a run, so it stays here from now on.
    if (lstatAt(parent, name)?.ino === fstatSync(directory, { bigint: true }).ino) return opened;
    closeOpened(opened);
    return undefined;
  } catch (error) {
    if (directory !== undefined) closeDescriptor(directory);
    closeDescriptor(parent);
    if (directory === undefined && isAbsent(error)) return undefined;
    throw runStateError(store, id, error);
  }
}

/** Removes an opened run whose lock is held. It is moved to `runs` first, where an interrupted removal is found. */
export function removeOpened(
  store: Store,
  id: string,
  opened: Opened,
  onProgress?: OnProgress,
): void {
  const { place } = opened;
  removePrivateRoot(store.native, join(store.directory, place, id), true);
  if (place === 'saved') store.native.moveRun(store.directory, id, 'saved', 'runs');
  const gone = withFd(openOwn(store, 'runs', true), (runs) =>
    removeRunDirectory(store, runs, id, onProgress),
  );
  if (!gone) opened.afterClose = () => removeEmptied(store, id);
}
