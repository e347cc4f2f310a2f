/**
 * The flags in a git index that hide changes of files (gitformat-index(5), versions 2 to 4, SHA-1 and
 * SHA-256).
 */

/** The flags of an entry, as git names them. */
export const indexFlagNames = ['assume-unchanged', 'skip-worktree', 'intent-to-add'] as const;

export interface GitIndex {
  /** Paths with flags (latin1): one bit for each of {@link indexFlagNames}. */
  readonly flagged: ReadonlyMap<string, number>;
  /** Signatures of its extensions. */
  readonly extensions: ReadonlySet<string>;
}

/** The first fields of each entry: times, inode, mode, owner and size. */
const statBytes = 40;
/** PATH_MAX. */
const maxName = 4096;
/** Lengths of object names. */
const hashLengths = [20, 32];

class Reader {
  readonly #bytes: Buffer;
  readonly #hash: number;
  #at = 12;

  constructor(bytes: Buffer, hash: number) {
    this.#bytes = bytes;
    this.#hash = hash;
  }

  /** @throws RangeError if it is not an index with object names of this length */
  read(): GitIndex {
    const version = this.#bytes.readUInt32BE(4);
    if (version < 2 || version > 4) throw new RangeError('version');
    const flagged = new Map<string, number>();
    let name: Buffer = Buffer.alloc(0);
    for (let left = this.#bytes.readUInt32BE(8); left > 0; left--) {
      const start = this.#at;
      this.#at += statBytes + this.#hash;
      const flags = this.#word();
      const extended = (flags & 0x4000) !== 0;
      if (extended && version < 3) throw new RangeError('flags');
      const more = extended ? this.#word() : 0;
      name = version === 4 ? this.#nameAfter(name) : this.#text();
      if (name.length === 0 || name.length > maxName) throw new RangeError('name');
      if (version !== 4) this.#pad(start);
      const bits =
        ((flags & 0x8000) === 0 ? 0 : 1) |
        ((more & 0x4000) === 0 ? 0 : 2) |
        ((more & 0x2000) === 0 ? 0 : 4);
      if (bits !== 0) flagged.set(name.toString('latin1'), bits);
    }
    return { flagged, extensions: this.#extensions() };
  }

  #word(): number {
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  /** A NUL-terminated string. */
  #text(): Buffer {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new RangeError('text');
    const text = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** One to eight NULs up to a multiple of eight; the first was already read. */
  #pad(start: number): void {
    const end = start + Math.ceil((this.#at - start) / 8) * 8;
    for (; this.#at < end; this.#at++) {
      if (this.#bytes.readUInt8(this.#at) !== 0) throw new RangeError('padding');
    }
  }

  /** Version 4: the number of bytes to remove from the previous name, and the suffix to add. */
  #nameAfter(last: Buffer): Buffer {
    let byte = this.#bytes.readUInt8(this.#at++);
    let gone = byte & 0x7f;
    while ((byte & 0x80) !== 0 && gone < maxName) {
      byte = this.#bytes.readUInt8(this.#at++);
      gone = (gone + 1) * 128 + (byte & 0x7f);
    }
    if (gone > last.length) throw new RangeError('name');
    return Buffer.concat([last.subarray(0, last.length - gone), this.#text()]);
  }

  #extensions(): Set<string> {
    const found = new Set<string>();
    const end = this.#bytes.length - this.#hash;
    while (this.#at < end) {
      found.add(this.#bytes.toString('latin1', this.#at, this.#at + 4));
      this.#at += 8 + this.#bytes.readUInt32BE(this.#at + 4);
    }
    if (this.#at !== end) throw new RangeError('extensions');
    return found;
  }
}

/** Returns whether a file starts like an index. */
export const looksLikeIndex = (bytes: Buffer): boolean => bytes.toString('latin1', 0, 4) === 'DIRC';

/** Reads git's index; undefined if it is not one or is damaged. */
export function parseIndex(bytes: Buffer): GitIndex | undefined {
  for (const length of hashLengths) {
    try {
      return new Reader(bytes, length).read();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return undefined;
}
