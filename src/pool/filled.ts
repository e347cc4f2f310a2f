/** Fills a pool and ends it: the same for sandboxes of one task each and for sessions. */
import { misuse, orNoLimit, UsageError } from '../errors/index.js';
import { aborted, onAbort } from '../launch/index.js';
import { Schedule, type ScheduleEnd, type Waiting } from './schedule.js';

export interface CloseOptions {
  /** Ends running tasks, too; they are rejected with an AbortError. @default false */
  readonly force?: boolean | undefined;
}

/** The bounds that a pool's caller sets for its size. */
export interface PoolBounds {
  readonly size?: number | undefined;
  readonly maxRunning?: number | undefined;
  readonly maxQueued?: number | undefined;
}

/**
 * @param max may be Infinity: then that is a value, too
 * @throws UsageError if the value is not a whole number from 1 to `max`
 */
function count(name: string, value: number | undefined, fallback: number, max: number): number {
  const chosen = value ?? fallback;
  if (chosen === max || (Number.isSafeInteger(chosen) && chosen >= 1 && chosen <= max)) {
    return chosen;
  }
  const to = max === Number.POSITIVE_INFINITY ? 'of at least 1, or Infinity' : `from 1 to ${max}`;
  throw new UsageError('ERR_OPTION_VALUE', `${name} must be a whole number ${to}`, {
    hint: `Got ${String(value)}.${max === Number.POSITIVE_INFINITY ? orNoLimit(name, value) : ''}`,
  });
}

export interface Filled<W extends Waiting> {
  readonly schedule: Schedule<W>;
  close(how?: CloseOptions): Promise<void>;
}

/**
 * Waits until the first one is ready.
 * @param running how many may be in use at a time: where the caller does not say, and at most
 * @param signal closes the pool with `force`, and rejects its tasks with an AbortError
 * @param release called once all of its sandboxes are gone
 */
export async function filledPool<W extends Waiting>(
  { size, maxRunning, maxQueued }: PoolBounds,
  running: { readonly fallback: number; readonly max: number },
  boot: (abort: AbortSignal) => Promise<W>,
  signal: AbortSignal | undefined,
  release: () => void = () => {},
): Promise<Filled<W>> {
  const schedule = new Schedule<W>({
    size: count('size', size, 2, 1024),
    maxRunning: count('maxRunning', maxRunning, running.fallback, running.max),
    maxQueued: count('maxQueued', maxQueued, 1024, Number.POSITIVE_INFINITY),
    boot,
    firstDelayMs: 200,
    maxDelayMs: 30_000,
  });
  const end = async (how: ScheduleEnd): Promise<void> => {
    unwatch();
    await schedule.close(how).finally(release);
  };
  const unwatch = onAbort(signal, () => {
    end({ signal }).catch(() => {}); // a caller that closes it, too, is told
  });
  const close = async (how: CloseOptions = {}): Promise<void> => {
    if (typeof how !== 'object' || how === null) {
      throw misuse('pool.close(options): options must be an object, such as { force: true }');
    }
    await end({ force: how.force ?? false });
  };
  try {
    await schedule.warm();
    if (signal?.aborted) throw aborted(signal);
  } catch (error) {
    await close();
    throw signal?.aborted ? aborted(signal) : error;
  }
  return { schedule, close };
}
