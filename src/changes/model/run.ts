/** A run, and its journal entry. */
import type { ChangeCounts, HomeKind } from './change.js';

/** `interrupted`: wasbox was killed; the changes are saved like any other's. */
export type RunStatus = 'running' | 'kept' | 'applied' | 'discarded' | 'interrupted';

/** A directory that a run showed copy-on-write, or the user's home, of which it need not have seen anything. */
export interface TreeIdentity {
  /** Absolute, canonical path. */
  readonly path: string;
  /** Decimal, so that JSON keeps all 64 bits. */
  readonly dev: string;
  readonly ino: string;
  /** When the directory was made, by statx(2), in nanoseconds, decimal: an inode's number is used again. */
  readonly birthNs?: string | undefined;
  /**
   * Set if it is the user's home: of an `empty` one the run saw nothing. Nothing of it is applied unless
   * named.
   */
  readonly home?: HomeKind | undefined;
  /** Paths at which the sandbox, not the run, made mount points and links; for an empty home only. */
  readonly placed?: readonly string[] | undefined;
}

/** This version writes journal entries of this kind, and reads those of earlier ones, too. */
export const recordVersion = 1;

/** The journal entry of a run, `run.json`. */
export interface RunRecord {
  readonly schemaVersion: typeof recordVersion;
  readonly id: string;
  /** The program as the user named it: a script's path, a command, or `-`. Untrusted when shown. */
  readonly command: string;
  readonly argv: readonly string[];
  readonly workdir: TreeIdentity;
  /** More directories that it showed copy-on-write (`--cow`), in the order of their layers. */
  readonly trees?: readonly TreeIdentity[] | undefined;
  /** Runs on the same layer before this one (`--continue`), oldest first. */
  readonly earlier?: readonly EarlierRun[] | undefined;
  /** The place in the order of the runs of a run that was continued, as the count in an ID. */
  readonly order?: string | undefined;
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
  /**
   * True if the layers may lack something that the run did, or have what it did not do, because what recorded it was
   * cut short. Nothing of them is applied unless the user says so, and no deletion.
   */
  readonly incomplete?: boolean | undefined;
  /** True if the changes were to be discarded; then an interrupted run is discarded, too. */
  readonly discard?: boolean | undefined;
  readonly exitCode?: number | undefined;
  readonly signal?: number | undefined;
  /** The frozen layers of a session that goes on, below the one that it writes to, the latest first. */
  readonly stack?: readonly string[] | undefined;
  /**
   * Name of a file in the run's directory. If that file exists, a rollback was cut off: the layer that the run writes
   * to must be dropped. An earlier version wrote `true` instead, and no file.
   */
  readonly reset?: string | true | undefined;
  /** True if files of its layers may have names in those of other runs. */
  readonly shared?: boolean | undefined;
  /** Directories that stand in for trees, by their index; for an opened run alone, never saved. */
  readonly standIns?: ReadonlyMap<number, StandIn> | undefined;
  /** True if it changed nothing but caches of the home (XDG Base Directory): a command without an ID does not mean it. */
  readonly cachesOnly?: boolean | undefined;
  /** Bytes in the files that the layer holds. */
  readonly sizeBytes: number;
  /** Disk space of these files; absent in entries of older versions. */
  readonly diskBytes?: number | undefined;
  readonly counts: ChangeCounts;
}

/** A directory that a tree's changes are compared with and applied to in place of the tree. */
export interface StandIn {
  /** Absolute path. */
  readonly host: string;
  /** Absolute path of a directory for the tree's records, which those of the tree itself do not fit. */
  readonly records: string;
}

/** A run that a later one continued. */
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
  /** Writes to the lock which process is the sandbox's init, for `wasbox stop`. */
  noteInit(pid: number): void;
  /** Releases the lock. Can be called twice. */
  close(): void;
}
