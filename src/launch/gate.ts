/**
 * How many runs of this process go on at a time. A program may ask for thousands at once: more than
 * the processors can work at would only take descriptors, memory and the time of the event loop.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { meansNoLimit, UsageError } from '../errors/index.js';
import { aborted, onAbort } from './abort.js';

/** First come, first served. */
export class Gate {
  #limit: number | (() => number);
  #inside = 0;
  readonly #waiting = new Set<() => void>();

  /** @param limit or what says it when it is needed first */
  constructor(limit: number | (() => number)) {
    this.#limit = limit;
  }

  get limit(): number {
    if (typeof this.#limit === 'function') this.#limit = this.#limit();
    return this.#limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.#admit();
  }

  /**
   * Fulfilled with what is to be called at the end, as soon as there is room.
   * @throws AbortError where the signal is aborted before
   */
  async enter(signal: AbortSignal | undefined): Promise<() => void> {
    if (this.#inside >= this.limit || this.#waiting.size > 0) await this.#wait(signal);
    else this.#inside++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#inside--;
      this.#admit();
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const stay = onAbort(signal, () => {
        this.#waiting.delete(enter);
        if (signal) reject(aborted(signal));
      });
      const enter = (): void => {
        stay();
        resolve();
      };
      this.#waiting.add(enter);
    });
  }

  #admit(): void {
    for (const enter of this.#waiting) {
      if (this.#inside >= this.limit) return;
      this.#waiting.delete(enter);
      this.#inside++;
      enter();
    }
  }
}

/** Descriptors of this process that a run takes while it begins, and what else it may need them for. */
const takenByRun = 24;
const takenByOthers = 40;

/** The gate of all `run()` calls of this thread. */
export const gate = new Gate(() => {
  const room = Math.max(1, Math.floor((mostOpenFiles() - takenByOthers) / takenByRun));
  const { availableParallelism } = process.getBuiltinModule('node:os');
  return Math.min(room, Math.max(16, 4 * availableParallelism()));
});

/** Milliseconds for which a run waits for descriptors, and between two looks. */
const longestWaitMs = 2000;
const lookMs = 5;

/**
 * Fulfilled when there are descriptors for one more run, where this process may open few: a run's result is there before
 * the kernel has let go of its mounts, and until then a thread holds its directory open. What else is open may stay
 * so: then this ends after two seconds, and the run tells what it lacks.
 */
export async function descriptorsFree(): Promise<void> {
  const most = mostOpenFiles();
  const isTight = most < takenByOthers + 2 * gate.limit * takenByRun;
  // A caller who set no limit is not made to wait.
  if (!isTight || gate.limit === Number.POSITIVE_INFINITY) return;
  const until = performance.now() + longestWaitMs;
  while (openFiles() + takenByRun > most && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, lookMs));
}

/** How many descriptors this process has open; without end where none is left to look with. */
function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length - 1;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EMFILE' ? Number.POSITIVE_INFINITY : 0;
  }
}

let limitOfFiles: number | undefined;

/** RLIMIT_NOFILE when it was first needed, as proc_pid_limits(5) shows it: Node has no call for it. */
function mostOpenFiles(): number {
  if (limitOfFiles !== undefined) return limitOfFiles;
  limitOfFiles = Number.POSITIVE_INFINITY;
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    limitOfFiles = Number(/^Max open files +(\d+) /m.exec(limits)?.[1] ?? limitOfFiles);
  } catch {
    // Nothing is known of it, so that only the processors count.
  }
  return limitOfFiles;
}

/**
 * How many `run()` calls of this thread go on at a time; further ones wait for their turn, in the order
 * of the calls. Time limits count from the start of the sandbox. `spawn()` and pools are not counted.
 * @param count a whole number, or Infinity
 * @default 4 per processor, at least 16; fewer where this process may open few files
 * @throws UsageError for any other value
 */
export function setMaxConcurrency(count: number): void {
  if (count !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(count) && count >= 1)) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      `setMaxConcurrency: expected a whole number of at least 1, or Infinity, got ${String(count)}`,
      meansNoLimit(count) ? { hint: 'For no limit: setMaxConcurrency(Infinity)' } : {},
    );
  }
  gate.limit = count;
}

const turns: (() => void)[] = [];
let taken = false;

/** Fulfilled at once, or in a later turn of the event loop if this turn is already taken. */
export function turn(): Promise<void> {
  if (taken) {
    return new Promise((resolve) => {
      turns.push(resolve);
    });
  }
  taken = true;
  setImmediate(nextTurn);
  return Promise.resolve();
}

function nextTurn(): void {
  const next = turns.shift();
  taken = next !== undefined;
  if (next === undefined) return;
  setImmediate(nextTurn);
  next();
}
