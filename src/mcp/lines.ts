/** Splits a stream that comes in pieces into lines, and bounds what waits. */
export class Lines {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** The pieces before this one contain no newline. */
  #searched = 0;

  /** @param maxBytes that may wait to be taken */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws if more would wait */
  append(piece: Buffer): void {
    if (this.#bytes + piece.length > this.#maxBytes) {
      this.clear();
      throw new Error(`a message of more than ${this.#maxBytes} bytes`);
    }
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** Takes the next line, if all of it is there. */
  next(): string | undefined {
    for (; this.#searched < this.#pieces.length; this.#searched++) {
      const piece = this.#pieces[this.#searched] ?? Buffer.alloc(0);
      const end = piece.indexOf(0x0a);
      if (end < 0) continue;
      const before = this.#pieces.slice(0, this.#searched);
      const line = Buffer.concat([...before, piece.subarray(0, end)]);
      this.#pieces.splice(0, this.#searched + 1, piece.subarray(end + 1));
      this.#searched = 0;
      this.#bytes -= line.length + 1;
      return line.toString();
    }
    return undefined;
  }

  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#searched = 0;
  }
}
