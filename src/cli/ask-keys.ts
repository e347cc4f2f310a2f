/**
 * Single keys from a terminal, as answers to a question. Not taken for a key: what was
 * typed before, or is typed on while the question appears; what is pasted; and what the terminal
 * itself sends (mouse, focus, replies to a program that asked it something), part of which the
 * program may have chosen.
 */

/** Milliseconds of silence before a key counts. */
export const silenceMs = 300;

/** Milliseconds in which nothing is allowed by a question that took the place of another. */
export const exchangedMs = 2000;

/**
 * Returns from when on a question that appears now may allow something. The program decides when a question is
 * withdrawn, by ending the process that waits, and which one comes next: a key that was meant for the one before must
 * not allow that.
 * @param withdrawn when the last question that was shown was withdrawn, on the same clock
 */
export const allowsFrom = (appears: number, withdrawn: number | undefined): number =>
  withdrawn !== undefined && appears - withdrawn < exchangedMs ? appears + exchangedMs : appears;

type State = 'ground' | 'escape' | 'control' | 'string' | 'string-end' | 'single' | 'mouse';

const ESC = 0x1b;

export class KeyReader {
  readonly #onKey: (key: string) => void;
  readonly #now: () => number;
  #last: number;
  #state: State = 'ground';
  #mouse = 0;
  #first = true;

  constructor(onKey: (key: string) => void, now: () => number = () => performance.now()) {
    this.#onKey = onKey;
    this.#now = now;
    this.#last = now();
  }

  /** Bytes as the terminal gave them, together what came together. */
  take(chunk: Uint8Array): void {
    const now = this.#now();
    const quiet = now - this.#last >= silenceMs;
    this.#last = now;
    // The Escape key by itself; a reply would have gone on at once.
    if (quiet && this.#state === 'escape') this.#state = 'ground';
    const before = this.#state;
    for (const byte of chunk) this.#step(byte);
    const [key] = chunk;
    if (!quiet || before !== 'ground' || chunk.length !== 1 || key === undefined || key === ESC) {
      return;
    }
    this.#onKey(String.fromCharCode(key));
  }

  #step(byte: number): void {
    switch (this.#state) {
      case 'ground':
        if (byte === ESC) this.#state = 'escape';
        return;
      case 'escape':
        this.#state = afterEscape(byte);
        this.#first = true;
        return;
      case 'control':
        // The oldest form of a mouse report: three bytes of any value behind it.
        if (this.#first && byte === 0x4d) {
          this.#state = 'mouse';
          this.#mouse = 3;
        } else if (byte >= 0x40 && byte <= 0x7e) this.#state = 'ground';
        else if (byte === ESC) this.#state = 'escape';
        this.#first = false;
        return;
      case 'mouse':
        this.#mouse -= 1;
        if (this.#mouse === 0) this.#state = 'ground';
        return;
      case 'string':
        if (byte === ESC) this.#state = 'string-end';
        else if (byte === 0x07) this.#state = 'ground';
        return;
      case 'string-end':
        this.#state = byte === 0x5c ? 'ground' : 'string';
        return;
      default:
        this.#state = 'ground';
    }
  }
}

function afterEscape(byte: number): State {
  if (byte === 0x5b) return 'control'; // [
  if (byte === 0x4f) return 'single'; // O
  if ([0x50, 0x58, 0x5d, 0x5e, 0x5f].includes(byte)) return 'string'; // P X ] ^ _
  return byte === ESC ? 'escape' : 'ground';
}
