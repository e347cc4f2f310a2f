/**
 * What the engine lacks of the globals that the shared code uses. Injected into the bundle before anything
 * else; bytes and text are converted in C (addon/engine/host.c).
 */
import { LeaveToNode } from './leave.js';

declare const machine: {
  /** UTF-8, or -EILSEQ. */
  decode(bytes: ArrayBufferLike, from: number, size: number): string | number;
  latin1(bytes: ArrayBufferLike, from: number, size: number): string;
  encode(text: string): ArrayBuffer;
};

class Encoder {
  encode(text = ''): Uint8Array {
    if (/\p{Surrogate}/u.test(text)) throw new LeaveToNode('half of a surrogate pair');
    return new Uint8Array(machine.encode(text));
  }
}

class Decoder {
  readonly #label: string;
  readonly #fatal: boolean;
  readonly #keepsMark: boolean;

  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    this.#label = label;
    this.#fatal = fatal;
    this.#keepsMark = ignoreBOM;
  }

  decode(input?: ArrayBuffer | ArrayBufferView): string {
    if (input === undefined) return '';
    const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(input)
      ? input
      : new Uint8Array(input);
    if (this.#label === 'latin1') return machine.latin1(buffer, byteOffset, byteLength);
    const text = machine.decode(buffer, byteOffset, byteLength);
    if (typeof text === 'number') {
      if (this.#fatal) throw new TypeError('The encoded data was not valid for encoding utf-8');
      throw new LeaveToNode('text that is not UTF-8');
    }
    return !this.#keepsMark && text.startsWith('\ufeff') ? text.slice(1) : text;
  }
}

/** A file beside the installation's bundle, as `new URL(NAME, import.meta.url)` names it. */
class FileUrl {
  readonly #path: string;

  constructor(name: string, base: string) {
    this.#path = `${base}/${name}`;
  }

  toString(): string {
    return this.#path;
  }
}

Object.assign(globalThis, { TextEncoder: Encoder, TextDecoder: Decoder, URL: FileUrl });

// QuickJS 2025-04-26 answers with a negative number where the highest bit of 64 is set, and writes some numbers with a
// zero in front (0ffff).
BigInt.asUintN = (bits, value) => value & ((1n << BigInt(bits)) - 1n);
const withZeros = BigInt.prototype.toString;
BigInt.prototype.toString = function (radix) {
  return withZeros.call(this, radix).replace(/^(-?)0+(?=.)/, '$1');
};
