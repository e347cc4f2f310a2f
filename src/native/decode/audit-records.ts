/** Decodes what a run did. The payload chose the texts. */

/** Says what a call does to the file or address that it names. */
export type AuditActionKind =
  | 'read'
  | 'write'
  | 'create'
  | 'delete'
  | 'rename'
  | 'directory'
  | 'link'
  | 'symlink'
  | 'attributes'
  | 'look'
  | 'execute'
  | 'connect'
  | 'bind'
  | 'send';

/** The actions that change files. */
export const changingActions: ReadonlySet<AuditActionKind> = new Set<AuditActionKind>([
  'write',
  'create',
  'delete',
  'rename',
  'directory',
  'link',
  'symlink',
  'attributes',
]);

/** A use of a file or an address; identical ones are counted together. */
export interface AuditActionRecord {
  readonly kind: AuditActionKind;
  /** Name of the first such call. */
  readonly call: string;
  /** Index of the process that made the first such call. */
  readonly process: number | undefined;
  /** Symbolic errno of the obstacle just before the call, or of the policy's refusal. */
  readonly error: string | undefined;
  /** True if the policy refused it. */
  readonly refused: boolean;
  /** True if it tried to create a device file and only Landlock prevented it. @default false */
  readonly device?: boolean;
  /** True if the supervisor did not check if it was possible. */
  readonly unprobed: boolean;
  /** An absolute path inside, or a socket address as the kernel has it. */
  readonly target: Uint8Array;
  readonly isAddress: boolean;
  /** The second path of a rename or link; argv of an execution, each argument ended by a zero. */
  readonly rest: Uint8Array;
  readonly truncated: boolean;
  readonly count: number;
  /** Nanoseconds since the start. */
  readonly firstNs: number;
  readonly lastNs: number;
}

export interface AuditProcessRecord {
  /** Pid inside the sandbox. */
  readonly pid: number;
  /** Index of its parent; undefined if the sandbox's init started or adopted it. */
  readonly parent: number | undefined;
  readonly threads: number;
  readonly calls: number;
  readonly startedNs: number;
  /** The time when it ended; undefined if it did not exit by itself. */
  readonly endedNs: number | undefined;
  readonly exitCode: number | undefined;
  readonly maxRssBytes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

export interface AuditCallRecord {
  readonly call: string;
  readonly count: number;
  /** How many the policy refused. */
  readonly refused: number;
}

/** A value of an argument that distinguishes uses of a call. */
export interface AuditValueRecord {
  readonly call: string;
  readonly argument: string;
  /** The value as a policy writes it: a constant, several joined by `|`, or a number. */
  readonly value: string;
  readonly count: number;
}

/** How much did not fit into the supervisor's tables, or could not be read. */
export interface AuditDropped {
  readonly actions: number;
  readonly processes: number;
  readonly values: number;
  readonly unread: number;
}

export interface AuditRecords {
  /** True if the kernel notified the supervisor of calls; else the symbolic errno why not. */
  readonly watched: boolean;
  readonly reason: string | undefined;
  /** The start from which the times of actions count, in nanoseconds of CLOCK_MONOTONIC. */
  readonly startedNs?: number | undefined;
  readonly totalCalls: number;
  readonly calls: readonly AuditCallRecord[];
  readonly processes: readonly AuditProcessRecord[];
  readonly actions: readonly AuditActionRecord[];
  readonly values: readonly AuditValueRecord[];
  readonly dropped: AuditDropped;
}
