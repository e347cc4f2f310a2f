/**
 * The words of this folder: a run's journal entry, a change, what `apply` did.
 *
 * Paths are bytes: a file name on Linux need not be text. `display` is the same path made safe for
 * a terminal and for JSON; it is never used to open anything.
 */
import type { Native } from '../native/index.js';
import type { Expired } from './store/expire.js';

/** The calls that Node lacks; injected, so that this folder starts nothing. */
export type ChangesNative = Pick<
  Native,
  | 'openat2'
  | 'renameat2'
  | 'fgetxattr'
  | 'flistxattr'
  | 'fsetxattr'
  | 'fremovexattr'
  | 'hasNoWriter'
  | 'reflink'
  | 'setTimes'
  | 'setTimesAt'
  | 'dataRange'
  | 'tryLock'
>;

/** What became of a run. `interrupted`: wasbox was killed; its changes are kept like any other's. */
export type RunStatus = 'running' | 'kept' | 'applied' | 'discarded' | 'interrupted';

/** How many changes there are of each kind. */
export interface ChangeCounts {
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
}

/** A directory that a run showed copy-on-write. */
export interface TreeIdentity {
  /** Absolute, canonical path. */
  readonly path: string;
  /** Decimal, so that JSON keeps all 64 bits. */
  readonly dev: string;
  readonly ino: string;
}

/** The journal entry of a run, `run.json`. */
export interface RunRecord {
  readonly schemaVersion: 1;
  readonly id: string;
  /** What the user named: a script's path, a command, or `-`. Untrusted when shown. */
  readonly command: string;
  readonly argv: readonly string[];
  readonly workdir: TreeIdentity;
  /** More directories that it showed copy-on-write (`--cow`), in the order of their layers. */
  readonly trees?: readonly TreeIdentity[] | undefined;
  /** Runs on the same layer before this one (`--continue`), oldest first. */
  readonly earlier?: readonly EarlierRun[] | undefined;
  /** ISO 8601, UTC. */
  readonly started: string;
  /** ISO 8601, UTC; absent while it runs. */
  readonly ended?: string | undefined;
  /**
   * The kernel's file time at the start, in nanoseconds, decimal: a host file whose ctime is later
   * was changed since.
   */
  readonly baselineNs: string;
  readonly status: RunStatus;
  /** Whether the changes were to be dropped: then an interrupted run is, too. */
  readonly discard?: boolean | undefined;
  readonly exitCode?: number | undefined;
  readonly signal?: number | undefined;
  /** Bytes in the files that the layer holds. */
  readonly sizeBytes: number;
  /** What they take on disk; absent in entries of older versions. */
  readonly diskBytes?: number | undefined;
  readonly counts: ChangeCounts;
}

/** A run that a later one went on with. */
export interface EarlierRun {
  readonly argv: readonly string[];
  /** ISO 8601, UTC. */
  readonly started: string;
}

/** Where one tree's changes go. */
export interface RunTree {
  readonly identity: TreeIdentity;
  /** Absolute path of the directory that holds `upper` and `work`. */
  readonly layer: string;
}

/** A run whose lock this process holds. Call {@link close} when done with it. */
export interface Run {
  readonly record: RunRecord;
  /** Absolute path of the run's directory. */
  readonly directory: string;
  /** The working directory's layer: absolute paths for overlayfs. */
  readonly upper: string;
  readonly work: string;
  /** The working directory, then what `--cow` added. */
  readonly trees: readonly RunTree[];
  /** Gives the lock back. Harmless when called twice. */
  close(): void;
}

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device';

/**
 * `type`: a file became a directory, a symbolic link …; `mode`: permission bits or owner only;
 * `time`: modification time only; `xattr`: extended attributes only, which are never applied.
 */
export type ChangeKind = 'added' | 'modified' | 'deleted' | 'type' | 'mode' | 'time' | 'xattr';

/**
 * What one should know about a change.
 *
 * - `held`: runs later by itself (a git hook, a shell start-up file …), or is the tree's own
 *   directory, whose mode says who gets at all of it; applied only when named
 * - `runs-later`: runs later by itself, but is an ordinary project file (Makefile, package.json …)
 * - `executable`: newly executable
 * - `open`: newly writable for everybody
 * - `set-id`: setuid, setgid or sticky bit, which `apply` strips
 * - `leads-out`: a symbolic link out of the tree; applied only when named
 * - `special`: device, FIFO or socket; never applied
 * - `hard-link`: shares its inode with other changed paths
 * - `xattr`: other extended attributes, ACLs or capabilities than the host's file has, which `apply`
 *   does not carry over
 * - `host-changed`: the host's file changed since the run began; not applied
 * - `mount-point`: lies on another mount than the working directory; not applied
 * - `unreadable`: cannot be read; not applied
 * - `too-deep`: beside `unreadable`, of a directory that was not looked into, since it lies more than 200
 *   directories deep or its path is longer than any call takes
 */
export type ChangeFlag =
  | 'held'
  | 'runs-later'
  | 'executable'
  | 'open'
  | 'set-id'
  | 'leads-out'
  | 'special'
  | 'hard-link'
  | 'xattr'
  | 'host-changed'
  | 'mount-point'
  | 'unreadable'
  | 'too-deep';

/** One side of a change. */
export interface FileState {
  readonly type: FileType;
  /** Permission bits with set-id and sticky, 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** What it takes on disk; less than `size` where it has holes. */
  readonly diskBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
  /** Number of names of the inode. */
  readonly links: number;
  /** Target of a symbolic link. */
  readonly link?: Buffer | undefined;
}

export interface Change {
  /** Relative to its tree's root, without a leading `./`. The root itself is empty. */
  readonly path: Buffer;
  /** Absolute path of the tree that it lies in. */
  readonly root: string;
  /** 0 for the working directory, then the number of the `--cow` tree. */
  readonly tree: number;
  /**
   * The path, escaped for terminals and JSON: relative in the working directory, absolute in any
   * other tree.
   */
  readonly display: string;
  readonly kind: ChangeKind;
  /** Type now, or for a deletion the type it had. */
  readonly type: FileType;
  /** On the host; absent for what is added. */
  readonly before?: FileState | undefined;
  /** In the layer; absent for what is deleted. */
  readonly after?: FileState | undefined;
  readonly flags: readonly ChangeFlag[];
  /** Why `held` or `runs-later`, for instance `git runs it`. */
  readonly runs?: string | undefined;
}

export interface ChangeSummary {
  readonly counts: ChangeCounts;
  readonly sizeBytes: number;
  readonly diskBytes: number;
}

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
  /** `compare`: layer and host; `diff`: contents; `apply`; `settle`: what is left is compared again; `remove`: of what the run holds. */
  readonly stage: 'compare' | 'diff' | 'apply' | 'settle' | 'remove';
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
