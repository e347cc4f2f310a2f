/** How the program ended whose run ended with an error of wasbox's own: that does not take the place of its status. */
import type { NativeOutcome } from '../native/index.js';

const outcomes = new WeakMap<object, NativeOutcome>();

/** Notes it, where the program has run to its end. Returns the error. */
export function withOutcome(error: unknown, outcome: NativeOutcome): unknown {
  if (outcome.kind === 'ended' && typeof error === 'object' && error !== null)
    outcomes.set(error, outcome);
  return error;
}

export const outcomeOf = (error: unknown): NativeOutcome | undefined =>
  typeof error === 'object' && error !== null ? outcomes.get(error) : undefined;
