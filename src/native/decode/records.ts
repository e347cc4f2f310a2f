/** Decodes what a run was refused and where it wanted to go. Texts in it are the payload's. */
import type { BuiltinVerdict } from '../../plan/index.js';

/** A refused call, with all that are the same. */
export interface RefusedCall {
  /** Name, or `call N` for an unknown number. */
  readonly call: string;
  /** Symbolic errno that the program got; undefined for a watched call that the kernel itself refuses. */
  readonly errno: string | undefined;
  /** The arguments that distinguish this use, as a policy writes their values. */
  readonly arguments: Readonly<Record<string, string>>;
  readonly target:
    | {
        readonly type: 'path' | 'address' | 'name';
        readonly bytes: Uint8Array;
        readonly truncated: boolean;
      }
    | undefined;
  readonly count: number;
  /** When the last of them was made, in nanoseconds of the clock that `AuditRecords.startedNs` is of. */
  readonly lastNs?: number | undefined;
  /** The decision of the built-in policies about it, if the run had another policy. */
  readonly verdict?: BuiltinVerdict | undefined;
}

/** All that a run was refused. */
export interface RefusalRecords {
  /** True if the kernel notified the supervisor of refusals; else the symbolic errno why not. */
  readonly watched: boolean;
  readonly reason: string | undefined;
  readonly calls: readonly RefusedCall[];
  readonly total: number;
  /** How many of `total` are missing in `calls`. */
  readonly dropped: number;
}

/** A destination, with all connections, flows or look-ups that went there. */
export interface ReachedDestination {
  readonly protocol: 'tcp' | 'udp' | 'lookup';
  readonly verdict:
    | 'allowed'
    | 'refused'
    | 'refused-address'
    | 'silent'
    | 'wrong'
    | 'denied'
    | 'unknown'
    | 'failed';
  /** The name that was looked up, or that resolved to the address; '' if none did. */
  readonly name: string;
  /** 16 bytes; undefined for a look-up. */
  readonly address: Uint8Array | undefined;
  readonly port: number;
  /** 0 if it is not known. */
  readonly pid: number;
  readonly process: Uint8Array;
  readonly count: number;
  readonly bytes: number;
  /** The time of the last one, as in a {@link RefusedCall}. */
  readonly lastNs?: number | undefined;
}

export interface NetworkRecords {
  readonly destinations: readonly ReachedDestination[];
  readonly dropped: number;
  /** Why UDP could not leave the sandbox; undefined if it could. */
  readonly udp?: string | undefined;
}
