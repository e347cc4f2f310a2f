/** Which runs are saved. */
import { realpathSync } from 'node:fs';
import type { ChangeCounts, RunRecord, RunStatus } from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { describeValue } from '../options/index.js';
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
  /**
   * Only runs that changed this directory: the working directory of the run, which is the project's root
   * where the run was started below it without `workdir`.
   * @default all
   */
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
 * @throws TypeError where `place` is not an object
 * @throws UsageError for another option, and for a `workdir` that is not there
 * @throws ChangesError `ERR_STATE_DIR`
 */
export async function listSavedRuns(place: RunsPlace = {}): Promise<RunInfo[]> {
  if (typeof place !== 'object' || place === null) {
    throw new TypeError("listRuns(place): place must be an object, such as { workdir: '.' }");
  }
  const odd = Object.keys(place).find((key) => key !== 'workdir');
  if (odd !== undefined) {
    throw new UsageError('ERR_OPTION_UNKNOWN', `listRuns: unknown option ${JSON.stringify(odd)}`, {
      hint: 'It has workdir.',
    });
  }
  const { workdir } = place;
  if (workdir !== undefined && typeof workdir !== 'string') {
    throw new UsageError('ERR_OPTION_VALUE', 'listRuns: workdir must be a string', {
      hint: `Got ${describeValue(workdir)}.`,
    });
  }
  const wanted = workdir === undefined ? undefined : realDirectory(workdir);
  const { savedRecords } = await import('./saved.js');
  const all = savedRecords().map(infoOf);
  return wanted === undefined ? all : all.filter((run) => run.workdir === wanted);
}

function realDirectory(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new UsageError('ERR_WORKDIR', `listRuns: no directory ${JSON.stringify(path)}`, {
      cause: error,
      hint: 'A relative path counts from the current directory.',
    });
  }
}

/**
 * A saved run, to review, apply or discard its changes.
 * @param id an ID, or its unique beginning
 * @throws ChangesError ERR_RUN_UNKNOWN, ERR_RUN_BUSY
 */
export async function openSavedRun(id: string): Promise<KeptRun> {
  if (typeof id !== 'string') throw new TypeError('openRun(id): id must be a string');
  const { savedRecord } = await import('./saved.js');
  const { record, state } = savedRecord(id);
  return new KeptRun(record.id, record.workdir.path, state);
}
