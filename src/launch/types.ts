/** Declares what a launch is asked, and what it answers. */

import type { AskedRecords } from '../ask/index.js';
import type { NamespaceName } from '../backend/index.js';
import type { FinishReport, OnProgress, Run, RunRecord, Store } from '../changes/index.js';
import type {
  AuditRecords,
  NativeOutcome,
  NativeSandbox,
  NetworkRecords,
  RefusalRecords,
} from '../native/index.js';
import type { LayerName, PlanInputs } from '../plan/index.js';
import type { FileCause, ServiceCause } from '../report/index.js';
import type { CommandSpec } from '../resolve/index.js';
import type { Asking } from './ask.js';

export interface LaunchOptions {
  /** Descriptors of this process that become 0, 1 and 2 of the payload; the spec was resolved for them. */
  readonly stdio: readonly [number, number, number];
  /** Says who decides about what the sandbox refuses, where the spec has it asked about. */
  readonly asking?: Asking | undefined;
  /**
   * True if a person waits for it: a second SIGINT or ^C that nothing comes of ends it after the
   * grace, and when the payload is stopped, so is this process. @default false
   */
  readonly attended?: boolean | undefined;
  /** Called when another thread has begun to start the sandbox: this one can do other work meanwhile. Must not throw. */
  readonly onLaunched?: (() => void) | undefined;
  /** Called when the payload has ended, before its changes are looked at. */
  readonly onEnd?: (() => void) | undefined;
  /** Called often while its changes are looked at. */
  readonly onProgress?: OnProgress | undefined;
  /** Returns whether the caller has ended it by itself, which is no success. */
  readonly isAborted?: (() => boolean) | undefined;
  /** Set for a payload that learns what to do only once it runs. */
  readonly task?: LaunchTask | undefined;
  /** The program will start more sandboxes: makes their layers beforehand. @default false */
  readonly reuse?: boolean | undefined;
  /** Init's end of the socket of a session, which executes nothing at its start. */
  readonly session?: number | undefined;
  /** Called with each port that is open inside only, once and at once. Must not throw. */
  readonly onPort?: ((port: number) => void) | undefined;
  /** A run that goes on, whose lock is held, in place of a new one. It stays where the start fails. */
  readonly run?: Run | undefined;
  /** Returns whether the sandbox was ended so that another goes on with its run: nothing becomes of the changes yet. */
  readonly isSuspended?: (() => boolean) | undefined;
  /** Called before the start with what it is made of, so that it can be made once more. */
  readonly onPlan?: ((start: PlannedStart) => void) | undefined;
  /**
   * Protections to leave out, for the tests that show that one is noticed when it is missing.
   * @internal
   */
  readonly without?: ReadonlySet<LayerName | NamespaceName | 'watch'> | undefined;
}

/** The task of a payload that waited; looked at when it ends. */
export interface LaunchTask {
  /** Undefined while nothing has been asked of it: then nothing of the run is kept. */
  readonly command: CommandSpec | undefined;
  /** True if a time limit of the task's own ended it. */
  readonly timedOut: boolean;
}

/** The parts that a start is made of. */
export interface PlannedStart {
  readonly plan: Uint8Array;
  /** The inputs of the plan beside the spec. */
  readonly inputs: PlanInputs;
  /** Its journal entry; undefined where nothing is overlaid. */
  readonly run: Run | undefined;
}

/** How a run ended. */
export interface LaunchResult {
  /** Id under which changes are kept; undefined where nothing is overlaid. */
  readonly runId: string | undefined;
  /** Its journal entry as the run began. */
  readonly record: RunRecord | undefined;
  readonly startedAt: Date;
  readonly outcome: NativeOutcome;
  /** Says what became of the changes. */
  readonly finish: FinishReport | undefined;
  /** The calls that the payload was refused. */
  readonly refusals: RefusalRecords;
  /** The actions of the payload, where an audit was asked for. */
  readonly audit: AuditRecords | undefined;
  /** The reasons why files were refused beyond the filter, which an audit tells. */
  readonly causes: readonly FileCause[] | undefined;
  /** Servers of this machine that it looked for on its own loopback, which an audit tells. */
  readonly services?: readonly ServiceCause[] | undefined;
  /** Where it wanted to go; of a run with rules for the network. */
  readonly network?: NetworkRecords | undefined;
  /** The questions that were asked while it ran; undefined where nothing is asked about. */
  readonly asked?: AskedRecords | undefined;
  /** Notes on what the kernel left out of it, and what of its changes could not be saved, in sentences. */
  readonly notes?: readonly string[] | undefined;
}

export interface Launched {
  /** Pid of the sandbox's init on the host. */
  readonly pid: number;
  /** Id of the run, undefined where nothing is overlaid. */
  readonly runId: string | undefined;
  /** Returns what its programs were refused so far, for `refusedSoFar`. */
  refusals(): Uint8Array;
  /** Does what {@link NativeSandbox.dialInside} does. */
  dialInside(port: number): number;
  /** Sends a signal to the payload; SIGKILL (9) ends everything in the sandbox. */
  signal(signal: number): void;
  /** The payload's terminal, while a question is shown in its place. */
  readonly screen: Pick<NativeSandbox, 'redraw' | 'resize' | 'resumeRelay' | 'suspendRelay'>;
  /** The run while it goes on, to look at its changes; undefined where nothing is overlaid. */
  readonly journal: { readonly store: Store; readonly run: Run } | undefined;
  /** Sets whether this process stays for the sandbox, which it does at first. */
  hold(hold: boolean): void;
  /**
   * Fulfilled when every process of the sandbox is gone.
   * Rejected with a {@link LaunchError} where the payload never ran.
   */
  readonly done: Promise<LaunchResult>;
}
