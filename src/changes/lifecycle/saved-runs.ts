/** Saved runs: listed, opened. */
import { ChangesError } from '../../errors/index.js';
import { lstatAt, withFd } from '../files/fdtree.js';
import type { Run, RunRecord } from '../model/index.js';
import { continuedIds } from '../store/continued.js';
import { isRunId, isRunIdPrefix, tickOf } from '../store/id.js';
import { forgetSessionNames, sessionNames } from '../store/named.js';
import { closeOpened, openAt } from '../store/opened.js';
import { hasRecord, NewerRunError, readRecord, recordName } from '../store/record.js';
import { makeRun, places } from '../store/run-directory.js';
import { idsByAge, idsIn, idsWith } from '../store/run-ids.js';
import { openOwn, type Store } from '../store/state-dir.js';
import { explainingState } from '../store/state-error.js';
import { isSettled } from './recover.js';
import { interrupted, recoverOpened, recoverRuns } from './recover-all.js';

/** A saved run whose journal entry this version cannot read. */
export interface UnreadableRun {
  readonly id: string;
  /** It was written by a newer version; else it is damaged. */
  readonly newer: boolean;
}

/** The saved runs, without those whose journal entry is damaged. */
function savedRuns(store: Store): RunRecord[] {
  const saved = openOwn(store, 'saved', false);
  if (saved === undefined) return [];
  return withFd(saved, () =>
    idsIn(store, 'saved').flatMap((id) => readSaved(store, saved, id) ?? []),
  );
}

/** @param onNewer called where a newer version saved it */
function readSaved(
  store: Store,
  saved: number,
  id: string,
  onNewer?: () => void,
): RunRecord | undefined {
  try {
    return interrupted(readRecord(store.native, saved, id, Buffer.from(`${id}/${recordName}`)));
  } catch (error) {
    if (!(error instanceof ChangesError)) throw error;
    if (error instanceof NewerRunError) onNewer?.();
    return undefined; // or damaged, or moved meanwhile
  }
}

/** Returns the key that the runs are ordered by: the count in the ID, which no clock sets back, then the time. */
const orderOf = ({ order, id, started }: RunRecord): string =>
  `${order ?? tickOf(id)} ${started} ${id}`;

const newestFirst = (a: RunRecord, b: RunRecord): number => (orderOf(a) < orderOf(b) ? 1 : -1);

/** The saved runs whose journal entry is damaged, and all runs of a newer version. */
export function unreadableRuns(store: Store): UnreadableRun[] {
  const found = new Map<string, UnreadableRun>();
  for (const place of places) {
    const directory = openOwn(store, place, false);
    if (directory === undefined) continue;
    withFd(directory, () => {
      for (const id of idsIn(store, place)) {
        let newer = false;
        const record = readSaved(store, directory, id, () => {
          newer = true;
        });
        const name = Buffer.from(`${id}/${recordName}`);
        const isDamaged =
          place === 'saved' && record === undefined && lstatAt(directory, name) !== undefined;
        if (newer || isDamaged) found.set(id, { id, newer });
      }
    });
  }
  return [...found.values()];
}

/**
 * The saved and the running runs, newest first. Recovers interrupted ones. A run whose journal entry cannot be read is
 * left out: `unreadableRuns` has it.
 */
export function listRuns(store: Store): RunRecord[] {
  const found = new Map<string, RunRecord>();
  const add = (records: readonly RunRecord[]): void => {
    for (const record of records) found.set(record.id, record);
  };
  add(savedRuns(store));
  add(recoverRuns(store));
  // A run may have moved to `saved` between the two reads.
  if (idsIn(store, 'saved').some((id) => !found.has(id))) add(savedRuns(store));
  return [...found.values()].sort(newestFirst);
}

/** Merges two lists of IDs, each newest first, without duplicates. */
function* merged(few: readonly string[], many: Iterable<string>): Generator<string, void> {
  const rest = [...few];
  for (const id of many) {
    while (rest[0] !== undefined && rest[0] > id) yield rest.shift() ?? '';
    if (rest[0] === id) rest.shift();
    yield id;
  }
  yield* rest;
}

/**
 * The runs that have ended, newest first, each read when it is come to: of thousands, the latest is wanted. Recovers
 * interrupted ones.
 * @param onNewer called with the ID of each that a newer version saved
 */
export function* endedRuns(
  store: Store,
  onNewer?: (id: string) => void,
): Generator<RunRecord, void> {
  // First: what is moved to `saved` meanwhile is found there.
  const ended = recoverRuns(store).filter(({ status }) => status !== 'running');
  const others = new Map(ended.map((record) => [record.id, record]));
  const read = (id: string) => others.get(id) ?? savedRecord(store, id, onNewer);
  // The only ones that started later than their ID says.
  const continued = continuedIds(store).flatMap((id) => read(id) ?? []);
  const skipped = new Set(continued.map(({ id }) => id));
  continued.sort(newestFirst);
  function* inOrder(records: readonly RunRecord[]): Generator<RunRecord, void> {
    for (const record of records) {
      while (continued[0] !== undefined && newestFirst(continued[0], record) < 0) {
        yield continued.shift() as RunRecord;
      }
      yield record;
    }
  }
  // An ID says when a run started, but for what is less than its tick.
  const same: RunRecord[] = [];
  let tick = '';
  for (const id of merged([...others.keys()].sort().reverse(), idsByAge(store, 'saved'))) {
    if (tickOf(id) !== tick) yield* inOrder(same.splice(0).sort(newestFirst));
    tick = tickOf(id);
    const record = skipped.has(id) ? undefined : read(id);
    if (record !== undefined) same.push(record);
  }
  yield* inOrder(same.sort(newestFirst));
  yield* continued;
}

/** The journal entry of a saved run by its full ID; undefined if there is no valid one. */
export function savedRecord(
  store: Store,
  id: string,
  onNewer?: (id: string) => void,
): RunRecord | undefined {
  const saved = openOwn(store, 'saved', false);
  if (saved === undefined) return undefined;
  return withFd(saved, () => readSaved(store, saved, id, () => onNewer?.(id)));
}

/** The latest saved run of a session of that name; undefined if there is none. Forgets names whose runs are gone. */
export function savedSession(store: Store, name: string): RunRecord | undefined {
  const gone: string[] = [];
  try {
    for (const [id, one] of sessionNames(store)) {
      const record = savedRecord(store, id);
      if (record === undefined && idsBeginning(store, id)?.length === 0) gone.push(id);
      if (record !== undefined && one === name) return record;
    }
    return undefined;
  } finally {
    if (gone.length > 0) forgetSessionNames(store, gone);
  }
}

/** The IDs of all runs, without reading them. */
export function runIds(store: Store): string[] {
  return [...new Set(places.flatMap((place) => idsIn(store, place)))];
}

/** Returns at most a few of the IDs that begin with `text`; undefined if no ID can begin with it. */
export function idsBeginning(store: Store, text: string): string[] | undefined {
  if (!isRunIdPrefix(text)) return undefined;
  return [...new Set(places.flatMap((place) => idsWith(store, place, text)))];
}

export function unknownRun(message: string): ChangesError {
  return new ChangesError('ERR_RUN_UNKNOWN', message, { hint: 'To list saved runs: wasbox runs' });
}

export function findId(store: Store, wanted: string | undefined): string {
  if (wanted === undefined) {
    for (const { id } of endedRuns(store)) return id;
    throw unknownRun('There are no saved runs.');
  }
  if (isRunId(wanted)) return wanted;
  const found = idsBeginning(store, wanted);
  if (found === undefined) throw unknownRun(`${JSON.stringify(wanted)} is not a run ID.`);
  if (found.length > 1) throw unknownRun(`More than one run ID begins with ${wanted}.`);
  const [id] = found;
  if (id === undefined) throw unknownRun(`Run ${wanted} was not found.`);
  return id;
}

/** Another process uses the run, for a moment: it looks at its changes, applies or removes them. */
export class RunInUseError extends ChangesError {
  constructor(id: string) {
    super('ERR_RUN_BUSY', `Run ${id} is in use by another wasbox process.`, {
      hint: 'Try again when that has ended.',
    });
  }
}

export interface OpenOptions {
  /** True if the changes are only looked at: others may look at them at the same time. @default false */
  readonly shared?: boolean | undefined;
  /** Called while another process uses the run, with how long that has lasted; waits, or throws. @default throws */
  readonly onInUse?: ((error: RunInUseError, waitedMs: number) => void) | undefined;
  /** An absolute path: an interrupted run whose changes were not compared yet is compared with it. @default its own */
  readonly elsewhere?: string | undefined;
}

/**
 * Opens a saved run and holds its lock.
 *
 * @param wanted an ID or its unique beginning; by default the latest
 * @throws ChangesError ERR_RUN_UNKNOWN, ERR_RUN_BUSY
 */
export function openRun(
  store: Store,
  wanted?: string,
  { shared = false, onInUse, elsewhere }: OpenOptions = {},
): Run {
  const id = findId(store, wanted);
  const began = performance.now();
  for (;;) {
    try {
      return (shared ? openToLook(store, id) : undefined) ?? openOwned(store, id, elsewhere);
    } catch (error) {
      if (!(error instanceof RunInUseError) || onInUse === undefined) throw error;
      onInUse(error, performance.now() - began);
    }
  }
}

/** Opens a run with a lock that is shared; undefined if something must be put right in it first. */
function openToLook(store: Store, id: string): Run | undefined {
  const opened = openAt(store, id, ['saved'], true);
  if (opened === undefined) return undefined;
  let kept = false;
  try {
    const { directory, lock } = opened;
    if (lock === undefined || !hasRecord(directory)) return undefined;
    const record = readRecord(store.native, directory, id);
    if (!isSettled(store, directory, record)) return undefined;
    kept = true;
    return makeRun(store, record, lock, 'saved');
  } finally {
    closeOpened(opened, kept);
  }
}

function openOwned(store: Store, id: string, elsewhere?: string): Run {
  const opened = openAt(store, id, places);
  if (opened === undefined) throw unknownRun(`Run ${id} was not found.`);
  let kept = false;
  try {
    const record = explainingState(store, id, () => recoverOpened(store, id, opened, elsewhere));
    if (opened.lock === undefined && record?.status !== 'running') throw new RunInUseError(id);
    if (record === undefined) throw unknownRun(`Run ${id} was not found.`);
    if (opened.lock === undefined || record.status === 'running') {
      throw new ChangesError('ERR_RUN_BUSY', `Run ${id} is still running.`, {
        hint: 'Wait until it ends.',
      });
    }
    if (opened.place === 'runs') store.native.moveRun(store.directory, id, 'runs', 'saved');
    kept = true;
    return makeRun(store, record, opened.lock, 'saved');
  } finally {
    closeOpened(opened, kept);
  }
}

/** Returns whether a process uses the run now: its program runs, or its changes are being looked at. */
export function isRunning(store: Store, id: string): boolean {
  const opened = openAt(store, id, ['runs']);
  if (opened === undefined) return false;
  const { lock, directory } = opened;
  const running = lock === undefined && hasRecord(directory);
  closeOpened(opened);
  return running;
}
