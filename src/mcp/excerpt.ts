/** The beginning and the end of what a program writes: the end is where it says what went wrong. */

/** Bytes of a stream that are kept while it is written, so that either stream may have the whole answer. */
interface Kept {
  head: Buffer;
  /** The latest chunks; together at least as much as is asked for, where there is so much. */
  tail: Buffer[];
  tailBytes: number;
}

export class Excerpt {
  readonly #limit: number;
  readonly #kept: Kept = { head: Buffer.alloc(0), tail: [], tailBytes: 0 };
  #bytes = 0;

  /** @param limit bytes that {@link text} may be asked for at most */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that were written. */
  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Uint8Array): void {
    const kept = this.#kept;
    this.#bytes += chunk.length;
    const room = this.#limit - kept.head.length;
    if (room > 0) kept.head = Buffer.concat([kept.head, chunk.subarray(0, room)]);
    const rest = chunk.subarray(Math.max(room, 0));
    if (rest.length === 0) return;
    kept.tail.push(Buffer.from(rest.subarray(-this.#limit)));
    kept.tailBytes += Math.min(rest.length, this.#limit);
    while (kept.tailBytes - (kept.tail[0]?.length ?? 0) >= this.#limit)
      kept.tailBytes -= kept.tail.shift()?.length ?? 0;
  }

  /**
   * Returns a text of at most so many bytes, but for the line about what is left out. Cut between lines where one ends
   * in the last quarter of a part, and never within a character.
   * @param how what to do to get the rest
   */
  text(limit: number, how: string): string {
    const all = Buffer.concat([this.#kept.head, ...this.#kept.tail]);
    if (this.#bytes <= Math.min(limit, this.#limit)) return all.toString('utf8');
    const half = Math.floor(Math.min(limit, this.#limit) / 2);
    const head = all.subarray(0, headEnd(all, half));
    const tail = all.subarray(tailStart(all, all.length - half));
    const left = this.#bytes - head.length - tail.length;
    return `${head.toString('utf8')}\n[… ${left} bytes left out. ${how}]\n${tail.toString('utf8')}`;
  }
}

/** Returns an excerpt of so many bytes as JSON, in which a byte that is no text takes six. */
export function jsonExcerpt(excerpt: Excerpt, limit: number, how: string): string {
  const text = excerpt.text(limit, how);
  const size = Buffer.byteLength(JSON.stringify(text));
  const room = limit + how.length + 100;
  return size <= room ? text : excerpt.text(Math.floor((limit * limit) / size), how);
}

const isWithinCharacter = (byte: number | undefined): boolean =>
  byte !== undefined && (byte & 0xc0) === 0x80;

function headEnd(bytes: Buffer, limit: number): number {
  const line = bytes.lastIndexOf(10, limit - 1);
  if (line >= limit * 0.75) return line + 1;
  let end = limit;
  while (end > 0 && isWithinCharacter(bytes[end])) end--;
  return end;
}

function tailStart(bytes: Buffer, from: number): number {
  const line = bytes.indexOf(10, from);
  if (line >= 0 && line - from <= (bytes.length - from) * 0.25) return line + 1;
  let start = from;
  while (start < bytes.length && isWithinCharacter(bytes[start])) start++;
  return start;
}
