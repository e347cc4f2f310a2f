/** Removes the spare layers of processes that were killed. */
import { closeSync, fstatSync } from 'node:fs';
import { errnoOf, names, openDirectory, withFd } from '../files/fdtree.js';
import { isRunId } from './id.js';
import { hasLock, removeRunDirectory, takeLock } from './run-directory.js';
import { openOwn, type Store } from './state-dir.js';

/** Removes what processes that were killed have left. */
export function sweepSpares(store: Store): void {
  const spares = openOwn(store, 'spare', false);
  if (spares === undefined) return;
  withFd(spares, () => {
    for (const name of names(spares)) {
      const id = name.toString('latin1');
      if (isRunId(id)) unlessGone(() => sweepOne(store, spares, id));
    }
  });
}

function unlessGone(use: () => void): void {
  try {
    use();
  } catch (error) {
    errnoOf(error); // removed meanwhile by another process, or not now
  }
}

function sweepOne(store: Store, spares: number, id: string): void {
  const directory = openDirectory(store.native, spares, Buffer.from(id));
  let lock: number | undefined;
  try {
    // Its maker makes the lock right after the directory.
    const minute = 60_000;
    const young = Date.now() - fstatSync(directory).mtimeMs < minute;
    if (!hasLock(directory) && young) return;
    lock = takeLock(store.native, directory);
    if (lock !== undefined) removeRunDirectory(store, spares, id);
  } finally {
    if (lock !== undefined) closeSync(lock);
    closeSync(directory);
  }
}
