/** Timers of any length: setTimeout fires at once for more than 24.8 days. */

/** The longest time of one setTimeout. */
const onceMs = 2 ** 31 - 1;

export interface Timer {
  clear(): void;
  /** It keeps the process no longer. */
  unref(): Timer;
}

/** Calls once after the time; never after Infinity. @param ms milliseconds from now on */
export function after(ms: number, call: () => void): Timer {
  const endsAt = performance.now() + ms;
  let timer: NodeJS.Timeout | undefined;
  let keeps = true;
  const wait = (leftMs: number): void => {
    timer = setTimeout(next, Math.min(leftMs, onceMs));
    if (!keeps) timer.unref();
  };
  const next = (): void => {
    const leftMs = endsAt - performance.now();
    if (leftMs >= 1) wait(leftMs);
    else call();
  };
  if (ms !== Number.POSITIVE_INFINITY) wait(ms);
  const own: Timer = {
    clear: () => clearTimeout(timer),
    unref() {
      keeps = false;
      timer?.unref();
      return own;
    },
  };
  return own;
}
