/**
 * The IDs of runs that were continued, which started later than their IDs say: names of empty files, so that the latest
 * run is found without reading each.
 */
import { closeDescriptor } from '../../native/index.js';
import { createFile, lstatAt, removeQuietly, withFd } from '../files/fdtree.js';
import { idsIn } from './run-ids.js';
import { openOwn, type Store } from './state-dir.js';

/** Notes that the run was continued. The caller holds the run's lock. */
export function noteContinued(store: Store, id: string): void {
  withFd(openOwn(store, 'continued', true), (directory) => {
    const name = Buffer.from(id);
    if (lstatAt(directory, name) !== undefined) return;
    closeDescriptor(createFile(store.native, directory, name));
  });
}

export const continuedIds = (store: Store): string[] => idsIn(store, 'continued');

/** Forgets those that are gone. @param left IDs of all runs */
export function forgetContinued(store: Store, left: ReadonlySet<string>): void {
  const gone = continuedIds(store).filter((id) => !left.has(id));
  if (gone.length === 0) return;
  withFd(openOwn(store, 'continued', true), (directory) => {
    for (const id of gone) removeQuietly(directory, Buffer.from(id));
  });
}
