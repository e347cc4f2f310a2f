/**
 * Lays structures of wire.h into one growing buffer. Numbers are host-endian, which
 * for every platform that has a native build is little-endian.
 */
export type FieldType = 'uint32' | 'int32' | 'uint64';
export type Layout = Readonly<
  Record<string, { readonly offset: number; readonly type: FieldType }>
>;
export type Fields<L extends Layout> = { readonly [K in keyof L]?: number | bigint };

const encoder = new TextEncoder();

function encodeString(text: string): Uint8Array {
  if (text.includes('\0')) throw new RangeError('a string in a plan must not contain NUL');
  return encoder.encode(text);
}

export class PlanWriter {
  #bytes = new Uint8Array(16384);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;
  readonly #strings = new Map<string, number>();

  /** Reserves `size` zeroed bytes at a multiple of `align`, a power of two; returns their offset. */
  reserve(size: number, align = 8): number {
    const offset = (this.#size + align - 1) & -align;
    this.#size = offset + size;
    if (this.#size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return offset;
  }

  /** Writes bytes to what was reserved before. */
  put(offset: number, content: Uint8Array): void {
    this.#bytes.set(content, offset);
  }

  /** Appends bytes; returns their offset. */
  bytes(content: Uint8Array, align = 1): number {
    const offset = this.reserve(content.length, align);
    this.put(offset, content);
    return offset;
  }

  /** Appends a NUL-terminated string once; returns its offset. */
  string(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const offset = this.bytes(encodeString(text));
    this.reserve(1, 1);
    this.#strings.set(text, offset);
    return offset;
  }

  /** Writes fields of a structure that was reserved before. Fields that are not given stay 0. */
  fields<L extends Layout>(offset: number, layout: L, values: Fields<L>): void {
    for (const name in values) {
      const field = layout[name];
      const value = values[name];
      if (field === undefined || value === undefined) continue;
      const at = offset + field.offset;
      if (field.type === 'uint64') this.#setUint64(at, value);
      else if (field.type === 'uint32') this.#view.setUint32(at, Number(value), true);
      else this.#view.setInt32(at, Number(value), true);
    }
  }

  /** Large integers are slow to make: not for small numbers, such as offsets. */
  #setUint64(at: number, value: number | bigint): void {
    if (typeof value === 'bigint' || value < 0 || value >= 2 ** 32) {
      this.#view.setBigUint64(at, BigInt(value), true);
      return;
    }
    this.#view.setUint32(at, value, true);
    this.#view.setUint32(at + 4, 0, true);
  }

  /** A vector of string offsets, ended by 0, as init turns it into `char *[]`. */
  vector(strings: readonly string[]): number {
    return this.#vectorOf(strings.map((text) => this.string(text)));
  }

  #vectorOf(offsets: readonly number[]): number {
    const at = this.reserve((offsets.length + 1) * 8);
    for (const [i, offset] of offsets.entries()) this.#setUint64(at + i * 8, offset);
    return at;
  }

  /** As {@link vector}, each string in a place of its own, so that it can be taken out again. */
  ownVector(strings: readonly string[]): number {
    const offsets = strings.map((text) => {
      const offset = this.bytes(encodeString(text));
      this.reserve(1, 1);
      return offset;
    });
    return this.#vectorOf(offsets);
  }

  /** The plan so far, its last byte 0. */
  finish(): Uint8Array {
    this.reserve(1, 1);
    return this.#bytes.subarray(0, this.#size);
  }

  get size(): number {
    return this.#size;
  }
}
