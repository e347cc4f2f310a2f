import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { after } from '../../../src/time/index.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const day = 24 * 3600 * 1000;

it.each([1, 500, 2 ** 31 - 1, 2 ** 31, 3_000_000_000, 365 * day])(
  'a timer of %i ms fires then, and once',
  (ms) => {
    const call = vi.fn();
    after(ms, call);
    vi.advanceTimersByTime(ms - 1);
    expect(call).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(call).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(2 * day);
    expect(call).toHaveBeenCalledTimes(1);
  },
);

it('a timer that was cleared does not fire, whenever that was', () => {
  const call = vi.fn();
  const timer = after(60 * day, call);
  vi.advanceTimersByTime(40 * day);
  timer.clear();
  vi.advanceTimersByTime(40 * day);
  expect(call).not.toHaveBeenCalled();
});

it('a timer without end takes none of the process', () => {
  after(Number.POSITIVE_INFINITY, () => expect.unreachable());
  expect(vi.getTimerCount()).toBe(0);
});
