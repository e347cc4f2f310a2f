/** Implements `listRuns` and `openRun`. */
import { realpathSync } from 'node:fs';
import type { ChangeCounts, RunRecord, RunStatus } from '../changes/index.js';
import { misuse, UsageError } from '../errors/index.js';
import { describeValue } from '../options/index.js';
import { KeptRun } from './kept-run.js';
import { savedRecord, savedRecords } from './saved.js';

/** A run that is running or saved. */
export interface RunInfo {
  readonly id: string;
  /** The command as it was given: a script's path, a command, or `-`. Untrusted when shown. */
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

/** Does what `listRuns` does. */
export function savedRuns(place: RunsPlace): RunInfo[] {
  if (typeof place !== 'object' || place === null) {
    throw misuse("listRuns(place): place must be an object, such as { workdir: '.' }");
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

/** Does what `openRun` does. */
export function savedRun(id: string): KeptRun {
  if (typeof id !== 'string') throw misuse('openRun(id): id must be a string');
  const { record, state } = savedRecord(id);
  return new KeptRun(record.id, record.workdir.path, state);
}
