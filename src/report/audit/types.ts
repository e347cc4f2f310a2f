import type { AuditActionKind, AuditDropped, AuditValueRecord } from '../../native/index.js';
/** The actions of a run as data; every text is safe to print. */

/** A program that a process became. */
export interface AuditExecution {
  /** Milliseconds since the start. */
  readonly atMs: number;
  readonly path: string;
  /** Its arguments, as far as they were recorded. */
  readonly argv: readonly string[];
  readonly truncated: boolean;
}

export interface AuditProcess {
  /** Pid inside the sandbox. */
  readonly pid: number;
  /** Index of its parent in the list; absent if the sandbox's init started or adopted it. */
  readonly parent?: number | undefined;
  readonly startedMs: number;
  /** Absent if it was killed, or was still running when the program ended. */
  readonly endedMs?: number | undefined;
  readonly exitCode?: number | undefined;
  readonly threads: number;
  readonly calls: number;
  /** The following three are known only of processes that exited by themselves. */
  readonly maxRssBytes?: number | undefined;
  /**
   * Bytes that it read and wrote, including pipes and terminals. The kernel counts copy_file_range(2)
   * on copy-on-write mounts twice: for the overlay, and for the files under it.
   */
  readonly readBytes?: number | undefined;
  readonly writtenBytes?: number | undefined;
  readonly executed: readonly AuditExecution[];
}

/** A use of a file; identical ones are counted together. */
export interface AuditFile {
  readonly action: Exclude<AuditActionKind, 'connect' | 'bind' | 'send'>;
  /** Absolute, inside the sandbox; of a rename or link the old name, of a symlink its content. */
  readonly path: string;
  /** The new name of a rename or link; the path of a symlink. */
  readonly to?: string | undefined;
  readonly call: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Index of the process that did it first. */
  readonly process?: number | undefined;
  /** The obstacle just before the call; absent if there was none. */
  readonly error?: string | undefined;
  /** True if the policy refused it. */
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
 * All that a run did, with `--audit`. It shows what the program asked of the kernel: another thread may
 * change a path or an argument between the record and the call.
 */
export interface ReportAudit {
  readonly schemaVersion: 1;
  /** `none` if the kernel provided no listener: then all lists are empty. */
  readonly watched: 'all' | 'none';
  readonly reason?: string | undefined;
  readonly totalCalls: number;
  /** Calls by name, most frequent first. */
  readonly calls: readonly AuditCall[];
  /** Values of arguments that distinguish uses of a call. */
  readonly values: readonly AuditValueRecord[];
  /** The processes in the order in which they were first seen. */
  readonly processes: readonly AuditProcess[];
  readonly files: readonly AuditFile[];
  readonly addresses: readonly AuditAddress[];
  readonly usage: {
    /** Bytes read and written by processes that exited by themselves, including pipes. */
    readonly readBytes: number;
    readonly writtenBytes: number;
  };
  /** Counts what did not fit or could not be read. */
  readonly dropped: AuditDropped;
  /** Lists what is not counted at all. */
  readonly uncounted: readonly string[];
}
