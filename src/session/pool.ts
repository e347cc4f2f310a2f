/** `createPool`: sandboxes made ready beforehand, for one task each or as sessions. */
import { UsageError } from '../errors/index.js';
import { aborted, calledFrom, callSite } from '../launch/index.js';
import type { CloseOptions, Pool, PoolOptions, PoolState } from '../pool/index.js';
import type { Session } from './api.js';
import type { SessionOptions } from './options.js';
import type { OpenSession } from './session.js';

/** The options of each session, and how many wait. */
export interface SessionPoolOptions extends Omit<SessionOptions, 'timeoutMs' | 'continue'> {
  /** Holds sessions, not sandboxes for one task each. */
  readonly sessions: true;
  /**
   * How many sessions wait. Each takes the memory of its sandbox.
   * @default 2
   */
  readonly size?: number | undefined;
  /**
   * How many may be in use at a time.
   * @default 256
   */
  readonly maxRunning?: number | undefined;
  /**
   * How many calls of `take` may wait; one more is rejected with `ERR_POOL_FULL`.
   * @default 1024
   */
  readonly maxQueued?: number | undefined;
  /** Closes the pool when aborted, with `force`. */
  readonly signal?: AbortSignal | undefined;
}

/** Sessions made ready beforehand. Each is given away once, and another made in the background. */
export interface SessionPool extends AsyncDisposable {
  /**
   * A session in which nothing was executed. It is yours: close it.
   * @throws LaunchError `ERR_POOL_FULL`, `ERR_POOL_CLOSED`, and as `createSession`
   * @throws AbortError where this signal or the pool's is aborted before there is one
   */
  take(options?: { readonly signal?: AbortSignal | undefined }): Promise<Session>;
  /** How many wait, are in use and are waited for. */
  readonly state: PoolState;
  /** Ends what waits, refuses who waits for one, and waits until those in use are closed. */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Makes a pool, and waits until its first sandbox is ready.
 *
 * A waiting sandbox has everything a run has to itself: namespaces, /tmp, the layer over the working directory, a
 * report. It is given one task, and ends with it; with `sessions` it is a session that is taken. The working
 * directory is seen as it is when the task runs; what the host changes in it while a sandbox waits counts as changed
 * during the run. A program that does not close its pool still ends; what waits ends with it.
 *
 * @example
 * await using pool = await createPool({ lang: 'python', size: 4 });
 * const { stdout } = await pool.run('print(1 + 1)');
 *
 * @example
 * await using pool = await createPool({ sessions: true, size: 4 });
 * await using session = await pool.take();
 *
 * @throws UsageError where the options ask for something that cannot be
 * @throws LaunchError `ERR_POOL_BOOT` where what is to wait ends by itself, or is not ready in time
 */
export function createPool(options: SessionPoolOptions): Promise<SessionPool>;
export function createPool(options: PoolOptions): Promise<Pool>;
export function createPool(
  options: PoolOptions | SessionPoolOptions,
): Promise<Pool> | Promise<SessionPool> {
  const site = callSite(createPool);
  const rethrow = (error: unknown): never => {
    throw calledFrom(site, error);
  };
  if (!isOfSessions(options)) return createTaskPool(options).catch(rethrow);
  return create(options).catch(rethrow);
}

/** Pools are loaded when the first is made: few programs have one. */
const loadPools = () => import('../pool/index.js');

async function createTaskPool(options: PoolOptions): Promise<Pool> {
  const { createPool: create } = await loadPools();
  return create(options);
}

const isOfSessions = (options: unknown): options is SessionPoolOptions =>
  typeof options === 'object' &&
  options !== null &&
  (options as { readonly sessions?: unknown }).sessions !== undefined;

/** A session that waits until it is taken. */
class WaitingSession {
  readonly session: OpenSession;

  constructor(session: OpenSession) {
    this.session = session;
  }

  get gone(): Promise<void> {
    return this.session.over;
  }

  discard(): void {
    this.session.close().catch(() => {}); // its taker is told
  }
}

async function create({
  sessions,
  size,
  maxRunning,
  maxQueued,
  signal,
  idleMs,
  ...options
}: SessionPoolOptions): Promise<SessionPool> {
  if (sessions !== true) {
    throw new UsageError('ERR_OPTION_VALUE', 'sessions: expected true', {
      hint: 'Leave it out for a pool whose sandboxes have one task each.',
    });
  }
  for (const name of ['timeoutMs', 'continue'] as const) {
    if ((options as SessionOptions)[name] === undefined) continue;
    throw new UsageError('ERR_OPTION_UNKNOWN', `a pool of sessions has no option ${name}`, {
      hint: 'Sessions wait for no time that is known: use idleMs, or timeoutMs of session.exec().',
    });
  }
  if (signal?.aborted) throw aborted(signal);
  const { checkSession } = await import('./check.js');
  checkSession({ ...options, idleMs });
  const { openSession, pinImage } = await import('./open.js');
  const { filledPool } = await loadPools();
  const image = pinImage();
  const { schedule, close } = await filledPool(
    { size, maxRunning, maxQueued },
    { fallback: 256, max: 100_000 },
    async () => new WaitingSession(await openSession(options, { image })),
    signal,
    () => image.release(),
  );
  const take: SessionPool['take'] = (how = {}) => {
    const site = callSite(take);
    return new Promise<Session>((resolve, reject) => {
      const use = async ({ session }: WaitingSession): Promise<void> => {
        session.endIdleAfter(idleMs);
        resolve(session);
        await session.over;
      };
      schedule.run(use, how.signal).catch((error: unknown) => reject(calledFrom(site, error)));
    });
  };
  return {
    take,
    get state() {
      return schedule.state;
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
