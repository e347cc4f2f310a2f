/** The last bytes of a stream, however much of it is kept: the end is where a program says what it lacked. */
import { concatBytes } from '../text/index.js';

/** Bytes that are kept. */
export const tailBytes = 16 * 1024;
const firstBlock = 512;

const lineEnd = new Uint8Array([10]);

/** Joins the ends of several streams, each with a line end, so that no word is of two of them. */
export const joinTails = (tails: readonly (Tail | undefined)[]): Uint8Array =>
  concatBytes(tails.flatMap((tail) => [tail?.bytes() ?? new Uint8Array(), lineEnd]));

export class Tail {
  /** Own memory: a piece of ten bytes may be a part of a large buffer, which it would keep. */
  #block = new Uint8Array(0);
  #used = 0;

  add(piece: Uint8Array): void {
    const part = piece.subarray(-tailBytes);
    if (part.length > this.#block.length - this.#used) this.#makeRoom(part.length);
    this.#block.set(part, this.#used);
    this.#used += part.length;
  }

  bytes(): Uint8Array {
    return this.#block.subarray(Math.max(0, this.#used - tailBytes), this.#used);
  }

  #makeRoom(size: number): void {
    const kept = this.bytes();
    const least = kept.length + size;
    const to =
      least <= this.#block.length
        ? this.#block
        : new Uint8Array(Math.min(2 * tailBytes, Math.max(firstBlock, 2 * least)));
    to.set(kept); // also within one block, whose parts may overlap
    this.#block = to;
    this.#used = kept.length;
  }
}
