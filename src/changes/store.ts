/**
 * Stage: changes. Where runs are kept: one directory a run under the user's state directory.
 *
 *     $XDG_STATE_HOME/wasbox/runs/<id>/   run.json, lock, base, modes, layers/0/{upper,work}
 *
 * All of it is 0700 and the user's own. The process that uses a run holds flock(2) on `lock`; a run
 * that says `running` while nobody holds its lock was interrupted and is put in order by the next
 * call.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { ChangesError, UsageError } from '../errors/index.js';
import { at, errnoOf, lstatAt, names, openDirectory, openRoot, withFd } from './fdtree.js';
import { healRun } from './heal.js';
import { isRunId, isRunIdPrefix, newRunId } from './id.js';
import type { ChangesNative, Run, RunRecord } from './model.js';
import { readRecord, writeRecord } from './record.js';
import { removeTree } from './remove.js';
import { openRuns, type Store, stateError } from './state-dir.js';

export interface RunRequest {
  /** What the user named, for the journal. */
  readonly command: string;
  readonly argv: readonly string[];
  /** Absolute, canonical path of the directory that is shown copy-on-write. */
  readonly workdir: string;
  /** The changes are to be dropped, also if the run is interrupted. @default false */
  readonly discard?: boolean | undefined;
  /** @default the clock */
  readonly now?: Date | undefined;
}

export interface DiscardReport {
  readonly discarded: readonly RunRecord[];
  /** Still running, or used by another wasbox. */
  readonly busy: readonly RunRecord[];
}

const lockName = Buffer.from('lock');
const recordFile = Buffer.from('run.json');

function makeRunDirectory(runs: number, now: Date): string {
  for (;;) {
    const id = newRunId(now);
    try {
      mkdirSync(at(runs, Buffer.from(id)), { mode: 0o700 });
      return id;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

function takeLock(native: ChangesNative, directory: number, create: boolean): number | undefined {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | (create ? constants.O_CREAT : 0);
  let fd: number;
  try {
    fd = openSync(at(directory, lockName), flags, 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return create ? undefined : takeLock(native, directory, true);
  }
  // Whoever removed the run meanwhile also removed this lock: then it guards nothing.
  if (
    native.tryLock(fd) &&
    lstatAt(directory, lockName)?.ino === fstatSync(fd, { bigint: true }).ino
  )
    return fd;
  closeSync(fd);
  return undefined;
}

function makeRun(store: Store, record: RunRecord, lock: number): Run {
  const directory = join(store.directory, 'runs', record.id);
  let open = true;
  return {
    record,
    directory,
    upper: join(directory, 'layers', '0', 'upper'),
    work: join(directory, 'layers', '0', 'work'),
    close() {
      if (open) closeSync(lock);
      open = false;
    },
  };
}

/**
 * Makes the directory of a new run, with an empty layer, and holds its lock.
 *
 * @throws ChangesError ERR_STATE_DIR
 */
export function createRun(store: Store, request: RunRequest): Run {
  const now = request.now ?? new Date();
  const workdir = statSync(request.workdir, { bigint: true, throwIfNoEntry: false });
  if (workdir === undefined) {
    throw new UsageError('ERR_WORKDIR', `the working directory ${request.workdir} is gone`, {
      hint: 'Somebody removed or renamed it just now. Nothing was started.',
    });
  }
  const runs = openRuns(store, true) as number;
  try {
    const id = makeRunDirectory(runs, now);
    const directory = openDirectory(store.native, runs, Buffer.from(id));
    let complete = false;
    try {
      const lock = takeLock(store.native, directory, true);
      if (lock === undefined) throw new Error('a new run is locked');
      const record: RunRecord = {
        schemaVersion: 1,
        id,
        command: request.command,
        argv: [...request.argv],
        ...(request.discard === true ? { discard: true } : {}),
        workdir: {
          path: request.workdir,
          dev: workdir.dev.toString(),
          ino: workdir.ino.toString(),
        },
        started: now.toISOString(),
        baselineNs: (BigInt(Date.now() + 1) * 1_000_000n).toString(),
        status: 'running',
        sizeBytes: 0,
        counts: { added: 0, modified: 0, deleted: 0 },
      };
      const run = makeRun(store, record, lock);
      mkdirSync(run.upper, { recursive: true, mode: 0o700 });
      mkdirSync(run.work, { mode: 0o700 });
      // overlayfs shows the upper root's owner and mode as the merged root's.
      if (process.geteuid?.() === 0) chownSync(run.upper, Number(workdir.uid), Number(workdir.gid));
      chmodSync(run.upper, Number(workdir.mode & 0o7777n));
      // Last: a directory without a journal entry was never a run, and goes with the next call.
      writeRecord(store.native, directory, record, false);
      complete = true;
      return run;
    } finally {
      closeSync(directory);
      if (!complete) removeRunDirectory(store, runs, id);
    }
  } catch (error) {
    throw stateError(store.directory, error);
  } finally {
    closeSync(runs);
  }
}

/** Opens a run's directory by descriptors from the checked `runs` directory. */
export function openRunDirectory(store: Store, run: Run): number {
  return withFd(openRoot(store.native, join(store.directory, 'runs')), (runs) =>
    openDirectory(store.native, runs, Buffer.from(run.record.id)),
  );
}

/** Removes a run whole and gives its lock back. */
export function removeRun(store: Store, run: Run): void {
  const runs = openRuns(store, false);
  try {
    if (runs !== undefined) removeRunDirectory(store, runs, run.record.id);
  } finally {
    if (runs !== undefined) closeSync(runs);
    run.close();
  }
}

function removeRunDirectory(store: Store, runs: number, id: string): void {
  const name = Buffer.from(id);
  const directory = openDirectory(store.native, runs, name);
  try {
    // The lock goes last: until then nobody else takes the run for one that was interrupted.
    for (const entry of names(directory)) {
      if (!entry.equals(lockName)) removeTree(store.native, directory, entry);
    }
    removeTree(store.native, directory, lockName);
  } finally {
    closeSync(directory);
  }
  rmdirSync(at(runs, name));
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
    const lock = takeLock(store.native, directory, false);
    let record: RunRecord | undefined;
    try {
      if (lstatAt(directory, recordFile) === undefined && isAbandoned(directory, lock)) {
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
  const made = lstatAt(directory, lockName) !== undefined;
  return !made && Date.now() - fstatSync(directory).mtimeMs > minute;
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
    const entry = visit(store, runs, id);
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
export function discardRuns(store: Store, ids: readonly string[] | 'all'): DiscardReport {
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
    for (const id of new Set(chosen)) discardOne(store, runs, id, discarded, busy);
    return { discarded, busy };
  } finally {
    closeSync(runs);
  }
}

function discardOne(
  store: Store,
  runs: number,
  id: string,
  discarded: RunRecord[],
  busy: RunRecord[],
): void {
  const directory = openDirectory(store.native, runs, Buffer.from(id));
  let lock: number | undefined;
  try {
    lock = takeLock(store.native, directory, false);
    const record = recordOrBlank(store, directory, id);
    if (lock === undefined) {
      busy.push(record);
      return;
    }
    removeRunDirectory(store, runs, id);
    discarded.push({ ...record, status: 'discarded' });
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
