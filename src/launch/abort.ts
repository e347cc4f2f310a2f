/** The error of a run that its AbortSignal ended. */
import { AbortError } from '../errors/index.js';

export const abortedMessage = 'the run was aborted';

/** @param result how the run ended, if it had started */
export const aborted = <Result>(
  signal: Pick<AbortSignal, 'reason'>,
  result?: Result,
): AbortError<Result> => new AbortError(abortedMessage, { cause: signal.reason, result });
