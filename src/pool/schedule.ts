/**
 * Decides which sandbox gets which task, and when another is made ready: plain bookkeeping, so that it can be tested
 * without a sandbox.
 */
import { LaunchError, type WasboxError } from '../errors/index.js';
import { aborted, onAbort } from '../launch/index.js';

/** A waiting sandbox: made by `boot`, given one job, or discarded. */
export interface Waiting {
  /** Fulfilled when it has ended; never rejected. */
  readonly gone: Promise<void>;
  /**
   * Ends it, whatever it does.
   * @param cause of the AbortError that its job is rejected with
   */
  discard(cause?: unknown): void;
}

/** How a schedule is closed. */
export interface ScheduleEnd {
  /** Ends what runs, too. @default false */
  readonly force?: boolean | undefined;
  /** A signal that was aborted: ends what runs, too, and rejects all jobs with an AbortError. */
  readonly signal?: AbortSignal | undefined;
}

export interface PoolState {
  /** Sandboxes that wait for a task. */
  readonly ready: number;
  /** Sandboxes that are being made ready. */
  readonly booting: number;
  /** Tasks that run. */
  readonly running: number;
  /** Tasks that wait for a sandbox. */
  readonly queued: number;
  /** How often in a row a sandbox could not be made ready. */
  readonly failures: number;
}

export interface ScheduleOptions<W extends Waiting> {
  readonly size: number;
  readonly maxRunning: number;
  readonly maxQueued: number;
  /** Makes one ready; `abort` says that it is not wanted any more. */
  readonly boot: (abort: AbortSignal) => Promise<W>;
  /** Milliseconds to wait after the first failure; doubled by each, up to `maxDelayMs`. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

interface Job<W> {
  readonly use: (waiting: W) => Promise<void>;
  readonly fail: (error: unknown) => void;
}

/** Milliseconds that a task has the machine to itself before the next sandbox is made. */
const refillDelayMs = 3;

export class Schedule<W extends Waiting> {
  readonly #options: ScheduleOptions<W>;
  readonly #ready: W[] = [];
  readonly #queue = new Set<Job<W>>();
  readonly #running = new Map<Promise<void>, W>();
  readonly #booting = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  #failures = 0;
  #error: unknown;
  #timer: NodeJS.Timeout | undefined;
  #refill: NodeJS.Timeout | undefined;
  /** Makes the error for jobs that come after it was closed. */
  #refusal: (() => WasboxError) | undefined;

  constructor(options: ScheduleOptions<W>) {
    this.#options = options;
  }

  get state(): PoolState {
    return {
      ready: this.#ready.length,
      booting: this.#booting.size,
      running: this.#running.size,
      queued: this.#queue.size,
      failures: this.#failures,
    };
  }

  /** Fulfilled when the first sandbox is ready; rejected with what kept it from that. */
  async warm(): Promise<void> {
    this.#fill();
    await Promise.race(this.#booting);
    if (this.#failures > 0) throw this.#error;
  }

  /** Runs `use` with a sandbox of its own as soon as there is one. */
  run<T>(use: (waiting: W) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (this.#refusal) return Promise.reject(this.#refusal());
    if (signal?.aborted) return Promise.reject(aborted(signal));
    if (this.#queue.size >= this.#options.maxQueued) {
      return Promise.reject(
        new LaunchError(
          'ERR_POOL_FULL',
          `the pool's queue is full: ${this.#queue.size} tasks are waiting`,
          {
            hint: 'Wait for some of them, or create the pool with a larger maxQueued or maxRunning.',
          },
        ),
      );
    }
    return new Promise<T>((resolve, reject) => {
      const job: Job<W> = {
        use: async (waiting) => {
          unwatch();
          await use(waiting).then(resolve, reject);
        },
        fail: (error) => {
          unwatch();
          reject(error);
        },
      };
      const unwatch = onAbort(signal, () => {
        if (signal && this.#queue.delete(job)) reject(aborted(signal));
      });
      this.#queue.add(job);
      this.#timer?.ref();
      this.#assign();
    });
  }

  /** Ends what waits, refuses what is queued, and waits for what runs. */
  async close({ force = false, signal }: ScheduleEnd = {}): Promise<void> {
    const refusal = signal === undefined ? closed : () => aborted(signal);
    this.#refusal ??= refusal;
    this.#abort.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#refill);
    for (const job of this.#queue) job.fail(refusal());
    this.#queue.clear();
    const waiting = this.#ready.splice(0);
    for (const one of waiting) one.discard();
    const cause = signal === undefined ? closed() : signal.reason;
    if (force || signal) for (const one of this.#running.values()) one.discard(cause);
    await Promise.all([
      ...this.#running.keys(),
      ...this.#booting,
      ...waiting.map(({ gone }) => gone),
    ]);
  }

  #assign(): void {
    for (const job of this.#queue) {
      if (this.#running.size >= this.#options.maxRunning) break;
      const waiting = this.#ready.shift();
      if (waiting === undefined) break;
      this.#queue.delete(job);
      this.#failures = 0;
      const done = job.use(waiting).finally(() => {
        this.#running.delete(done);
        this.#assign();
      });
      this.#running.set(done, waiting);
    }
    this.#fillSoon();
  }

  #fillSoon(): void {
    if (this.#queue.size > 0 || this.#ready.length === 0) {
      clearTimeout(this.#refill);
      this.#refill = undefined;
      this.#fill();
    } else if (this.#refill === undefined) {
      this.#refill = setTimeout(() => {
        this.#refill = undefined;
        this.#fill();
      }, refillDelayMs).unref();
    }
  }

  #fill(): void {
    if (this.#timer !== undefined || this.#refusal) return;
    const { size, maxRunning } = this.#options;
    // More than `size` only for tasks that could run at once.
    const free = Math.min(this.#queue.size, maxRunning - this.#running.size);
    const wanted = Math.max(size, free);
    while (this.#ready.length + this.#booting.size < wanted) this.#boot();
  }

  #boot(): void {
    const done: Promise<void> = this.#options
      .boot(this.#abort.signal)
      .then(
        (waiting) => this.#take(waiting),
        (error: unknown) => this.#fail(error),
      )
      .finally(() => this.#booting.delete(done));
    this.#booting.add(done);
  }

  #take(waiting: W): void {
    if (this.#refusal) {
      waiting.discard();
      return;
    }
    this.#ready.push(waiting);
    void waiting.gone.then(() => {
      // It ended while it waited, by itself or killed from outside: the next one may, too.
      const index = this.#ready.indexOf(waiting);
      if (index < 0) return;
      this.#ready.splice(index, 1);
      this.#wait();
    });
    // It gets a task after it is counted as ready and no longer as booting.
    setImmediate(() => this.#assign());
  }

  /** Rejects waiting tasks at once; the pauses between tries grow. */
  #fail(error: unknown): void {
    if (this.#refusal) return;
    this.#error = error;
    for (const job of this.#queue) job.fail(error);
    this.#queue.clear();
    this.#wait();
  }

  #wait(): void {
    if (this.#refusal) return;
    this.#failures++;
    if (this.#timer !== undefined) return;
    const { firstDelayMs, maxDelayMs } = this.#options;
    const delay = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.#failures - 1, 20));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#fill();
    }, delay);
    this.#timer.unref();
  }
}

const closed = (): LaunchError =>
  new LaunchError('ERR_POOL_CLOSED', 'the pool is closed', {
    hint: 'Create another one with createPool().',
  });
