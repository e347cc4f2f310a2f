/** The run report: what happened, as data with a versioned schema. */

import type { ReportAsked } from './asked.js';
import type { ReportAudit } from './audit/types.js';
import type { ReportHome } from './home.js';
import type { ReportNetwork } from './network.js';
import type { ReportRefusals } from './refusals.js';

export type OutcomeKind =
  /** The payload ended by itself with an exit status. */
  | 'exited'
  /** A signal ended it, from inside or sent by the user. */
  | 'signaled'
  /** The time limit ended it. */
  | 'timeout'
  /** Another limit ended it; {@link ReportOutcome.limit} says which. */
  | 'limit'
  /** The sandbox could not be made: nothing of the payload ran. */
  | 'setup-failed'
  /** The sandbox was made, but the program could not be executed. */
  | 'exec-failed';

/** A limit, by the name of its option. */
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

/** A limit at which the program got an error instead of more, and went on. */
export interface ReachedLimit {
  readonly limit: LimitName;
  /** What was full, where the limit holds for several places. */
  readonly place?: 'memory files' | undefined;
}

export interface ReportOutcome {
  readonly kind: OutcomeKind;
  /** The payload's own exit status; absent where it has none. */
  readonly exitCode?: number | undefined;
  /** Name of the signal, for instance `SIGKILL`. */
  readonly signal?: string | undefined;
  /** Which limit ended it, or what it was held to; absent where none did. */
  readonly limit?: LimitName | undefined;
  /** True where it went on after a second interrupt and was killed when the grace was over. */
  readonly interrupted?: true;
  /** Exit status of `wasbox run`: the payload's, 124, 125, 126, 127 or 128 + signal. */
  readonly status: number;
  /** Where the payload never ran: code, message and hint of the error. */
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

export interface ReportChange {
  /** Relative to the working directory, escaped where it is no plain text. */
  readonly path: string;
  readonly kind: string;
  readonly type: string;
  readonly flags: readonly string[];
}

export interface ReportChanges {
  /** `none`, `kept`, `applied`, `partly-applied` or `discarded`. */
  readonly disposition: string;
  readonly counts: { readonly added: number; readonly modified: number; readonly deleted: number };
  /** Bytes of file content that the run wrote. */
  readonly sizeBytes: number;
  /** At most {@link maxReportedChanges} of them. */
  readonly paths: readonly ReportChange[];
  readonly truncated: boolean;
  /** Changes that were not applied although that was asked for, with the reason. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

/** The report of one run. Fields are only ever added within a schema version. */
export interface RunReport {
  readonly schemaVersion: 1;
  readonly wasboxVersion: string;
  /** Id under which changes are kept; absent where nothing was overlaid. */
  readonly runId?: string | undefined;
  /** What the user named: a script, a command, or `-`. */
  readonly command: string;
  readonly argv: readonly string[];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** From start to the payload's end. */
  readonly durationMs: number;
  readonly outcome: ReportOutcome;
  /** Of the payload and its reaped descendants. */
  readonly usage: {
    readonly userMs: number;
    readonly systemMs: number;
    /** Largest resident set of a single process. */
    readonly maxRssBytes: number;
    /** Processor time, of processes that were not waited for too, as far as it was seen. */
    readonly cpuMs: number;
    /**
     * Memory of all processes and files in memory together, at most. Where the supervisor measures,
     * it is the most of the moments at which it looked, and of a short run that of one process.
     */
    readonly memoryBytes: number;
    /** Processes and threads at a time, at most; measured likewise. */
    readonly processes: number;
    /** What the run kept on disk, and deleted files that it had open. */
    readonly diskBytes: number;
    readonly diskInodes: number;
    /** What it had in /tmp and the like at its end. */
    readonly privateBytes: number;
    readonly privateInodes: number;
    /** Written to stdout and stderr; absent where they did not lead through wasbox. */
    readonly outputBytes?: number | undefined;
  };
  /** Limits at which the program was refused more, and those beyond which it ended by itself. */
  readonly reached: readonly ReachedLimit[];
  readonly changes?: ReportChanges | undefined;
  /** What the program wrote to its private home, which is discarded; absent where that is nothing. */
  readonly home?: ReportHome | undefined;
  /** What the program was refused; absent where it never ran. */
  readonly refusals?: ReportRefusals | undefined;
  /** What somebody was asked to decide; absent where nothing is asked about. */
  readonly asked?: ReportAsked | undefined;
  /** What the program did; absent without `--audit`. */
  readonly audit?: ReportAudit | undefined;
  /** Where the program wanted to go; only where rules say what the network reaches. */
  readonly network?: ReportNetwork | undefined;
  readonly sandbox: {
    readonly workdir: string;
    readonly net: string;
    readonly policy: string;
    readonly namespaces: readonly string[];
    /** Landlock's ABI version in force; 0 means that the kernel lacks it or has one too old. */
    readonly landlockAbi: number;
    readonly limits: {
      readonly timeoutMs?: number | undefined;
      readonly processes?: number | undefined;
      readonly openFiles?: number | undefined;
      readonly privateBytes: number;
      /** From SIGTERM to SIGKILL when a limit ends the run. */
      readonly graceMs?: number | undefined;
      readonly cpuMs?: number | undefined;
      readonly memoryBytes?: number | undefined;
      readonly fileSizeBytes?: number | undefined;
      readonly diskBytes?: number | undefined;
      readonly inodes?: number | undefined;
      readonly outputBytes?: number | undefined;
      readonly privateInodes?: number | undefined;
    };
    /** What held memory and processes: a cgroup of the kernel's, or the supervisor and rlimits. */
    readonly heldBy: 'cgroup' | 'supervisor';
  };
  readonly notes: readonly string[];
}

/** How many changed paths a report lists. */
export const maxReportedChanges = 1000;
