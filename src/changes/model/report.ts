/** What `apply` and the end of a run report, and the progress of long calls. */
import type { Change, ChangeSummary } from './change.js';
import type { RunRecord } from './run.js';

/** Why a change was not applied. */
export type RefusalReason =
  | 'held'
  | 'leads-out'
  | 'special'
  | 'xattr'
  | 'host-changed'
  | 'unreadable'
  | 'mount-point'
  | 'symlink-in-path'
  | 'parent-missing'
  | 'not-empty'
  | 'permission'
  | 'no-space'
  | 'failed';

export interface Refusal {
  readonly change: Change;
  readonly reason: RefusalReason;
  /** A sentence for the user. */
  readonly message: string;
  /** Symbolic errno where a call failed. */
  readonly errno?: string | undefined;
}

/** How far a long call has come. */
export interface Progress {
  /** `compare`: layer and host; `diff`: contents; `apply`; `recheck`: what is left is compared again; `remove`: of what the run holds. */
  readonly stage: 'compare' | 'diff' | 'apply' | 'recheck' | 'remove';
  /** Number of paths. */
  readonly done: number;
  /** Absent where it is not known beforehand. */
  readonly total?: number | undefined;
}

export type OnProgress = (progress: Progress) => void;

/**
 * What is done about a change of something that the host changed, too. `merge`: the host's and the run's
 * version of a text file are merged, if they changed different lines; `markers`: also where they
 * changed the same ones, both between markers; `ours`: the host's stays, and the run's is dropped;
 * `theirs`: the run's takes its place.
 */
export type Conflicts = 'refuse' | 'merge' | 'markers' | 'ours' | 'theirs';

/** A change of something that the host changed, too, and what became of it. */
export interface Settlement {
  readonly change: Change;
  readonly how: 'merged' | 'conflict' | 'ours';
  /** Number of places between markers. */
  readonly places: number;
}

/** What `apply` did. */
export interface ApplyReport {
  /** Those among `applied` that the host had changed and that were merged or left as they are. */
  readonly settled: readonly Settlement[];
  readonly applied: readonly Change[];
  /** Stay in the run. */
  readonly refused: readonly Refusal[];
  /** Not among the paths that were named; stay in the run. */
  readonly left: readonly Change[];
  /** What was changed on the way, for instance a stripped setuid bit. */
  readonly stripped: readonly Change[];
  /** Names that matched no change, as given. */
  readonly unmatched: readonly string[];
}

/** A saved run that was removed to make room. */
export interface Expired {
  readonly record: RunRecord;
  readonly why: 'age' | 'size';
}

/** What became of the changes when a run ended. */
export interface FinishReport {
  /** `none`: nothing changed, and nothing is left on disk. */
  readonly disposition: 'none' | 'kept' | 'applied' | 'partly-applied' | 'discarded';
  readonly id: string;
  readonly summary: ChangeSummary;
  readonly changes: readonly Change[];
  /** Whether there were too many to list: `changes` is empty, and the counts are what was seen. */
  readonly unlisted?: boolean | undefined;
  /** Present when `apply` was asked for and the run succeeded. */
  readonly apply?: ApplyReport | undefined;
  /** Older runs that were dropped because this one is kept. */
  readonly expired?: readonly Expired[] | undefined;
}
