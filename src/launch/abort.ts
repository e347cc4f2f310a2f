/** Handles an AbortSignal: what it does to runs, and the error of one that it ended. */
import { AbortError } from '../errors/index.js';

export const abortedMessage = 'the run was aborted';

/** @param result how the run ended, if it had started */
export const aborted = <Result>(
  signal: Pick<AbortSignal, 'reason'>,
  result?: Result,
): AbortError<Result> => new AbortError(abortedMessage, { cause: signal.reason, result });

/** The calls that wait for a signal. */
interface Waiting {
  readonly calls: Set<{ readonly call: () => void }>;
  readonly listener: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls back when the signal is aborted. Many runs may have one signal, and Node warns of a leak where it has
 * more than ten listeners: all of them share one.
 * @returns takes it back
 */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  if (signal === undefined) return () => {};
  const mine = { call };
  const { calls, listener } = waiting.get(signal) ?? begin(signal);
  calls.add(mine);
  return () => {
    if (!calls.delete(mine) || calls.size > 0) return;
    waiting.delete(signal);
    signal.removeEventListener('abort', listener);
  };
}

function begin(signal: AbortSignal): Waiting {
  const calls: Waiting['calls'] = new Set();
  const listener = (): void => {
    waiting.delete(signal);
    for (const { call } of calls) call();
    calls.clear();
  };
  const begun = { calls, listener };
  waiting.set(signal, begun);
  signal.addEventListener('abort', listener, { once: true });
  return begun;
}
