/** The start of a run: a new directory with an empty layer. */
import { statSync } from 'node:fs';
import { UsageError } from '../../errors/index.js';
import type { NativeRun, NativeRunEnd } from '../../native/index.js';
import { birthOf } from '../files/workdir.js';
import type { Run, RunRecord, TreeIdentity } from '../model/index.js';
import { baseline, hasEmptyHome, newRecord, newRecordText, withHome } from './new-record.js';
import { endOfUntouched, madeRun } from './run-directory.js';
import { treesOf } from './session.js';
import { inState, inStateSoon, type Store } from './state-dir.js';

export type RequestedTree = Pick<TreeIdentity, 'path' | 'home' | 'placed'>;

export interface RunRequest {
  /** The program as the user named it, for the journal. */
  readonly command: string;
  readonly argv: readonly string[];
  /** The directories that layers belong to, canonical: the working directory first, an empty home last. */
  readonly trees: readonly RequestedTree[];
  /** The changes are to be dropped, also if the run is interrupted. @default false */
  readonly discard?: boolean | undefined;
  /** A layer that an earlier run left empty will do. @default false */
  readonly reuse?: boolean | undefined;
  /** The run that it goes on from with the same trees, in a layer of its own. */
  readonly from?:
    | Pick<RunRecord, 'workdir' | 'trees' | 'earlier' | 'baselineNs' | 'stack'>
    | undefined;
  /** @default the clock */
  readonly now?: Date | undefined;
}

/** Looks at a directory that will be shown copy-on-write. */
function identify({ path, home, placed = [] }: RequestedTree): TreeIdentity {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) {
    throw new UsageError('ERR_WORKDIR', `the directory ${path} no longer exists`, {
      hint: 'It was removed or renamed just now. Nothing was started.',
    });
  }
  const birthNs = birthOf(stat);
  const identity = {
    path,
    dev: stat.dev.toString(),
    ino: stat.ino.toString(),
    ...(birthNs === undefined ? {} : { birthNs }),
  };
  return withHome(identity, { home, placed });
}

/**
 * Makes the directory of a new run, with empty layers, and holds its lock.
 *
 * @throws ChangesError ERR_STATE_DIR
 */
export function createRun(store: Store, request: RunRequest): Run {
  const { request: made, begun } = runToMake(store, request);
  return begun(inState(store, ['runs'], () => store.native.createRun(...made)));
}

/**
 * Creates a run like {@link createRun}, with the directory made on another thread.
 *
 * @throws ChangesError ERR_STATE_DIR
 */
export async function createRunSoon(store: Store, request: RunRequest): Promise<Run> {
  const { request: made, begun } = runToMake(store, request);
  return begun(await inStateSoon(store, ['runs'], () => store.native.createRunSoon(...made)));
}

/** A run that the supervising thread creates, just before it starts the sandbox. */
export interface RunToMake {
  readonly request: Parameters<Store['native']['createRun']>;
  /** Arguments for that thread to end an untouched run; undefined if the run has layers that it cannot check. */
  readonly end: Omit<NativeRunEnd, 'run'> | undefined;
  /** Returns the run once it has been created. */
  begun(made: NativeRun): Run;
}

/** Does what {@link createRun} does, but creates nothing yet. */
export function runToMake(store: Store, request: RunRequest): RunToMake {
  const now = request.now ?? new Date();
  const { command, argv, trees, reuse = false, discard = false, from } = request;
  const [workdir, ...others] = from === undefined ? trees.map(identify) : treesOf(from);
  if (workdir === undefined) throw new TypeError('a run has a working directory');
  const fresh = newRecord({ command, argv, trees: [workdir, ...others], discard });
  const record = from === undefined ? fresh : { ...fresh, ...from };
  const paths = trees.map(({ path }) => path);
  const text = newRecordText(record);
  const home = hasEmptyHome(record);
  const times = { started: now.toISOString(), baselineNs: baseline(now) };
  return {
    request: [store.directory, paths, text, now.getTime(), reuse, home, discard],
    end: endOfUntouched(store, record),
    begun: (made) => madeRun(store, { ...times, ...record, id: made.id }, made),
  };
}
