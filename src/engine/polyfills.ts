/**
 * Adds what the engine lacks of the globals that the shared code uses. Injected into the bundle before anything
 * else; bytes and text are converted in C (addon/engine/text.c).
 */
import { EngineAbortController } from './abort.js';
import { EngineBuffer } from './buffer.js';
import { clearTimer, setTimer } from './loop.js';
import { machine } from './machine.js';
import { engineProcess } from './process.js';

class Encoder {
  encode(text = ''): Uint8Array {
    return new Uint8Array(machine.toBytes(text, 0));
  }

  /** Writes into a target that has room for the whole text. */
  encodeInto(text: string, target: Uint8Array): { read: number; written: number } {
    const written = machine.putText(target, text);
    if (written < 0) throw new RangeError('no room for the whole text');
    return { read: text.length, written };
  }
}

const latin1Labels: ReadonlySet<string> = new Set(['latin1', 'ascii', 'iso-8859-1']);

class Decoder {
  readonly #latin1: boolean;
  readonly #fatal: boolean;
  readonly #keepsMark: boolean;

  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    this.#latin1 = latin1Labels.has(label);
    this.#fatal = fatal;
    this.#keepsMark = ignoreBOM;
  }

  decode(input?: ArrayBuffer | ArrayBufferView): string {
    if (input === undefined) return '';
    const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(input)
      ? input
      : new Uint8Array(input);
    const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    if (this.#latin1) return machine.toText(bytes, 1);
    const text = machine.toText(bytes, 0);
    if (this.#fatal && text.includes('\ufffd') && !isSame(bytes, text)) {
      throw new TypeError('The encoded data was not valid for encoding utf-8');
    }
    return !this.#keepsMark && text.startsWith('\ufeff') ? text.slice(1) : text;
  }
}

/** Returns whether text is what the bytes say: with nothing replaced. */
const isSame = (bytes: Uint8Array, text: string): boolean =>
  machine.compare(bytes, new Uint8Array(machine.toBytes(text, 0))) === 0;

/** A file beside the installation's bundle, as `new URL(NAME, import.meta.url)` names it. */
class FileUrl {
  readonly protocol = 'file:';
  readonly #path: string;

  constructor(name: string, base: string) {
    this.#path = `${base.slice(0, base.lastIndexOf('/'))}/${name.replace(/^\.\//, '')}`;
  }

  toString(): string {
    return this.#path;
  }
}

/** Returns what Number.prototype.toLocaleString returns for English, for whole numbers. */
function grouped(this: number): string {
  return String(this).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

Object.defineProperty(Number.prototype, 'toLocaleString', { value: grouped, writable: true });
Object.assign(globalThis, {
  AbortController: EngineAbortController,
  Atomics: {
    // The call only ever pauses: nothing changes the cell.
    wait: (_cell: unknown, _place: number, _value: number, ms: number) => machine.system.sleep(ms),
  },
  Buffer: EngineBuffer,
  SharedArrayBuffer: ArrayBuffer,
  TextDecoder: Decoder,
  TextEncoder: Encoder,
  URL: FileUrl,
  clearTimeout: clearTimer,
  performance: { now: () => Number(machine.system.now() / 1_000n) / 1000 },
  process: engineProcess,
  setTimeout: setTimer,
});

// QuickJS 2025-04-26 answers with a negative number where the highest bit of 64 is set, and writes some numbers with a
// zero in front (0ffff).
BigInt.asUintN = (bits, value) => value & ((1n << BigInt(bits)) - 1n);
const withZeros = BigInt.prototype.toString;
BigInt.prototype.toString = function (radix) {
  return withZeros.call(this, radix).replace(/^(-?)0+(?=.)/, '$1');
};
