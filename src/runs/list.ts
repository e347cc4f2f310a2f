/** Which runs are saved. */
import { realpathSync } from 'node:fs';
import {
  type ChangeCounts,
  listRuns,
  openRun,
  openStore,
  type RunRecord,
  type RunStatus,
} from '../changes/index.js';
import { loadNative } from '../native/index.js';
import { KeptRun } from './kept-run.js';

/** A run that is running or saved. */
export interface RunInfo {
  readonly id: string;
  /** As it was given: a script's path, a command, or `-`. Untrusted when shown. */
  readonly command: string;
  readonly argv: readonly string[];
  /** Absolute path of the directory that it changed. */
  readonly workdir: string;
  /** ISO 8601, UTC. */
  readonly started: string;
  /** ISO 8601, UTC; undefined while it runs. */
  readonly ended: string | undefined;
  readonly status: RunStatus;
  readonly exitCode: number | undefined;
  readonly counts: ChangeCounts;
  /** Bytes in the files that it wrote. */
  readonly sizeBytes: number;
}

export interface RunsPlace {
  /** Only runs of this directory. @default all */
  readonly workdir?: string | undefined;
}

const infoOf = (record: RunRecord): RunInfo => ({
  id: record.id,
  command: record.command,
  argv: record.argv,
  workdir: record.workdir.path,
  started: record.started,
  ended: record.ended,
  status: record.status,
  exitCode: record.exitCode,
  counts: record.counts,
  sizeBytes: record.sizeBytes,
});

/**
 * The runs that are saved or running, newest first, as `wasbox runs` lists them.
 * @throws ChangesError ERR_STATE_DIR
 */
export async function listSavedRuns({ workdir }: RunsPlace = {}): Promise<RunInfo[]> {
  const all = listRuns(openStore(loadNative().native)).map(infoOf);
  if (workdir === undefined) return all;
  const wanted = realpathSync(workdir);
  return all.filter((run) => run.workdir === wanted);
}

/**
 * A saved run, to review, apply or discard its changes.
 * @param id an ID, or its unique beginning
 * @throws ChangesError ERR_RUN_UNKNOWN, ERR_RUN_BUSY
 */
export async function openSavedRun(id: string): Promise<KeptRun> {
  if (typeof id !== 'string') throw new TypeError('openRun(id): id must be a string');
  const store = openStore(loadNative().native);
  const run = openRun(store, id);
  run.close();
  return new KeptRun(run.record.id, store.directory);
}
