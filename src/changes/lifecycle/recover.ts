/**
 * Recovers a run after a kill during the run, during `apply` or during its removal. The caller holds the
 * run's lock.
 */

import { ChangesError } from '../../errors/index.js';
import { closeDescriptor } from '../../native/index.js';
import { dropJournal, hasJournal } from '../apply/journal.js';
import { recoverJournal } from '../apply/recover-journal.js';
import { isAbsent, openDirectory, withFd } from '../files/fdtree.js';
import { recoverSaving } from '../files/save-layer.js';
import { type ChangesNative, countChanges, type RunRecord } from '../model/index.js';
import { cutShort } from '../scan/cut-short.js';
import { pruneLayer } from '../scan/tree-changes.js';
import { keepOriginals, pruneOriginals } from '../store/originals.js';
import { writeRecord } from '../store/record.js';
import { openTreeDirectory, treesOf, withSessions } from '../store/session.js';

const layerName = Buffer.from('layers/0');

/**
 * Returns the run's updated journal entry; undefined if there is nothing to keep, so that its directory can
 * be removed.
 */
export function recoverRun(
  native: ChangesNative,
  runDirectory: number,
  record: RunRecord,
): RunRecord | undefined {
  if (record.status === 'applied' || record.status === 'discarded') return undefined;
  if (record.status === 'running' && record.discard === true) return undefined;
  const journal = hasAnyJournal(native, runDirectory, record);
  if (record.status !== 'running' && !journal) return record;
  try {
    // The directory that it used is known by the time alone: it may be long ago.
    const ended =
      record.status === 'running' ? { ...record, status: 'interrupted' as const } : record;
    recoverLayers(native, runDirectory, record);
    return withSessions(native, runDirectory, ended, (sessions) => {
      const changes = sessions.flatMap((session) => {
        const { directory, host, layer } = session;
        const done = hasJournal(directory)
          ? recoverJournal(native, directory, host, layer)
          : undefined;
        const left = pruneLayer(session, done);
        if (record.status === 'running') keepOriginals(session, left);
        else pruneOriginals(session, left);
        return left;
      });
      if (changes.length === 0) return undefined;
      const recovered: RunRecord = {
        ...record,
        ...countChanges(changes),
        ...(record.status === 'running' ? cutShort(changes) : {}),
        status: record.status === 'running' ? 'interrupted' : record.status,
        ended: record.ended ?? new Date().toISOString(),
      };
      writeRecord(native, runDirectory, recovered, true);
      for (const { directory } of sessions) dropJournal(directory);
      return recovered;
    });
  } catch (error) {
    // A tree is missing: the run can still be listed and discarded.
    if (!(error instanceof ChangesError) || error.code !== 'ERR_APPLY') throw error;
    if (record.status !== 'running') return record;
    const recovered: RunRecord = { ...record, status: 'interrupted' };
    writeRecord(native, runDirectory, recovered, true);
    return recovered;
  }
}

/** Recovers layers before they are opened: what was being saved of them takes their place, or goes. */
function recoverLayers(native: ChangesNative, runDirectory: number, record: RunRecord): void {
  const layers: number[] = [];
  try {
    for (const [index] of treesOf(record).entries()) {
      const directory = openTreeDirectory(native, runDirectory, index);
      withFd(directory, () => layers.push(openDirectory(native, directory, layerName)));
    }
    recoverSaving(native, layers);
  } catch (error) {
    if (!isAbsent(error)) throw error; // reported when the run is opened
  } finally {
    for (const layer of layers) closeDescriptor(layer);
  }
}

/** Returns whether a saved run can be shown as it is: nothing of it was cut short. */
export const isSettled = (
  { native }: { readonly native: ChangesNative },
  runDirectory: number,
  record: RunRecord,
): boolean =>
  (record.status === 'kept' || record.status === 'interrupted') &&
  (record.stack ?? []).length === 0 &&
  record.reset === undefined &&
  !hasAnyJournal(native, runDirectory, record);

function hasAnyJournal(native: ChangesNative, runDirectory: number, record: RunRecord): boolean {
  return treesOf(record).some((_tree, index) => {
    let directory: number;
    try {
      directory = openTreeDirectory(native, runDirectory, index);
    } catch (error) {
      if (isAbsent(error)) return false; // reported when the run is used
      throw error;
    }
    try {
      return hasJournal(directory);
    } finally {
      closeDescriptor(directory);
    }
  });
}
