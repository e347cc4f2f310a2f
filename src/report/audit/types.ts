import type { AuditActionKind, AuditDropped, AuditValueRecord } from '../../native/index.js';
/** What a run did, as data; every text is safe to print. */

/** A program that a process became. */
export interface AuditExecution {
  /** Milliseconds since the start. */
  readonly atMs: number;
  readonly path: string;
  /** What the program was given, as far as it was recorded. */
  readonly argv: readonly string[];
  readonly truncated: boolean;
}

export interface AuditProcess {
  /** Pid inside the sandbox. */
  readonly pid: number;
  /** Index of its parent in the list; absent for what the sandbox's init started or adopted. */
  readonly parent?: number | undefined;
  readonly startedMs: number;
  /** Absent where it was killed, or still ran when the program itself ended. */
  readonly endedMs?: number | undefined;
  readonly exitCode?: number | undefined;
  readonly threads: number;
  readonly calls: number;
  /** The following three are known of processes that ended by themselves. */
  readonly maxRssBytes?: number | undefined;
  /**
   * Bytes that it read and wrote, pipes and terminals included. Of copy_file_range(2) in what is shown
   * copy-on-write the kernel counts them twice: for the overlay, and for the files under it.
   */
  readonly readBytes?: number | undefined;
  readonly writtenBytes?: number | undefined;
  readonly executed: readonly AuditExecution[];
}

/** A use of a file, counted with all that are the same. */
export interface AuditFile {
  readonly action: Exclude<AuditActionKind, 'connect' | 'bind' | 'send'>;
  /** Absolute, inside the sandbox; of a rename or link the old name, of a symlink its content. */
  readonly path: string;
  /** The new name of a rename or link; where a symlink was made. */
  readonly to?: string | undefined;
  readonly call: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Index of the process that did it first. */
  readonly process?: number | undefined;
  /** What stood in its way just before the call; absent where nothing did. */
  readonly error?: string | undefined;
  /** Whether it was the policy. */
  readonly refused?: true | undefined;
}

export interface AuditAddress {
  readonly action: 'connect' | 'bind' | 'send';
  readonly address: string;
  readonly call: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly process?: number | undefined;
  readonly error?: string | undefined;
}

export interface AuditCall {
  readonly call: string;
  readonly count: number;
  readonly refused: number;
}

/**
 * All that a run did, asked for by `--audit`. It is what was asked of the kernel: another thread may
 * change a path or an argument between the record and the kernel's own look at it.
 */
export interface ReportAudit {
  readonly schemaVersion: 1;
  /** `none` where the kernel gave no listener: then all lists are empty. */
  readonly watched: 'all' | 'none';
  readonly reason?: string | undefined;
  readonly totalCalls: number;
  /** Calls by name, the most frequent first. */
  readonly calls: readonly AuditCall[];
  /** Values of arguments that tell one use of a call from another. */
  readonly values: readonly AuditValueRecord[];
  /** In the order in which they were first seen. */
  readonly processes: readonly AuditProcess[];
  readonly files: readonly AuditFile[];
  readonly addresses: readonly AuditAddress[];
  readonly usage: {
    /** Bytes that processes which ended by themselves read and wrote, pipes included. */
    readonly readBytes: number;
    readonly writtenBytes: number;
  };
  /** What found no room or could not be read. */
  readonly dropped: AuditDropped;
  /** What is not counted at all. */
  readonly uncounted: readonly string[];
}
