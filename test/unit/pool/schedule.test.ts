import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Schedule, type Waiting } from '../../../src/pool/schedule.js';

class Fake implements Waiting {
  readonly id: number;
  used = 0;
  discarded = false;
  cause: unknown;
  end: () => void = () => {};
  readonly gone = new Promise<void>((resolve) => {
    this.end = resolve;
  });
  constructor(id: number) {
    this.id = id;
  }
  discard(cause?: unknown): void {
    this.discarded = true;
    this.cause = cause;
    this.end();
  }
}

const made: Fake[] = [];
let failing = false;
let boots = 0;

const make = (limits: Partial<{ size: number; maxRunning: number; maxQueued: number }> = {}) =>
  new Schedule<Fake>({
    size: 2,
    maxRunning: 2,
    maxQueued: 3,
    firstDelayMs: 100,
    maxDelayMs: 1000,
    ...limits,
    boot: async () => {
      boots++;
      if (failing) throw new Error('boot');
      const fake = new Fake(made.length);
      made.push(fake);
      return fake;
    },
  });

beforeEach(() => {
  vi.useFakeTimers();
  made.length = 0;
  boots = 0;
  failing = false;
});
afterEach(() => vi.useRealTimers());

/** A job that ends on demand. */
function job(schedule: Schedule<Fake>, signal?: AbortSignal) {
  let end: () => void = () => {};
  let used: Fake | undefined;
  const done = schedule.run((waiting) => {
    waiting.used++;
    used = waiting;
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  }, signal);
  done.catch(() => {});
  return { done, end: () => end(), used: () => used };
}

describe('a pool', () => {
  it('uses each sandbox once, and makes others for those that are used', async () => {
    const schedule = make();
    await schedule.warm();
    await vi.advanceTimersByTimeAsync(10);
    expect(schedule.state).toMatchObject({ ready: 2, booting: 0, running: 0 });
    for (let round = 0; round < 20; round++) {
      const one = job(schedule);
      await vi.advanceTimersByTimeAsync(10);
      one.end();
      await one.done;
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(made.every(({ used }) => used <= 1)).toBe(true);
    expect(made.filter(({ used }) => used === 1)).toHaveLength(20);
    expect(schedule.state).toMatchObject({ ready: 2, booting: 0, running: 0, queued: 0 });
  });

  it('never has more than its bounds, and queues the rest in order', async () => {
    const schedule = make({ maxRunning: 2, maxQueued: 3 });
    await schedule.warm();
    const jobs = Array.from({ length: 3 }, () => job(schedule));
    await vi.advanceTimersByTimeAsync(10);
    const more = [job(schedule), job(schedule)];
    await vi.advanceTimersByTimeAsync(10);
    expect(schedule.state).toMatchObject({ running: 2, queued: 3 });
    await expect(job(schedule).done).rejects.toMatchObject({ code: 'ERR_POOL_FULL' });
    expect(schedule.state.ready).toBeLessThanOrEqual(2);
    for (const one of [...jobs, ...more]) {
      await vi.advanceTimersByTimeAsync(10);
      one.end();
      await one.done;
    }
    expect(made.length).toBeLessThanOrEqual(5 + 2);
  });

  it('tells who waits when a sandbox cannot be made, and tries ever more seldom', async () => {
    const schedule = make();
    failing = true;
    await expect(schedule.warm()).rejects.toThrow('boot');
    await vi.advanceTimersByTimeAsync(60_000);
    // Two at once each time, at most every second in the end; without a delay, without end.
    expect(boots).toBeLessThan(2 * 70);
    const waits = job(schedule);
    await vi.advanceTimersByTimeAsync(2000);
    await expect(waits.done).rejects.toThrow('boot');
    failing = false;
    const served = job(schedule);
    await vi.advanceTimersByTimeAsync(2000);
    served.end();
    await served.done;
    expect(schedule.state.failures).toBe(0);
  });

  it('does not refill at once what ends while it waits', async () => {
    const schedule = make({ size: 1 });
    await schedule.warm();
    for (let round = 0; round < 100; round++) {
      made.at(-1)?.end();
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(boots).toBeLessThan(8);
  });

  it('takes an aborted task out of the queue', async () => {
    const schedule = make({ maxRunning: 1 });
    await schedule.warm();
    const first = job(schedule);
    await vi.advanceTimersByTimeAsync(10);
    const abort = new AbortController();
    const second = job(schedule, abort.signal);
    abort.abort(new Error('enough'));
    await expect(second.done).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(schedule.state.queued).toBe(0);
    first.end();
    await first.done;
    expect(second.used()).toBeUndefined();
  });

  it('closes: ends what waits, refuses what is queued, waits for what runs', async () => {
    const schedule = make({ maxRunning: 1 });
    await schedule.warm();
    const running = job(schedule);
    await vi.advanceTimersByTimeAsync(10);
    const queued = job(schedule);
    let closed = false;
    const closing = schedule.close().then(() => {
      closed = true;
    });
    await expect(queued.done).rejects.toMatchObject({ code: 'ERR_POOL_CLOSED' });
    await vi.advanceTimersByTimeAsync(100);
    expect(closed).toBe(false);
    running.end();
    await closing;
    expect(made.every(({ used, discarded }) => used === 1 || discarded)).toBe(true);
    await expect(job(schedule).done).rejects.toMatchObject({ code: 'ERR_POOL_CLOSED' });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(schedule.state).toMatchObject({ ready: 0, booting: 0, running: 0, queued: 0 });
  });

  it('closes by a signal: what runs, waits and comes later is rejected as aborted', async () => {
    const schedule = make({ maxRunning: 1 });
    await schedule.warm();
    const running = job(schedule);
    await vi.advanceTimersByTimeAsync(10);
    const queued = job(schedule);
    const reason = new Error('enough');
    const closing = schedule.close({ signal: AbortSignal.abort(reason) });
    const aborted = { name: 'AbortError', cause: reason };
    await expect(queued.done).rejects.toMatchObject(aborted);
    expect(running.used()).toMatchObject({ discarded: true, cause: reason });
    running.end();
    await closing;
    await schedule.close({ force: true });
    await expect(job(schedule).done).rejects.toMatchObject(aborted);
  });
});
