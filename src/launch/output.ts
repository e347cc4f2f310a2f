/** Keeps one output stream, as much as is wanted, and tells who listens to it. */
import type { Readable } from 'node:stream';
import { Bytes } from './bytes.js';
import { Tail } from './tail.js';

/** Called with each piece. A promise that it returns is waited for, and the payload with it. */
export type OnOutput = (chunk: Uint8Array) => unknown;

export interface Listener {
  readonly call: OnOutput;
  /** Called with what the callback throws, or its promise is rejected with. */
  readonly failed: (error: unknown) => void;
}

/** Flows from the start, so that the payload never waits, but for a callback. */
export class Output {
  readonly #stream: Readable;
  #bytes = new Bytes();
  /** The end, which may be beyond what is kept. */
  #tail = new Tail();
  #limit: number;
  #truncated = false;
  #listener: Listener | undefined;
  #waits = true;
  /** The last promise of the callback. */
  #pending: Promise<void> | undefined;
  #letGo: () => void = () => {};
  readonly #released = new Promise<void>((resolve) => {
    this.#letGo = resolve;
  });
  /** Where the pieces of both streams go, in the order in which they come. */
  #all: ((chunk: Uint8Array) => void) | undefined;
  #wanted: { readonly byte: number; readonly found: () => void } | undefined;
  readonly #end: Promise<void>;
  #cutOff: () => void = () => {};
  #isCut = false;

  constructor(stream: Readable, limit: number) {
    this.#stream = stream;
    this.#limit = limit;
    stream.on('data', (chunk: Uint8Array) => this.#take(chunk));
    this.#end = new Promise((resolve) => {
      this.#cutOff = resolve;
      stream.once('close', resolve);
      stream.once('error', () => resolve()); // what came so far is what there is
    });
  }

  #take(chunk: Uint8Array): void {
    if (this.#isCut) return;
    let bytes = chunk;
    if (this.#wanted !== undefined && bytes[0] === this.#wanted.byte) {
      this.#wanted.found();
      this.#wanted = undefined;
      bytes = bytes.subarray(1);
    }
    if (bytes.length === 0) return;
    this.#tail.add(bytes);
    const room = this.#limit - this.#bytes.size;
    if (bytes.length > room) this.#truncated = true;
    const kept = bytes.subarray(0, Math.max(0, room));
    if (kept.length > 0) this.#bytes.add(kept);
    this.#all?.(bytes);
    if (this.#listener !== undefined) this.#tell(this.#listener, bytes);
  }

  #tell({ call, failed }: Listener, bytes: Uint8Array): void {
    const fail = (error: unknown): void => {
      this.#listener = undefined;
      failed(error);
    };
    try {
      const told: unknown = call(bytes);
      if (!isThenable(told)) return;
      if (this.#waits) this.#stream.pause();
      const resume = (): void => {
        this.#stream.resume();
      };
      this.#pending = Promise.resolve(told).then(resume, (error: unknown) => {
        fail(error);
        resume();
      });
    } catch (error) {
      fail(error);
    }
  }

  listen(listener: Listener | undefined, all: ((chunk: Uint8Array) => void) | undefined): void {
    this.#listener = listener;
    this.#all = all;
  }

  /** Waits for no callback any more: nothing writes now, and a promise may never be fulfilled. */
  release(): void {
    this.#waits = false;
    this.#letGo();
    this.#stream.resume();
  }

  /** Makes no further calls of the listener, and waits for no callback. */
  finish(): void {
    this.#listener = undefined;
    this.release();
  }

  /** Takes what came so far as all of it; the stream goes on, and what else comes is dropped. */
  cut(): void {
    this.#isCut = true;
    this.#cutOff();
  }

  /** Takes one byte out, where it is the next to come. */
  take(byte: number): Promise<void> {
    return new Promise((found) => {
      this.#wanted = { byte, found };
    });
  }

  /** Forgets what came so far; from here on keeps `limit` bytes. */
  begin(limit: number): void {
    this.#bytes = new Bytes();
    this.#tail = new Tail();
    this.#truncated = false;
    this.#limit = limit;
  }

  get tail(): Tail {
    return this.#tail;
  }

  /** Returns what came so far, as text. */
  text(): string {
    return new TextDecoder().decode(this.#bytes.join());
  }

  /** All of it, once the stream has ended and the callback has done with it. */
  async whole(): Promise<{ readonly bytes: Uint8Array; readonly truncated: boolean }> {
    await this.#end;
    await Promise.race([this.#pending, this.#released]);
    return { bytes: this.#bytes.join(), truncated: this.#truncated };
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as { then?: unknown }).then === 'function';
