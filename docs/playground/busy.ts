/** Playground. Whether the core is at work, for how long, and the button that ends it. */
import { byId } from './dom.js';
import { showWork } from './state.js';

/** Milliseconds after which the page offers to cancel. */
const patience = 600;
/** Milliseconds after which a newer text may cancel work for an older one. */
const tooLong = 1000;

export class Busy {
  readonly #button = byId<HTMLButtonElement>('cancel');
  #running = 0;
  #since = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onCancel: () => void, onAgain: () => void) {
    this.#button.addEventListener('click', () => {
      if (this.#running > 0) onCancel();
      else onAgain();
    });
  }

  /** Returns whether something has run for longer than a pause in typing. */
  get long(): boolean {
    return this.#running > 0 && performance.now() - this.#since > tooLong;
  }

  async during<T>(work: Promise<T>): Promise<T> {
    this.#begin();
    this.#running++;
    try {
      return await work;
    } finally {
      this.#running--;
      if (this.#running > 0) this.#begin();
      else this.#end();
    }
  }

  /** Each piece of work gets the same time. */
  #begin(): void {
    this.#since = performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => showWork(true), patience);
  }

  #end(): void {
    clearTimeout(this.#timer);
    showWork(false);
  }
}
