/** Playground. Whether the core is at work, for how long, and the button that ends it. */
import { byId } from './dom.js';
import { showState } from './state.js';

/** Milliseconds after which somebody may want to give up. */
const patience = 600;
/** Milliseconds after which a newer text may end what runs for an older one. */
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

  /** Something runs for longer than anybody's typing pauses. */
  get long(): boolean {
    return this.#running > 0 && performance.now() - this.#since > tooLong;
  }

  async during<T>(work: Promise<T>): Promise<T> {
    if (this.#running++ === 0) {
      this.#since = performance.now();
      this.#timer = setTimeout(() => showState({ kind: 'working' }), patience);
    }
    try {
      return await work;
    } finally {
      if (--this.#running === 0) clearTimeout(this.#timer);
      else this.#since = performance.now();
    }
  }
}
