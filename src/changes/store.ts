/**
 * Stage: changes. The runs that are kept aside: listed, opened, dropped.
 */
import { closeSync, fstatSync } from 'node:fs';
import { ChangesError } from '../errors/index.js';
import { errnoOf, isAbsent, names, openDirectory, withFd } from './fdtree.js';
import { healRun } from './heal.js';
import { isRunId, isRunIdPrefix } from './id.js';
import type { OnProgress, Run, RunRecord } from './model.js';
import { hasRecord, readRecord } from './record.js';
import { hasLock, makeRun, removeRunDirectory, takeLock } from './run-directory.js';
import { sweepSpares } from './spare-sweep.js';
import { openRuns, type Store, sayingSpace } from './state-dir.js';

export interface DiscardReport {
  readonly discarded: readonly RunRecord[];
  /** Still running, or used by another wasbox. */
  readonly busy: readonly RunRecord[];
}

interface Entry {
  readonly record: RunRecord;
  readonly lock: number | undefined;
}

/** Looks at one run: locks it, puts it in order, and tells what it is now. */
function visit(store: Store, runs: number, id: string): Entry | undefined {
  let directory: number;
  try {
    directory = openDirectory(store.native, runs, Buffer.from(id));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined; // removed meanwhile
    throw error;
  }
  try {
    const lock = takeLock(store.native, directory);
    let record: RunRecord | undefined;
    try {
      if (!hasRecord(directory)) {
        if (!isAbandoned(directory, lock)) return undefined; // just being made
        if (lock !== undefined) closeSync(lock);
        removeRunDirectory(store, runs, id);
        return undefined;
      }
      record = readRecord(store.native, directory, id);
      if (lock === undefined) return { record, lock };
      record = healRun(store.native, directory, record);
      if (record === undefined) removeRunDirectory(store, runs, id);
      else return { record, lock };
    } catch (error) {
      if (lock !== undefined) closeSync(lock);
      throw error;
    }
    closeSync(lock);
    return undefined;
  } finally {
    closeSync(directory);
  }
}

/** A run that died before it had a journal entry: nobody holds its lock, or it never got one. */
function isAbandoned(directory: number, lock: number | undefined): boolean {
  if (lock !== undefined) return true;
  const minute = 60_000;
  return !hasLock(directory) && Date.now() - fstatSync(directory).mtimeMs > minute;
}

/** A run that cannot be put in order now, for instance on a full disk: listed as it stands. */
function asItStands(store: Store, runs: number, id: string): RunRecord[] {
  try {
    const record = withFd(openDirectory(store.native, runs, Buffer.from(id)), (directory) =>
      readRecord(store.native, directory, id),
    );
    return [record.status === 'running' ? { ...record, status: 'interrupted' } : record];
  } catch {
    return [];
  }
}

function runIds(runs: number): string[] {
  return names(runs)
    .map((name) => name.toString('latin1'))
    .filter(isRunId)
    .reverse();
}

const newestFirst = (a: RunRecord, b: RunRecord): number =>
  a.started === b.started ? (a.id < b.id ? 1 : -1) : a.started < b.started ? 1 : -1;

/**
 * The runs that are kept aside and those that run now, newest first. Puts interrupted ones in
 * order. A run whose journal entry is damaged is left out; `discardRuns` still removes it.
 */
export function listRuns(store: Store): RunRecord[] {
  sweepSpares(store);
  const runs = openRuns(store, false);
  if (runs === undefined) return [];
  try {
    const records: RunRecord[] = [];
    for (const id of runIds(runs)) {
      try {
        const entry = visit(store, runs, id);
        if (entry?.lock !== undefined) closeSync(entry.lock);
        if (entry !== undefined) records.push(entry.record);
      } catch (error) {
        // One layer that cannot be read, whoever made it so, must not hide the others.
        if (!(error instanceof ChangesError) && errnoOf(error) === '') throw error;
        records.push(...asItStands(store, runs, id));
      }
    }
    return records.sort(newestFirst);
  } finally {
    closeSync(runs);
  }
}

function unknownRun(message: string): ChangesError {
  return new ChangesError('ERR_RUN_UNKNOWN', message, { hint: '`wasbox runs` lists them.' });
}

function findId(store: Store, ids: readonly string[], wanted: string | undefined): string {
  if (wanted === undefined) {
    const latest = listRuns(store).find((record) => record.status !== 'running');
    if (latest === undefined) throw unknownRun('No run is kept aside.');
    return latest.id;
  }
  if (!isRunIdPrefix(wanted)) throw unknownRun(`${JSON.stringify(wanted)} is no run id.`);
  const found = ids.filter((id) => id.startsWith(wanted));
  if (found.length > 1) throw unknownRun(`More than one run begins with ${wanted}.`);
  const [id] = found;
  if (id === undefined) throw unknownRun(`No run ${wanted} is kept aside.`);
  return id;
}

/**
 * Opens a run that is kept aside and holds its lock.
 *
 * @param wanted an id or its unique beginning; by default the latest
 * @throws ChangesError ERR_RUN_UNKNOWN, ERR_RUN_BUSY
 */
export function openRun(store: Store, wanted?: string): Run {
  const runs = openRuns(store, false);
  if (runs === undefined) throw unknownRun('No run is kept aside.');
  try {
    const id = findId(store, runIds(runs), wanted);
    const entry = sayingSpace(store, id, () => visit(store, runs, id));
    if (entry === undefined) throw unknownRun(`No run ${id} is kept aside.`);
    if (entry.lock === undefined) {
      throw new ChangesError('ERR_RUN_BUSY', `Run ${id} is still running or in use.`, {
        hint: 'Wait until it ends.',
      });
    }
    return makeRun(store, entry.record, entry.lock);
  } finally {
    closeSync(runs);
  }
}

/** Drops runs and all that they hold. Those in use are left alone and named in `busy`. */
export function discardRuns(
  store: Store,
  ids: readonly string[] | 'all',
  onProgress?: OnProgress,
): DiscardReport {
  const runs = openRuns(store, false);
  const discarded: RunRecord[] = [];
  const busy: RunRecord[] = [];
  if (runs === undefined) {
    if (ids !== 'all' && ids.length > 0) throw unknownRun(`No run ${ids[0]} is kept aside.`);
    return { discarded, busy };
  }
  try {
    const all = runIds(runs);
    const chosen = ids === 'all' ? all : ids.map((id) => findId(store, all, id));
    for (const id of new Set(chosen)) {
      const found = discardOne(store, runs, id, { discarded, busy, onProgress });
      if (!found && ids !== 'all') throw unknownRun(`No run ${id} is kept aside.`);
    }
    return { discarded, busy };
  } finally {
    closeSync(runs);
  }
}

interface Discarding {
  readonly discarded: RunRecord[];
  readonly busy: RunRecord[];
  readonly onProgress: OnProgress | undefined;
}

/** Says whether there was such a run: another process may have dropped it meanwhile. */
function discardOne(
  store: Store,
  runs: number,
  id: string,
  { discarded, busy, onProgress }: Discarding,
): boolean {
  let directory: number;
  try {
    directory = openDirectory(store.native, runs, Buffer.from(id));
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
  let lock: number | undefined;
  try {
    lock = takeLock(store.native, directory);
    // Somebody else is just removing it, or just making it.
    if (lock === undefined && !hasRecord(directory)) return false;
    const record = recordOrBlank(store, directory, id);
    if (lock === undefined) {
      busy.push(record);
      return true;
    }
    removeRunDirectory(store, runs, id, { onProgress });
    discarded.push({ ...record, status: 'discarded' });
    return true;
  } finally {
    if (lock !== undefined) closeSync(lock);
    closeSync(directory);
  }
}

/** A damaged entry must not keep a run from being dropped. */
function recordOrBlank(store: Store, directory: number, id: string): RunRecord {
  try {
    return readRecord(store.native, directory, id);
  } catch (error) {
    if (!(error instanceof ChangesError)) throw error;
    return {
      schemaVersion: 1,
      id,
      command: '?',
      argv: [],
      workdir: { path: '/', dev: '0', ino: '0' },
      started: new Date(0).toISOString(),
      baselineNs: '0',
      status: 'interrupted',
      sizeBytes: 0,
      counts: { added: 0, modified: 0, deleted: 0 },
    };
  }
}
