/**
 * The start of a run: a new directory with an empty layer, or the layer of an
 * earlier run, on which this one goes on.
 */
import { chmodSync, chownSync, closeSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ChangesError, UsageError } from '../../errors/index.js';
import { shellQuote } from '../../options/index.js';
import { displayPath } from '../../text/index.js';
import { at, errnoOf, openDirectory, withFd } from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import type { Run, RunRecord, RunTree, TreeIdentity } from '../model.js';
import { Base } from './base.js';
import { noteFresh } from './empty-layer.js';
import { newRunId } from './id.js';
import { pruneOriginals } from './originals.js';
import { writeRecord } from './record.js';
import {
  isTaken,
  makeLock,
  makeRun,
  moveRun,
  openRunDirectory,
  removeRunDirectory,
  withRecord,
} from './run-directory.js';
import { openRun } from './saved-runs.js';
import { pruneLayer, type Session, treesOf, withSessions } from './session.js';
import { takeSpare } from './spare.js';
import { openOwn, type Store, stateError } from './state-dir.js';

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
    throw new UsageError('ERR_WORKDIR', `the directory ${path} is gone`, {
      hint: 'Somebody removed or renamed it just now. Nothing was started.',
    });
  }
  const identity = { path, dev: stat.dev.toString(), ino: stat.ino.toString() };
  const mode = Number(stat.mode & 0o7777n);
  return { identity, uid: Number(stat.uid), gid: Number(stat.gid), mode };
}

/** The kernel's file time, rounded up: nothing that is older can have been changed since. */
const baseline = (): string => (BigInt(Date.now() + 1) * 1_000_000n).toString();

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
      noteFresh(run);
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

/**
 * Goes on with the layer of a run that is kept aside: it keeps its id, and whatever both change is
 * shown, applied and dropped together.
 *
 * What the host changed meanwhile is seen where the layer holds nothing; where it does, the layer's
 * version is seen, and `apply` refuses the path as for any run. A run that was applied whole is gone;
 * one that was applied in part goes on with the rest.
 *
 * @param wanted an id or its unique beginning
 * @throws ChangesError ERR_RUN_UNKNOWN, ERR_RUN_BUSY, ERR_CONTINUE
 */
export function continueRun(store: Store, wanted: string, request: RunRequest): Run {
  const run = openKept(store, wanted);
  try {
    requireSameTrees(run.record, [request.workdir, ...(request.trees ?? [])]);
    moveRun(store, run, 'runs');
    const { workdir: _workdir, ended: _ended, ...kept } = run.record;
    const { exitCode: _exitCode, signal: _signal, ...rest } = kept;
    const earlier = { argv: run.record.argv, started: run.record.started };
    const record: RunRecord = {
      ...rest,
      workdir: run.record.workdir,
      command: request.command,
      argv: [...request.argv],
      earlier: [...(run.record.earlier ?? []), earlier],
      started: (request.now ?? new Date()).toISOString(),
      status: 'running',
    };
    const directory = openRunDirectory(store, run);
    try {
      withSessions(store.native, directory, run.record, (sessions) => {
        for (const session of sessions) pruneOriginals(session, pruneLayer(session));
        for (const session of sessions) goOn(session);
      });
      const continued = { ...record, baselineNs: baseline() };
      writeRecord(store.native, directory, continued, true);
      return withRecord(store, run, continued);
    } finally {
      closeSync(directory);
    }
  } catch (error) {
    putBack(store, run);
    throw error instanceof ChangesError ? error : stateError(store.directory, error);
  }
}

/** A run with which nothing could go on is at rest again. */
function putBack(store: Store, run: Run): void {
  try {
    moveRun(store, run, 'saved');
  } finally {
    run.close();
  }
}

function openKept(store: Store, wanted: string): Run {
  try {
    return openRun(store, wanted);
  } catch (error) {
    if (!(error instanceof ChangesError) || error.code !== 'ERR_RUN_UNKNOWN') throw error;
    throw new ChangesError(error.code, error.message, {
      hint: 'What was applied whole is in the working directory: leave --continue out. `wasbox runs` lists what is kept.',
      cause: error,
    });
  }
}

function requireSameTrees(record: RunRecord, asked: readonly string[]): void {
  const had = treesOf(record).map(({ path }) => path);
  if (had.length === asked.length && had.every((path) => asked.includes(path))) return;
  const show = (path: string): string => displayPath(Buffer.from(path));
  const [workdir = '/', ...more] = had.map((path) => shellQuote(show(path)));
  const options = [`--workdir ${workdir}`, ...more.map((path) => `--cow ${path}`)];
  throw new ChangesError(
    'ERR_CONTINUE',
    `Run ${record.id} showed other directories copy-on-write: ${had.map(show).join(', ')}.`,
    { hint: `Give the same: wasbox run --continue ${record.id} ${options.join(' ')} …` },
  );
}

/** Brings a tree's layer back to what the payload left, and notes that another one goes on. */
function goOn({ native, directory, layer, record }: Session): void {
  const base = Base.read(native, directory, 0n);
  if (base.holdsApplied) {
    throw new ChangesError(
      'ERR_CONTINUE',
      `A part of run ${record.id} was applied from a directory that it had replaced whole.`,
      {
        hint: `Bring the rest to an end first: wasbox apply ${record.id}, or wasbox discard ${record.id}`,
      },
    );
  }
  layer.restoreModes();
  base.continue(native, directory);
  withFd(openDirectory(native, directory, Buffer.from('layers')), (layers) =>
    withFd(openDirectory(native, layers, Buffer.from('0')), (own) => {
      removeTree(native, own, Buffer.from('work'));
      mkdirSync(at(own, Buffer.from('work')), { mode: 0o700 });
    }),
  );
}
