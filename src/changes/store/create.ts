/** The start of a run: a new directory with an empty layer. */
import { chmodSync, chownSync, closeSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../errors/index.js';
import { at, errnoOf, openDirectory } from '../files/fdtree.js';
import type { Run, RunRecord, RunTree, TreeIdentity } from '../model/index.js';
import { noteEmptyLayer } from './empty-layer.js';
import { newRunId } from './id.js';
import { writeRecord } from './record.js';
import { isTaken, makeLock, makeRun, removeRunDirectory } from './run-directory.js';
import { takeSpare } from './spare.js';
import { openOwn, type Store } from './state-dir.js';
import { stateError } from './state-error.js';

export interface RunRequest {
  /** What the user named, for the journal. */
  readonly command: string;
  readonly argv: readonly string[];
  /** Absolute, canonical path of the directory that is shown copy-on-write. */
  readonly workdir: string;
  /** More directories that are shown copy-on-write, canonical. @default none */
  readonly trees?: readonly string[] | undefined;
  /** The changes are to be dropped, also if the run is interrupted. @default false */
  readonly discard?: boolean | undefined;
  /**
   * The program goes on to make more runs: their layers are made beforehand. The caller then offers
   * the run to `returnSpare` at its end. @default false
   */
  readonly reuse?: boolean | undefined;
  /** @default the clock */
  readonly now?: Date | undefined;
}

function makeRunDirectory(store: Store, runs: number, now: Date): string {
  for (;;) {
    const id = newRunId(now);
    if (isTaken(store, id)) continue;
    try {
      mkdirSync(at(runs, Buffer.from(id)), { mode: 0o700 });
      return id;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** Looks at a directory that will be shown copy-on-write. */
function identify(path: string): {
  identity: TreeIdentity;
  uid: number;
  gid: number;
  mode: number;
} {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) {
    throw new UsageError('ERR_WORKDIR', `the directory ${path} does not exist any more`, {
      hint: 'It was removed or renamed just now. Nothing was started.',
    });
  }
  const identity = { path, dev: stat.dev.toString(), ino: stat.ino.toString() };
  const mode = Number(stat.mode & 0o7777n);
  return { identity, uid: Number(stat.uid), gid: Number(stat.gid), mode };
}

/** The kernel's file time, rounded up: nothing that is older can have been changed since. */
export const baseline = (): string => (BigInt(Date.now() + 1) * 1_000_000n).toString();

function makeLayer({ layer }: RunTree, host: ReturnType<typeof identify>): void {
  const upper = join(layer, 'upper');
  mkdirSync(upper, { recursive: true, mode: 0o700 });
  mkdirSync(join(layer, 'work'), { mode: 0o700 });
  // overlayfs shows the upper root's owner and mode as the merged root's.
  if (process.geteuid?.() === 0) chownSync(upper, host.uid, host.gid);
  chmodSync(upper, host.mode);
}

/**
 * Makes the directory of a new run, with empty layers, and holds its lock.
 *
 * @throws ChangesError ERR_STATE_DIR
 */
export function createRun(store: Store, request: RunRequest): Run {
  const now = request.now ?? new Date();
  const [workdir, ...others] = [request.workdir, ...(request.trees ?? [])].map(identify);
  if (workdir === undefined) throw new TypeError('a run has a working directory');
  const newRecord = (id: string): RunRecord => ({
    schemaVersion: 1,
    id,
    command: request.command,
    argv: [...request.argv],
    ...(request.discard === true ? { discard: true } : {}),
    workdir: workdir.identity,
    ...(others.length === 0 ? {} : { trees: others.map(({ identity }) => identity) }),
    started: now.toISOString(),
    baselineNs: baseline(),
    status: 'running',
    sizeBytes: 0,
    counts: { added: 0, modified: 0, deleted: 0 },
  });
  if (request.reuse === true && others.length === 0) {
    const run = takeSpare(store, workdir.mode, newRecord);
    if (run !== undefined) return run;
  }
  const runs = openOwn(store, 'runs', true);
  try {
    const id = makeRunDirectory(store, runs, now);
    const directory = openDirectory(store.native, runs, Buffer.from(id));
    let complete = false;
    try {
      const lock = makeLock(store.native, directory);
      if (lock === undefined) throw new Error('a new run is locked');
      const record = newRecord(id);
      const run = makeRun(store, record, lock);
      for (const [index, host] of [workdir, ...others].entries()) {
        makeLayer(run.trees[index] as RunTree, host);
      }
      // Last: a directory without a journal entry was never a run, and goes with the next call.
      writeRecord(store.native, directory, record, false);
      noteEmptyLayer(run);
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
