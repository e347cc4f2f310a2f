/**
 * Stage: changes. Puts a run in order that was cut short: by a kill during the run, during `apply`
 * or during its removal. The caller holds the run's lock.
 */
import { ChangesError } from '../errors/index.js';
import { countChanges } from './compare.js';
import { dropJournal, hasJournal, healJournal } from './journal.js';
import type { ChangesNative, RunRecord } from './model.js';
import { writeRecord } from './record.js';
import { pruneLayer, withSession } from './session.js';

/**
 * Gives the run's journal entry as it is now; undefined where nothing of it is worth keeping, so
 * that its directory can go.
 */
export function healRun(
  native: ChangesNative,
  runDirectory: number,
  record: RunRecord,
): RunRecord | undefined {
  if (record.status === 'applied' || record.status === 'discarded') return undefined;
  if (record.status === 'running' && record.discard === true) return undefined;
  const journal = hasJournal(runDirectory);
  if (record.status !== 'running' && !journal) return record;
  try {
    return withSession(native, runDirectory, record, (session) => {
      const ownCtimes = journal ? healJournal(native, runDirectory, session.host) : undefined;
      const changes = pruneLayer(session, { ownCtimes });
      if (changes.length === 0) return undefined;
      const healed: RunRecord = {
        ...record,
        ...countChanges(changes),
        status: record.status === 'running' ? 'interrupted' : record.status,
        ended: record.ended ?? new Date().toISOString(),
      };
      writeRecord(native, runDirectory, healed, true);
      dropJournal(runDirectory);
      return healed;
    });
  } catch (error) {
    // The working directory is gone: the run can still be listed and dropped.
    if (!(error instanceof ChangesError) || error.code !== 'ERR_APPLY') throw error;
    if (record.status !== 'running') return record;
    const healed: RunRecord = { ...record, status: 'interrupted' };
    writeRecord(native, runDirectory, healed, true);
    return healed;
  }
}
