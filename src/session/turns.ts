/** Decides who may use a session's sandbox, and when: programs side by side, and what needs it alone. */
import { LaunchError } from '../errors/index.js';
import { Gate } from '../launch/index.js';

/** Programs of one session at a time; further ones wait. Each takes three descriptors here. */
const maxPrograms = 64;

interface Watcher {
  /** @throws where the session takes no calls any more, or the signal is aborted */
  check(signal: AbortSignal | undefined): void;
  /** Something has begun, where nothing was. */
  work(): void;
  /** Nothing runs, and no call is under way. */
  rest(): void;
}

export class Turns {
  readonly #watcher: Watcher;
  readonly #gate = new Gate(maxPrograms);
  /** Fulfilled when nothing changes the sandbox under a program. */
  #change: Promise<unknown> = Promise.resolve();
  /** Programs that have a sandbox, and calls that use one. */
  #active = 0;
  /** The programs that run, and calls that wait. */
  #running = 0;

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** Fulfilled when what has the sandbox alone now is done. */
  get changed(): Promise<unknown> {
    return this.#change;
  }

  /** Calls `use` with a place among the programs that run at a time. */
  async with<T>(signal: AbortSignal | undefined, use: () => Promise<T>): Promise<T> {
    this.#watcher.check(signal);
    this.#hold(1);
    try {
      const leaveGate = await this.#gate.enter(signal);
      try {
        for (let seen: unknown; seen !== this.#change; ) {
          seen = this.#change;
          await seen;
        }
        this.#watcher.check(signal);
        this.#active++;
        try {
          return await use();
        } finally {
          this.#active--;
        }
      } finally {
        leaveGate();
      }
    } finally {
      this.#hold(-1);
    }
  }

  /** Where nothing else begins meanwhile. @param call that needs that no program runs */
  async alone<T>(call: string | undefined, use: () => Promise<T>): Promise<T> {
    this.#watcher.check(undefined);
    const before = this.#change;
    let done: () => void = () => {};
    this.#change = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.#hold(1);
    try {
      await before;
      this.#watcher.check(undefined);
      if (call !== undefined && this.#active > 0) throw busyError(call);
      return await use();
    } finally {
      done();
      this.#hold(-1);
    }
  }

  /** A program outlives the call that started it, until what is returned is called. */
  keep(): () => void {
    this.#hold(1);
    this.#active++;
    return () => {
      this.#active--;
      this.#hold(-1);
    };
  }

  #hold(change: 1 | -1): void {
    this.#running += change;
    if (this.#running === 0) this.#watcher.rest();
    else if (this.#running === 1 && change === 1) this.#watcher.work();
  }
}

const busyError = (call: string): LaunchError =>
  new LaunchError('ERR_SESSION_BUSY', `session.${call}: programs of the session are running`, {
    hint: 'Wait for them or end them: a snapshot holds files, not processes.',
  });
