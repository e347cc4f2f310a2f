/** Node's Buffer, as far as the command line uses it; the work on bytes is C's (addon/engine/text.c). */
import { machine } from './machine.js';

const encodings: Readonly<Record<string, number>> = {
  utf8: 0,
  'utf-8': 0,
  latin1: 1,
  binary: 1,
  ascii: 1,
  base64: 2,
  base64url: 2,
  hex: 3,
};

export function encodingOf(name = 'utf8'): number {
  const found = encodings[name] ?? encodings[name.toLowerCase()];
  if (found === undefined) throw new TypeError(`Unknown encoding: ${name}`);
  return found;
}

type Bytes = Uint8Array<ArrayBuffer>;

export class EngineBuffer extends Uint8Array<ArrayBuffer> {
  /** Makes a buffer of so many zeros, or a view of a buffer. */
  constructor(source: number | ArrayBuffer, offset?: number, length?: number) {
    super(source as ArrayBuffer, offset, length);
  }

  static override from(value: unknown, second?: unknown, length?: number): EngineBuffer {
    if (typeof value === 'string') {
      return new EngineBuffer(machine.toBytes(value, encodingOf(second as string | undefined)));
    }
    if (value instanceof ArrayBuffer) {
      return new EngineBuffer(value, (second as number | undefined) ?? 0, length);
    }
    const bytes = new EngineBuffer((value as ArrayLike<number>).length);
    bytes.set(value as ArrayLike<number>);
    return bytes;
  }

  static override of(...bytes: number[]): EngineBuffer {
    return EngineBuffer.from(bytes);
  }

  static alloc(size: number, fill?: number): EngineBuffer {
    const bytes = new EngineBuffer(size);
    return fill === undefined ? bytes : bytes.fill(fill);
  }

  static allocUnsafe(size: number): EngineBuffer {
    return new EngineBuffer(size);
  }

  static concat(list: readonly Uint8Array[], total?: number): EngineBuffer {
    return new EngineBuffer(machine.concat(list, total ?? -1));
  }

  static compare(a: Uint8Array, b: Uint8Array): number {
    return machine.compare(a, b);
  }

  static isBuffer(value: unknown): boolean {
    return value instanceof EngineBuffer;
  }

  static byteLength(value: string | Uint8Array, encoding?: string): number {
    return typeof value === 'string'
      ? machine.toBytes(value, encodingOf(encoding)).byteLength
      : value.byteLength;
  }

  override toString(encoding?: string, start = 0, end = this.length): string {
    const whole = start === 0 && end === this.length;
    return machine.toText(whole ? this : this.subarray(start, end), encodingOf(encoding));
  }

  equals(other: Uint8Array): boolean {
    return machine.compare(this, other) === 0;
  }

  compare(other: Uint8Array): number {
    return machine.compare(this, other);
  }

  /** A view, as Node has it. */
  override slice(start?: number, end?: number): this {
    return this.subarray(start, end) as this;
  }

  copy(target: Uint8Array, at = 0, start = 0, end = this.length): number {
    const part = this.subarray(start, Math.min(end, start + target.length - at));
    target.set(part, at);
    return part.length;
  }

  override indexOf(value: unknown, from?: number | string, encoding?: string): number {
    if (typeof value === 'number') return super.indexOf(value & 255, from as number | undefined);
    const [at, name] = typeof from === 'string' ? [0, from] : [from ?? 0, encoding];
    return machine.find(this, wanted(value, name), at, false);
  }

  override lastIndexOf(value: unknown, from?: number | string, encoding?: string): number {
    const [at, name] =
      typeof from === 'string' ? [this.length, from] : [from ?? this.length, encoding];
    const byte = typeof value === 'number' ? EngineBuffer.of(value & 255) : wanted(value, name);
    return machine.find(this, byte, at, true);
  }

  override includes(value: unknown, from?: number | string, encoding?: string): boolean {
    return this.indexOf(value, from, encoding) >= 0;
  }

  get #view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.length);
  }

  readUInt8(at = 0): number {
    return this.#view.getUint8(at);
  }
  readUInt16LE(at = 0): number {
    return this.#view.getUint16(at, true);
  }
  readUInt16BE(at = 0): number {
    return this.#view.getUint16(at);
  }
  readUInt32LE(at = 0): number {
    return this.#view.getUint32(at, true);
  }
  readUInt32BE(at = 0): number {
    return this.#view.getUint32(at);
  }
  readBigUInt64LE(at = 0): bigint {
    return this.#view.getBigUint64(at, true);
  }
}

const wanted = (value: unknown, encoding: string | undefined): Bytes =>
  typeof value === 'string' ? EngineBuffer.from(value, encoding) : (value as Bytes);
