/**
 * Names of sessions whose runs are saved: a file for each run, with the run's ID for its name and the session's name in
 * it, so that a run is found by name without reading the journal entry of each.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import { createFile, isAbsent, openToRead, removeQuietly, withFd } from '../files/fdtree.js';
import { idsIn } from './run-ids.js';
import { openOwn, type Store } from './state-dir.js';

/** Writes down that a run is that of a session. */
export function noteSessionName(store: Store, id: string, name: string): void {
  withFd(openOwn(store, 'named', true), (directory) => {
    removeQuietly(directory, Buffer.from(id));
    const fd = createFile(store.native, directory, Buffer.from(id));
    try {
      writeFileSync(fd, name);
    } finally {
      closeDescriptor(fd);
    }
  });
}

/** The names by the IDs of their runs, the newest first. Some of the runs may be gone. */
export function sessionNames(store: Store): Map<string, string> {
  const found = new Map<string, string>();
  const directory = openOwn(store, 'named', false);
  if (directory === undefined) return found;
  return withFd(directory, () => {
    for (const id of idsIn(store, 'named')) {
      try {
        const fd = openToRead(store.native, directory, Buffer.from(id));
        found.set(
          id,
          withFd(fd, () => readFileSync(fd, 'utf8')),
        );
      } catch (error) {
        if (!isAbsent(error)) throw error; // it has just been forgotten
      }
    }
    return found;
  });
}

/** Forgets the names of runs that are gone. */
export function forgetSessionNames(store: Store, gone: Iterable<string>): void {
  const directory = openOwn(store, 'named', false);
  if (directory === undefined) return;
  withFd(directory, () => {
    for (const id of gone) removeQuietly(directory, Buffer.from(id));
  });
}
