/** How a program of a session ended, as plain data. */
import type { CollectedOutput } from '../launch/index.js';
import { type Denial, type EndResult, endingWords, endResult } from '../report/index.js';
import { plain } from '../text/index.js';
import type { ProgramEnd } from './connection.js';

/**
 * How a program ended. Its failure is a result, not an error. A limit that ended it is one of its own, or `file-size`,
 * which may be the session's; other limits of the session end that.
 */
export interface ExecEnd extends EndResult {
  /** Wall time from its execution to its end, in milliseconds. */
  readonly durationMs: number;
  /** Processor time of it and of the children that it waited for, in milliseconds. */
  readonly cpuMs: number;
  /** Largest resident set of one of them, in bytes. */
  readonly maxRssBytes: number;
}

export interface ExecResult extends ExecEnd, CollectedOutput {
  /**
   * Lists what was denied while it ran, to any program of the session, at most 100 different ones. Destinations that
   * network rules refuse are among them with the option `ask` of `createSession`; without it, the end of the
   * session tells them.
   */
  readonly denied: readonly Denial[];
}

/** Returns the signal of a wait status; 0 where none ended it: wait(2). */
export const signalOf = (status: number): number => status & 0x7f;

export function execEnd(end: ProgramEnd, startedNs: number, timedOut: boolean): ExecEnd {
  const signal = signalOf(end.status);
  const exitCode = (end.status >> 8) & 0xff;
  // A program that ended by itself was not ended by a limit.
  const limit = signal === 0 ? 0 : end.limit;
  return plain({
    ...endResult(endingWords({ exitCode, signal, timedOut, limit })),
    durationMs: Math.max(0, end.timeNs - startedNs) / 1e6,
    cpuMs: (end.userUs + end.systemUs) / 1000,
    maxRssBytes: end.maxRssKib * 1024,
  });
}
