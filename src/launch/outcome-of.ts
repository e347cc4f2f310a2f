/** How the program ended whose run ended with an error of wasbox's own: that does not take the place of its status. */
import type { NativeOutcome } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';

/** How a program ended, and what was to become of its changes. */
export interface EndedBefore {
  readonly outcome: NativeOutcome;
  readonly changes: SandboxSpec['changes'];
}

const outcomes = new WeakMap<object, EndedBefore>();

/** Notes it, where the program has run to its end. Returns the error. */
export function withOutcome(
  error: unknown,
  outcome: NativeOutcome,
  { changes }: Pick<SandboxSpec, 'changes'>,
): unknown {
  if (outcome.kind === 'ended' && typeof error === 'object' && error !== null)
    outcomes.set(error, { outcome, changes });
  return error;
}

export const outcomeOf = (error: unknown): EndedBefore | undefined =>
  typeof error === 'object' && error !== null ? outcomes.get(error) : undefined;
