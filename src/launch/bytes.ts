/** Bytes that come in pieces, kept in large blocks: a piece of one byte takes hundreds by itself. */
const firstBlock = 512;
const largestBlock = 64 * 1024;
/** Pieces from this size on are kept as they came. */
const largePiece = 16 * 1024;

export class Bytes {
  readonly #whole: Uint8Array[] = [];
  #block = new Uint8Array(0);
  #used = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(piece: Uint8Array): void {
    this.#size += piece.length;
    if (piece.length >= largePiece) {
      this.#seal();
      this.#whole.push(piece);
      return;
    }
    if (piece.length > this.#block.length - this.#used) this.#newBlock(piece.length);
    this.#block.set(piece, this.#used);
    this.#used += piece.length;
  }

  /** Returns what came so far, in one piece. */
  join(): Uint8Array {
    this.#seal();
    const [only] = this.#whole;
    if (this.#whole.length > 1 || only === undefined) {
      const all = new Uint8Array(this.#size);
      let at = 0;
      for (const piece of this.#whole) {
        all.set(piece, at);
        at += piece.length;
      }
      this.#whole.splice(0, this.#whole.length, all);
      return all;
    }
    return only;
  }

  #newBlock(least: number): void {
    const twice = Math.min(largestBlock, Math.max(firstBlock, 2 * this.#block.length));
    this.#seal();
    this.#block = new Uint8Array(Math.max(least, twice));
  }

  #seal(): void {
    if (this.#used > 0) this.#whole.push(this.#block.subarray(0, this.#used));
    this.#block = new Uint8Array(0);
    this.#used = 0;
  }
}
