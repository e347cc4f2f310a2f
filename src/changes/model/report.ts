/** The reports of `apply` and of the end of a run, and the progress of long calls. */
import type { Change, ChangeSummary } from './change.js';
import type { RunRecord } from './run.js';

/** Why a change was not applied. */
export type RefusalReason =
  | 'held'
  | 'leads-out'
  | 'special'
  | 'xattr'
  | 'host-changed'
  | 'unseen'
  | 'unreadable'
  | 'mount-point'
  | 'symlink-in-path'
  | 'parent-missing'
  | 'not-empty'
  | 'many-deletions'
  | 'incomplete'
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

/** Progress of a long call. */
export interface Progress {
  /** `recheck`: the comparison after `apply`, of what is left. */
  readonly stage: 'compare' | 'diff' | 'apply' | 'recheck' | 'remove';
  /** Number of paths. */
  readonly done: number;
  /** Absent where it is not known beforehand. */
  readonly total?: number | undefined;
}

export type OnProgress = (progress: Progress) => void;

/**
 * Decides what to do about a path that changed on the host as well. `merge`: merge the two versions of a text
 * file if they changed different lines; `markers`: also if they changed the same lines, with conflict
 * markers; `append`: for a file of the home that the run did not see, write the run's text behind the
 * host's; `ours`: keep the host's version; `theirs`: take the run's.
 */
export type Conflicts = 'refuse' | 'merge' | 'markers' | 'append' | 'ours' | 'theirs';

/** How a change was resolved whose path had changed on the host as well. */
export interface Settlement {
  readonly change: Change;
  readonly how: 'merged' | 'conflict' | 'appended' | 'ours';
  /** Number of conflicts between markers. */
  readonly places: number;
}

/** Says what `apply` did. */
export interface ApplyReport {
  /** The changes among `applied` whose path had changed on the host as well. */
  readonly settled: readonly Settlement[];
  readonly applied: readonly Change[];
  /** They stay in the run. */
  readonly refused: readonly Refusal[];
  /** Changes that are not among the paths that were named; they stay in the run. */
  readonly left: readonly Change[];
  /** Applied without something, for example a setuid bit. */
  readonly stripped: readonly Change[];
  /** Paths that matched no change, as given. */
  readonly unmatched: readonly string[];
}

/** A saved run that was removed to make room. */
export interface Expired {
  readonly record: RunRecord;
  readonly why: 'age' | 'size';
}

/** Files that were left out, because no user reviews them. */
export interface DroppedFiles {
  /** `histories`, `logs`, `caches` or `compiled modules`. */
  readonly what: string;
  /** The file, or the directory that they are in, as it is displayed. */
  readonly place: string;
  readonly files: number;
}

/** Says what happened to the changes when a run ended. */
export interface FinishReport {
  /** `none`: nothing changed, and nothing is left on disk. */
  readonly disposition: 'none' | 'kept' | 'applied' | 'partly-applied' | 'discarded';
  readonly id: string;
  readonly summary: ChangeSummary;
  readonly changes: readonly Change[];
  /** True if there were too many to list: then `changes` is empty, and `summary` counts a part of them. */
  readonly unlisted?: boolean | undefined;
  /** Present when `apply` was asked for and the run succeeded. */
  readonly apply?: ApplyReport | undefined;
  /** The files that no user reviews, and that were left out: one entry for each place. */
  readonly dropped?: readonly DroppedFiles[] | undefined;
  /** Older runs that were discarded to make room for this one. */
  readonly expired?: readonly Expired[] | undefined;
}
