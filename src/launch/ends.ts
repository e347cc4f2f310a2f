/** Ends a program before its own end: its caller's signal, its time limit, a callback that failed, its pool. */
import { constants } from 'node:os';
import { after, type Timer } from '../time/index.js';
import { aborted, onAbort } from './abort.js';

const { SIGKILL, SIGTERM } = constants.signals;

/** Why it was stopped: the caller aborted it, or a callback or the input of the caller failed. */
export type Stop = 'aborted' | 'failed';

export class Ends {
  readonly #send: (signal: number) => void;
  #onStop: () => void = () => {};
  #why: Stop | undefined;
  #reason: unknown;
  #timedOut = false;
  #isOver = false;
  #signal: AbortSignal | undefined;
  readonly #takenBack: (() => void)[] = [];

  /** @param send sends a signal to the program, if it has started */
  constructor(send: (signal: number) => void) {
    this.#send = send;
  }

  /** Returns whether it is no success, whatever its status says. */
  get isStopped(): boolean {
    return this.#why !== undefined;
  }

  get hasTimedOut(): boolean {
    return this.#timedOut;
  }

  /** Calls back when it is stopped, which it may be already; not when its time is over. */
  whenStopped(call: () => void): void {
    this.#onStop = call;
    if (this.isStopped) call();
  }

  /**
   * Kills it. The first reason counts. What has ended by itself is no failure: then the callback alone is called.
   * @param reason of the AbortError
   */
  stop(why: Stop, reason?: unknown): void {
    if (!this.#isOver && this.#why === undefined) [this.#why, this.#reason] = [why, reason];
    this.#onStop();
    if (!this.#isOver) this.#send(SIGKILL);
  }

  /** Stops it when the signal is aborted, which it may be already. */
  abortWith(signal: AbortSignal | undefined): void {
    this.#signal = signal;
    const stop = (): void => this.stop('aborted', signal?.reason);
    this.#takenBack.push(onAbort(signal, stop));
    if (signal?.aborted) stop();
  }

  /** Calls back when its signal is aborted, also when it has ended. @returns takes it back */
  onAbort(call: () => void): () => void {
    return onAbort(this.#signal, call);
  }

  /** @param timeoutMs from now on until SIGTERM, then `graceMs` until SIGKILL; undefined or Infinity without a limit */
  timeOutAfter(timeoutMs: number | undefined, graceMs: number): void {
    if (timeoutMs === undefined) return;
    let timer: Timer = after(timeoutMs, () => {
      this.#timedOut = true;
      this.#send(SIGTERM);
      timer = after(graceMs, () => this.#send(SIGKILL));
    });
    this.#takenBack.push(() => timer.clear());
  }

  /** It has ended: nothing ends it any more. */
  over(): void {
    this.#isOver = true;
    for (const takeBack of this.#takenBack.splice(0)) takeBack();
  }

  /** @throws AbortError with what came of it, where it was aborted */
  throwIfAborted(result: unknown): void {
    if (this.#why === 'aborted') throw aborted({ reason: this.#reason }, result);
  }
}
