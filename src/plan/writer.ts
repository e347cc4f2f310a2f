/**
 * Lays structures of wire.h into one growing buffer. Numbers are host-endian, which
 * for every platform that has a native build is little-endian.
 */
import { WB_RUN_ID } from './wire.generated.js';

export type FieldType = 'uint32' | 'int32' | 'uint64';
export type Layout = Readonly<
  Record<string, { readonly offset: number; readonly type: FieldType }>
>;
export type Fields<L extends Layout> = { readonly [K in keyof L]?: number | bigint };

const encoder = new TextEncoder();

/**
 * Stands for the run's id in a path that goes into a plan, of as many bytes: no text that a program can be given has
 * a NUL in it.
 */
export const runIdMark = '\0'.repeat(WB_RUN_ID);

/** The size of which every offset of a structure is a multiple of: numbers are written as words of the buffer. */
const wordSize = 4;

export class PlanWriter {
  #bytes = new Uint8Array(16384);
  #words = new Uint32Array(this.#bytes.buffer);
  #longs = new BigUint64Array(this.#bytes.buffer);
  #size = 0;
  readonly #strings = new Map<string, number>();
  /** Offsets of the zeros that stand for the run's id. */
  readonly runIds: number[] = [];

  #makeRoom(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, (size + 7) & -8));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#words = new Uint32Array(grown.buffer);
    this.#longs = new BigUint64Array(grown.buffer);
  }

  /** Reserves `size` zeroed bytes at a multiple of `align`, a power of two; returns their offset. */
  reserve(size: number, align = 8): number {
    const offset = (this.#size + align - 1) & -align;
    this.#size = offset + size;
    this.#makeRoom(this.#size);
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

  /** Appends a NUL-terminated string; returns its offset. */
  #text(given: string): number {
    const offset = this.#size;
    const text = given.includes('\0') ? this.#withoutMarks(given, offset) : given;
    this.#makeRoom(offset + 3 * text.length + 1); // UTF-8
    this.#size += encoder.encodeInto(text, this.#bytes.subarray(offset)).written + 1;
    return offset;
  }

  #withoutMarks(text: string, offset: number): string {
    const parts = text.split(runIdMark);
    let at = offset;
    for (const part of parts.slice(0, -1)) {
      at += encoder.encode(part).length;
      this.runIds.push(at);
      at += WB_RUN_ID;
    }
    const whole = parts.join('0'.repeat(WB_RUN_ID));
    if (whole.includes('\0')) throw new RangeError('a string in a plan must not contain NUL');
    return whole;
  }

  /** Appends a NUL-terminated string once; returns its offset. */
  string(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const offset = this.#text(text);
    this.#strings.set(text, offset);
    return offset;
  }

  /** Writes fields of a structure that was reserved before. Fields that are not given stay 0. */
  fields<L extends Layout>(offset: number, layout: L, values: Fields<L>): void {
    if (offset % wordSize !== 0) throw new RangeError('a structure begins at a multiple of 4');
    for (const name in values) {
      const field = layout[name];
      const value = values[name];
      if (field === undefined || value === undefined) continue;
      const at = offset + field.offset;
      if (field.type === 'uint64') this.#setUint64(at, value);
      else this.#words[at / wordSize] = typeof value === 'number' ? value : Number(value);
    }
  }

  /** Large integers are slow to make: not for small numbers, such as offsets. */
  #setUint64(at: number, value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value < 2 ** 32) {
      this.#words[at / wordSize] = value;
      this.#words[at / wordSize + 1] = 0;
    } else {
      if (at % 8 !== 0) throw new RangeError('a long number is at a multiple of 8');
      this.#longs[at / 8] = BigInt(value);
    }
  }

  /** A vector of string offsets, ended by 0, as init turns it into `char *[]`. */
  vector(strings: readonly string[]): number {
    const offsets = strings.map((text) => this.string(text));
    const at = this.reserve((offsets.length + 1) * 8);
    for (let i = 0; i < offsets.length; i++) this.#words[at / wordSize + 2 * i] = offsets[i] ?? 0;
    return at;
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
