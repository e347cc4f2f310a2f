/** Describes what became of a run's changes as plain data: no bigint, no bytes, nothing that JSON cannot hold. */
import {
  type ApplyReport,
  type ChangeCounts,
  changeToJson,
  type FinishReport,
  type JsonChange,
} from '../changes/index.js';
import { plain } from '../text/index.js';

/** Says what `apply` did, or with `dryRun` would do. */
export interface RunApplied {
  readonly applied: readonly JsonChange[];
  /** Changes that were not applied, each with the reason; they stay in the run. */
  readonly refused: readonly {
    readonly path: string;
    readonly reason: string;
    readonly message: string;
  }[];
  /** Changes that are not among the paths that were named; they stay in the run. */
  readonly left: readonly JsonChange[];
  /** Applied without something, for example a setuid bit. */
  readonly stripped: readonly JsonChange[];
  /** Paths that matched no change, as given. */
  readonly unmatched: readonly string[];
}

export function runApplied(report: ApplyReport): RunApplied {
  const { applied, refused, left, stripped, unmatched } = report;
  return {
    applied: applied.map(changeToJson),
    refused: refused.map(({ change, reason, message }) => ({
      path: change.display,
      reason,
      message,
    })),
    left: left.map(changeToJson),
    stripped: stripped.map(changeToJson),
    unmatched,
  };
}

/** Says what became of the changes of a run. */
export interface RunChanges {
  readonly disposition: 'kept' | 'applied' | 'partly-applied' | 'discarded';
  /** The ID of the run. */
  readonly id: string;
  readonly counts: ChangeCounts;
  /** Bytes in the files that the run wrote. */
  readonly sizeBytes: number;
  /**
   * The changes by path, relative to the working directory of the run (`kept.workdir`). A path that is not plain text
   * is escaped; then `pathBase64` has its bytes.
   */
  readonly changes: readonly JsonChange[];
  /** True if there were too many to list: then `changes` is empty, and `counts` is of a part of them. */
  readonly unlisted: boolean;
  /** The result of what was applied; undefined where nothing was to be. */
  readonly apply: RunApplied | undefined;
  /** IDs of older runs that were discarded to make room for this one. */
  readonly expired: readonly string[];
}

export function runChanges(finish: FinishReport): RunChanges {
  const { disposition, id, summary, changes, unlisted = false, apply, expired = [] } = finish;
  return plain({
    disposition: disposition === 'none' ? 'discarded' : disposition,
    id,
    counts: summary.counts,
    sizeBytes: summary.sizeBytes,
    changes: changes.map(changeToJson),
    unlisted,
    apply: apply && runApplied(apply),
    expired: expired.map(({ record }) => record.id),
  });
}
