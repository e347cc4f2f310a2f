/** How a program of a session ended, as plain data. */
import type { CollectedOutput } from '../launch/index.js';
import { type Denial, type EndKind, type LimitName, limitThatEnded } from '../report/index.js';
import type { ProgramEnd } from './connection.js';
import { decodeStatus } from './exec.js';

/** How a program ended. Its failure is a result, not an error. */
export interface ExecEnd {
  /** In one word: `exited`, `signaled`, `timeout` for its own time limit, or `limit` for another of its own. */
  readonly outcome: EndKind;
  /**
   * The limit that ended it: one of its own, or `file-size`, which may be the session's. Other limits of the
   * session end that.
   */
  readonly limit: LimitName | undefined;
  /** Exit status, or `undefined` where a signal ended it. */
  readonly exitCode: number | undefined;
  /** Name of the signal that ended it, for instance `SIGSEGV`. */
  readonly signal: NodeJS.Signals | undefined;
  /** Whether its own time limit ended it. */
  readonly timedOut: boolean;
  /** Wall time from its execution to its end, in milliseconds. */
  readonly durationMs: number;
  /** Processor time of it and of the children that it waited for, in milliseconds. */
  readonly cpuMs: number;
  /** Largest resident set of one of them, in bytes. */
  readonly maxRssBytes: number;
}

export interface ExecResult extends ExecEnd, CollectedOutput {
  /**
   * What was denied while it ran, to any program of the session; empty without the option `ask` of
   * `createSession`. At most 100 different ones.
   */
  readonly denied: readonly Denial[];
}

/** Which limit ended a program. A program that ended by itself was not ended by one. */
function limitOf({ status, limit }: ProgramEnd, timedOut: boolean): LimitName | undefined {
  if (timedOut) return 'timeout';
  const signal = status & 0x7f;
  return signal === 0 ? undefined : limitThatEnded(limit, signal);
}

export function execEnd(end: ProgramEnd, startedNs: number, timedOut: boolean): ExecEnd {
  const { exitCode, signal } = decodeStatus(end.status);
  const limit = limitOf(end, timedOut);
  const plain = signal === undefined ? 'exited' : 'signaled';
  return {
    outcome: limit === undefined ? plain : limit === 'timeout' ? 'timeout' : 'limit',
    limit,
    exitCode,
    signal,
    timedOut,
    durationMs: Math.max(0, end.timeNs - startedNs) / 1e6,
    cpuMs: (end.userUs + end.systemUs) / 1000,
    maxRssBytes: end.maxRssKib * 1024,
  };
}
