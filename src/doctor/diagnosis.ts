/** Words the findings of `doctor`. */
import type { Finding } from './run.js';

/** The machine, and what runs wasbox: Node, or the command's own engine. */
export interface DoctorHost {
  /** Release of the kernel, for instance `6.1.0-28-amd64`. */
  readonly kernel: string;
  /** Version of Node, for instance `v20.18.0`; absent in the command's engine. */
  readonly node?: string | undefined;
  /** Version of QuickJS; absent in Node. */
  readonly quickjs?: string | undefined;
  readonly arch: string;
}

/** The result of `wasbox doctor`. */
export interface Diagnosis {
  readonly wasboxVersion: string;
  readonly host: DoctorHost;
  /** True if sandboxes work here: a real run was made. */
  readonly ready: boolean;
  /** The parts that a run is made of, each tried by itself; the last is the run. */
  readonly findings: readonly Finding[];
}
