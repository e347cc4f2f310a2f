/** The event loop of the engine: timers, signals, descriptors, and what other threads have to say. */
import { machine } from './machine.js';

interface Timer {
  at: number;
  readonly run: () => void;
  referenced: boolean;
}

const timers = new Set<Timer>();
const watched = new Map<number, () => void>();
const handlers = new Map<number, () => void>();

const nowMs = (): number => Number(machine.system.now() / 1_000n) / 1000;

export class TimerHandle {
  readonly timer: Timer;

  constructor(timer: Timer) {
    this.timer = timer;
  }
  unref(): this {
    this.timer.referenced = false;
    return this;
  }
  ref(): this {
    this.timer.referenced = true;
    return this;
  }
}

export function setTimer(run: () => void, ms = 0): TimerHandle {
  const timer = { at: nowMs() + ms, run, referenced: true };
  timers.add(timer);
  return new TimerHandle(timer);
}

export function clearTimer(handle: TimerHandle | undefined): void {
  if (handle !== undefined) timers.delete(handle.timer);
}

/** Has `ready` called whenever the descriptor can be read. */
export const watch = (fd: number, ready: () => void): void => void watched.set(fd, ready);
export const unwatch = (fd: number): void => void watched.delete(fd);

/** Has `run` called for a signal, in place of what it does else. */
export function onSignal(signal: number, run: (() => void) | undefined): void {
  if (run === undefined) handlers.delete(signal);
  else handlers.set(signal, run);
  machine.loop.catchSignal(signal, run !== undefined);
}

const isWaiting = (): boolean =>
  machine.loop.held() || watched.size > 0 || [...timers].some(({ referenced }) => referenced);

function runTimers(): void {
  const now = nowMs();
  for (const timer of [...timers].sort((a, b) => a.at - b.at)) {
    if (timer.at > now) return;
    if (!timers.delete(timer)) continue;
    timer.run();
    machine.loop.jobs();
  }
}

/** Runs until there is nothing to wait for. */
export function runLoop(): void {
  machine.loop.jobs();
  while (isWaiting()) {
    const next = Math.min(...[...timers].map(({ at }) => at));
    const timeout = Number.isFinite(next) ? Math.max(0, Math.ceil(next - nowMs())) : -1;
    const descriptors = [...watched.keys()];
    for (const came of machine.loop.wait(timeout, descriptors)) {
      const run = came < 0 ? handlers.get(-came) : watched.get(descriptors[came] ?? -1);
      run?.();
      machine.loop.jobs();
    }
    runTimers();
  }
}
