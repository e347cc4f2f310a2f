/** The run report: what happened, as data with a versioned schema. */

import type { ReportAsked } from './asked.js';
import type { ReportAudit } from './audit/types.js';
import type { ReportNetwork } from './network.js';
import type { ReportRefusals } from './refusal-types.js';

/** How a program that ran ended. */
export type EndKind =
  /** The payload exited. */
  | 'exited'
  /** A signal from inside or from the user killed it. */
  | 'signaled'
  /** The time limit killed it. */
  | 'timeout'
  /** Another limit killed it; see {@link ReportOutcome.limit}. */
  | 'limit';

export type OutcomeKind =
  | EndKind
  /** The sandbox could not be set up: the payload did not run. */
  | 'setup-failed'
  /** The sandbox was set up, but the program could not be executed. */
  | 'exec-failed';

/** A limit, by its key in `[limits]` of a profile. */
export type LimitName =
  | 'timeout'
  | 'cpu'
  | 'memory'
  | 'disk'
  | 'inodes'
  | 'output'
  | 'pids'
  | 'open-files'
  | 'file-size';

/** A limit at which the program got an error and continued. */
export interface ReachedLimit {
  readonly limit: LimitName;
  /** The place that was full, if the limit covers several places. */
  readonly place?: 'memory files' | undefined;
}

export interface ReportOutcome {
  readonly kind: OutcomeKind;
  /** The payload's exit status; absent if it has none. */
  readonly exitCode?: number | undefined;
  /** Name of the signal, for instance `SIGKILL`. */
  readonly signal?: string | undefined;
  /** The limit that killed it; absent if none did. */
  readonly limit?: LimitName | undefined;
  /** True if it was still running after a second interrupt and was killed after the grace period. */
  readonly interrupted?: true;
  /** Exit status of `wasbox run`: the payload's, 3 if `--apply` left changes saved, 124 to 127 or 128 + signal. */
  readonly status: number;
  /** If the payload never ran: code, message and hint of the error. */
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

export interface ReportChange {
  /** Relative to the working directory, escaped where it is not plain text. */
  readonly path: string;
  readonly kind: string;
  readonly type: string;
  readonly flags: readonly string[];
  /** True if it is in the user's home: applied only when named. */
  readonly home?: true | undefined;
  /** Set for a file of the home that the run did not see: true if its lines can be added to the user's. */
  readonly appends?: true | undefined;
}

export interface ReportCounts {
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
}

/** A change that `--apply` did not apply. */
export interface ReportRefused {
  readonly path: string;
  readonly reason: string;
  /** The reason in words. */
  readonly message: string;
  /** The path to name to apply it all the same: itself, or the directory that is held as a whole. */
  readonly name?: string | undefined;
}

/** Counts what was left out, because no user reviews it. */
export interface ReportDropped {
  /** `histories`, `logs`, `caches` or `compiled modules`. */
  readonly what: string;
  /** The file, or the directory of the files. */
  readonly place: string;
  readonly files: number;
}

export interface ReportChanges {
  /** `none`, `kept`, `applied`, `partly-applied` or `discarded`. */
  readonly disposition: string;
  readonly counts: ReportCounts;
  /** Counts of the changes that are directories. */
  readonly directories?: ReportCounts | undefined;
  /** Counts of the changes that are in the user's home. */
  readonly home?: (ReportCounts & { readonly directories?: ReportCounts }) | undefined;
  /** Bytes of file content that the run wrote. */
  readonly sizeBytes: number;
  /** At most {@link maxReportedChanges} of them: those that run or lead elsewhere, and those of the home, before others. */
  readonly paths: readonly ReportChange[];
  readonly truncated: boolean;
  /** Changes that `--apply` did not apply, with the reason. */
  readonly refused: readonly ReportRefused[];
  /** At most {@link maxReportedChanges} places. */
  readonly dropped?: readonly ReportDropped[] | undefined;
}

/** Counts what was written to a home in memory, and discarded with it. */
export interface ReportHome {
  /** Files and links in the home at the end; at most 10,000 are counted. */
  readonly files: number;
  /** Their paths, `~/…`, sorted, escaped where they are not plain text; as many as were recorded. */
  readonly paths: readonly string[];
}

/** The report of one run. Fields are only ever added within a schema version. */
export interface RunReport {
  readonly schemaVersion: 1;
  readonly wasboxVersion: string;
  /** Id under which changes are saved; absent if nothing was overlaid. */
  readonly runId?: string | undefined;
  /** The command as the user gave it: a script, a command, or `-`. */
  readonly command: string;
  readonly argv: readonly string[];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** The time from start to the payload's end. */
  readonly durationMs: number;
  readonly outcome: ReportOutcome;
  /** The use of the payload and its reaped descendants. */
  readonly usage: {
    readonly userMs: number;
    readonly systemMs: number;
    /** Largest resident set of a single process. */
    readonly maxRssBytes: number;
    /** Processor time, including processes that were not waited for, as far as it was measured. */
    readonly cpuMs: number;
    /**
     * Peak memory of all processes and files in memory together. Where the supervisor measures, it is
     * the peak of its samples, and for a short run that of one process.
     */
    readonly memoryBytes: number;
    /** Peak number of processes and threads; measured likewise. */
    readonly processes: number;
    /** The size of what the run had on disk, including deleted files that it had open. */
    readonly diskBytes: number;
    readonly diskInodes: number;
    /** The size of what it had in /tmp and other places in memory at its end. */
    readonly privateBytes: number;
    readonly privateInodes: number;
    /** Written to stdout and stderr; absent if they did not pass through wasbox. */
    readonly outputBytes?: number | undefined;
  };
  /** Limits at which the program was refused more, and those that it had passed when it exited. */
  readonly reached: readonly ReachedLimit[];
  readonly changes?: ReportChanges | undefined;
  /** The files that the program wrote to its private home, which is discarded; absent if nothing. */
  readonly home?: ReportHome | undefined;
  /** The refusals that the program met; absent if it never ran. */
  readonly refusals?: ReportRefusals | undefined;
  /** Questions that were asked; absent without `--ask`. */
  readonly asked?: ReportAsked | undefined;
  /** The actions of the program; absent without `--audit`. */
  readonly audit?: ReportAudit | undefined;
  /** Destinations of the program; only with network rules. */
  readonly network?: ReportNetwork | undefined;
  readonly sandbox: {
    readonly workdir: string;
    /** The project around it that was shown, and what made it one; absent where it was none, or `workdir` itself. */
    readonly project?: { readonly path: string; readonly marker: string } | undefined;
    /** The image whose tree was the root; absent where it was this machine's system. */
    readonly image?: { readonly reference: string; readonly id?: string | undefined } | undefined;
    readonly net: string;
    readonly policy: string;
    /** Says what isolated the program. Landlock is weaker than namespaces; `notes` says in what. */
    readonly isolation: 'namespaces' | 'landlock';
    readonly namespaces: readonly string[];
    /** Landlock's ABI version in force; 0 if the kernel has none, or one that is too old. */
    readonly landlockAbi: number;
    readonly limits: {
      readonly timeoutMs?: number | undefined;
      readonly processes?: number | undefined;
      readonly openFiles?: number | undefined;
      readonly privateBytes: number;
      /** The time from SIGTERM to SIGKILL when a limit ends the run. */
      readonly graceMs?: number | undefined;
      readonly cpuMs?: number | undefined;
      readonly memoryBytes?: number | undefined;
      readonly fileSizeBytes?: number | undefined;
      readonly diskBytes?: number | undefined;
      readonly inodes?: number | undefined;
      readonly outputBytes?: number | undefined;
      readonly privateInodes?: number | undefined;
    };
    /** Says what enforced the limits of memory and processes: a cgroup, or the supervisor and rlimits. */
    readonly heldBy: 'cgroup' | 'supervisor';
  };
  readonly notes: readonly string[];
}

/** The report of a run whose payload ran. */
export interface EndedReport extends RunReport {
  readonly outcome: ReportOutcome & { readonly kind: EndKind };
  readonly refusals: ReportRefusals;
}

/** How many changed paths a report lists. */
export const maxReportedChanges = 1000;

/** Returns whether a value is a report of this schema, as far as its head says so: it may have been a file. */
export const isReport = (value: unknown): value is RunReport => {
  const { schemaVersion, argv, outcome } = (value ?? {}) as Partial<RunReport>;
  return schemaVersion === 1 && Array.isArray(argv) && typeof outcome?.kind === 'string';
};
