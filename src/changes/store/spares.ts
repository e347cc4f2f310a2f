/** Forgets the command lines in spare directories: they may hold secrets. Called by traces.ts. */
import { constants, ftruncateSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import { errnoOf, lstatAt, names, openDirectory, withFd } from '../files/fdtree.js';
import type { ChangesNative } from '../model/index.js';
import { openOwn, type Store } from './state-dir.js';

const recordName = Buffer.from('run.json');
/** The names that addon/rundir/spare.c gives. */
const spareName = /^(kept|home|live)-[0-9a-v]$/;

/** Forgets what the directories that wait for the next run have of the last one. */
export function forgetSpares(store: Store): void {
  const spares = openOwn(store, 'spare', false);
  if (spares === undefined) return;
  withFd(spares, () => {
    for (const name of names(spares)) {
      if (spareName.test(name.toString())) blankSpare(store.native, spares, name);
    }
  });
}

/** The next run writes its own record over the old one (addon/rundir/spare.c). */
function blankSpare(native: ChangesNative, spares: number, name: Buffer): void {
  try {
    withFd(openDirectory(native, spares, name), (directory) => {
      const lock = native.lockRun(directory, false);
      if (lock === undefined) return; // a run takes it now
      try {
        // Only the holder of the lock renames it.
        if (lstatAt(spares, name)?.ino !== lstatAt(directory, Buffer.from('.'))?.ino) return;
        const flags = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
        withFd(native.openat2(directory, recordName, flags, 0, 0), (fd) => ftruncateSync(fd, 0));
      } finally {
        closeDescriptor(lock);
      }
    });
  } catch (error) {
    errnoOf(error); // a run took it
  }
}
