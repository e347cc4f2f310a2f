/** How a program ended, in the words of reports and results: the same for a run and for a program of a session. */
import { constants } from 'node:os';
import type { NativeOutcome } from '../native/index.js';
import { limitThatEnded } from './limits.js';
import type { EndedReport, EndKind, LimitName } from './types.js';

/** A signal's name; `SIG34` for one without. */
export type SignalName = NodeJS.Signals | `SIG${number}`;

export function signalName(signal: number): SignalName {
  const known = Object.entries(constants.signals).find(([, number]) => number === signal);
  return (known?.[0] ?? `SIG${signal}`) as SignalName;
}

/** An ending as properties of a result. */
export interface EndResult {
  /** The end in one word: `exited`, `signaled`, `timeout` for a time limit, or `limit` for another limit. */
  readonly outcome: EndKind;
  /** The limit that ended it, for instance `memory`; undefined where none did. */
  readonly limit: LimitName | undefined;
  /** Exit status, or `undefined` where a signal ended it. */
  readonly exitCode: number | undefined;
  /** Name of the signal that ended it, for instance `SIGSEGV`; `SIG34` of one without a name. */
  readonly signal: SignalName | undefined;
  /** True if a time limit ended it. */
  readonly timedOut: boolean;
}

/** The status that timeout(1) and docker-run(1) have. */
const timeoutStatus = 124;
/** 128 + SIGKILL. */
const limitStatus = 137;

/** The exit status of the command that ran it: one for each limit, however the program ended. */
export function exitStatus({
  limit,
  exitCode = 0,
  signal,
}: {
  readonly limit?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
}): number {
  if (limit !== undefined) return ['timeout', 'cpu'].includes(limit) ? timeoutStatus : limitStatus;
  if (signal === undefined) return exitCode;
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? Number(signal.slice('SIG'.length)));
}

/** How a program ended, by numbers. */
export interface Ending {
  readonly exitCode: number;
  /** 0 where none ended it. */
  readonly signal: number;
  readonly timedOut: boolean;
  /** WB_LIMIT_* that ended it, or 0. */
  readonly limit: number;
  /** It was killed after a second interrupt. @default false */
  readonly interrupted?: boolean | undefined;
}

/** An ending in words. */
type EndingWords = EndedReport['outcome'] & { readonly signal?: SignalName };

export function endingWords(ending: Ending): EndingWords {
  const { signal, timedOut, interrupted } = ending;
  const limit = timedOut ? 'timeout' : limitThatEnded(ending.limit, signal);
  const plain = signal === 0 ? { exitCode: ending.exitCode } : { signal: signalName(signal) };
  const status = exitStatus({ limit, ...plain });
  if (limit !== undefined) {
    return { kind: limit === 'timeout' ? 'timeout' : 'limit', limit, ...plain, status };
  }
  if (interrupted === true) return { kind: 'signaled', interrupted: true, ...plain, status };
  return { kind: signal === 0 ? 'exited' : 'signaled', ...plain, status };
}

export const reportOutcome = (outcome: NativeOutcome): EndingWords =>
  endingWords({ ...outcome, limit: outcome.usage.limit });

export const endResult = ({ kind, limit, exitCode, signal }: EndingWords): EndResult => ({
  outcome: kind,
  limit,
  exitCode,
  signal,
  timedOut: kind === 'timeout',
});
