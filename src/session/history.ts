/** Joins what the sandboxes of a session did, one after the other, as one. */

import { monotonicMs } from '../host/index.js';
import type { LaunchResult } from '../launch/index.js';
import type { LimitsSpec } from '../resolve/index.js';
import type { SessionLayers } from './layers.js';

type Outcome = LaunchResult['outcome'];

const noUsage = {
  memoryBytes: 0,
  cpuUs: 0,
  diskBytes: 0,
  diskInodes: 0,
  privateBytes: 0,
  privateInodes: 0,
  outputBytes: 0,
  processes: 0,
  samples: 0,
  limit: 0,
  reached: 0,
  cgroup: 0,
  deprioritised: 0,
};

/** The outcome of a session in which nothing was started. */
const nothing: Outcome = {
  kind: 'ended',
  exitCode: 0,
  signal: 0,
  step: 0,
  errno: 0,
  path: '',
  timedOut: false,
  durationNs: 0,
  userUs: 0,
  systemUs: 0,
  maxRssKiB: 0,
  usage: noUsage,
  watched: true,
  watchErrno: 0,
  refusals: new Uint8Array(),
  refusalsTotal: 0,
  refusalsDropped: 0,
  homeFiles: 0,
  home: new Uint8Array(),
};

/** Returns the result of a session whose sandbox was never started. */
export const neverStarted = ({ madeRun }: SessionLayers, startedAt: Date): LaunchResult => ({
  runId: madeRun?.record.id,
  record: madeRun?.record,
  startedAt,
  outcome: nothing,
  finish: undefined,
  refusals: { watched: true, reason: undefined, calls: [], total: 0, dropped: 0 },
  audit: undefined,
  causes: undefined,
});

function joinOutcomes(a: Outcome, b: Outcome, elapsedNs: number): Outcome {
  const [u, v] = [a.usage, b.usage];
  return {
    ...b,
    durationNs: elapsedNs,
    userUs: a.userUs + b.userUs,
    systemUs: a.systemUs + b.systemUs,
    maxRssKiB: Math.max(a.maxRssKiB, b.maxRssKiB),
    usage: {
      ...v,
      memoryBytes: Math.max(u.memoryBytes, v.memoryBytes),
      cpuUs: u.cpuUs + v.cpuUs,
      diskBytes: u.diskBytes + v.diskBytes,
      diskInodes: u.diskInodes + v.diskInodes,
      outputBytes: u.outputBytes + v.outputBytes,
      processes: Math.max(u.processes, v.processes),
      samples: u.samples + v.samples,
      reached: u.reached | v.reached,
    },
  };
}

function join(a: LaunchResult, b: LaunchResult): LaunchResult {
  const elapsed = b.startedAt.getTime() - a.startedAt.getTime();
  return {
    ...b,
    startedAt: a.startedAt,
    outcome: joinOutcomes(a.outcome, b.outcome, elapsed * 1e6 + b.outcome.durationNs),
    refusals: {
      ...b.refusals,
      watched: a.refusals.watched && b.refusals.watched,
      reason: a.refusals.reason ?? b.refusals.reason,
      calls: [...a.refusals.calls, ...b.refusals.calls],
      total: a.refusals.total + b.refusals.total,
      dropped: a.refusals.dropped + b.refusals.dropped,
    },
    causes: both(a.causes, b.causes),
    services: both(a.services, b.services),
    network:
      a.network && b.network
        ? {
            ...b.network,
            destinations: [...a.network.destinations, ...b.network.destinations],
            dropped: a.network.dropped + b.network.dropped,
          }
        : (b.network ?? a.network),
    audit: b.audit ?? a.audit,
    asked:
      a.asked && b.asked
        ? {
            ...b.asked,
            records: [...a.asked.records, ...b.asked.records],
            total: a.asked.total + b.asked.total,
            dropped: a.asked.dropped + b.asked.dropped,
          }
        : (b.asked ?? a.asked),
    notes: [...new Set([...(a.notes ?? []), ...(b.notes ?? [])])],
  };
}

const both = <T>(a: readonly T[] | undefined, b: readonly T[] | undefined) =>
  a === undefined && b === undefined ? undefined : [...(a ?? []), ...(b ?? [])];

/** The history of the sandboxes of a session that have ended. */
export class History {
  #joined: LaunchResult | undefined;
  readonly #begunMs = monotonicMs();
  readonly startedAt = new Date();
  #sandboxes = 0;

  /** How many have ended. */
  get sandboxes(): number {
    return this.#sandboxes;
  }

  /** All of them. */
  get joined(): LaunchResult | undefined {
    return this.#joined && this.#noted(this.#joined, this.#sandboxes - 1);
  }

  add(ended: LaunchResult): void {
    this.#joined = this.#joined === undefined ? ended : join(this.#joined, ended);
    this.#sandboxes++;
  }

  /** All of them, and a last one. */
  with(last: LaunchResult): LaunchResult {
    return this.#joined === undefined
      ? last
      : this.#noted(join(this.#joined, last), this.#sandboxes);
  }

  /** @param before how many sandboxes ended before the last */
  #noted(joined: LaunchResult, before: number): LaunchResult {
    if (joined.audit === undefined || before === 0) return joined;
    const note = `The audit is of the last sandbox; ${before} ended before it, at snapshots or rollbacks.`;
    return { ...joined, notes: [...(joined.notes ?? []), note] };
  }

  /** Returns what is left of the limits that hold for all of them together. 0 would be no limit. */
  rest({ timeoutMs, cpuMs }: LimitsSpec): Pick<LimitsSpec, 'timeoutMs' | 'cpuMs'> {
    const usedMs = (this.#joined?.outcome.usage.cpuUs ?? 0) / 1000;
    const elapsedMs = monotonicMs() - this.#begunMs;
    return {
      timeoutMs:
        timeoutMs === undefined ? undefined : Math.max(1, Math.ceil(timeoutMs - elapsedMs)),
      cpuMs: cpuMs === undefined ? undefined : Math.max(1, Math.ceil(cpuMs - usedMs)),
    };
  }
}
