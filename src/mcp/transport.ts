/**
 * Messages over stdin and stdout, bounded both ways: a client that reads no answers is read no further, so that what
 * waits for it does not grow.
 */
import type { Readable, Writable } from 'node:stream';
import { serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { Lines } from './lines.js';
import { type Received, received } from './messages.js';

/** The longest message that a client may send. */
const maxMessageBytes = 16 * 1024 * 1024;
/** Bytes that may wait for the client before no further message is taken. */
const maxUnsentBytes = 4 * 1024 * 1024;
/** Bytes that are read meanwhile, to notice that the client leaves. */
const maxHeldBytes = 1024 * 1024;

export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: NonNullable<Transport['onmessage']>;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #lines = new Lines(maxMessageBytes);
  #held = 0;
  #closed = false;
  /** Calls that wait for the client to read. */
  #waiting: (() => void)[] = [];
  readonly #take = (chunk: Buffer): void => this.#add(chunk);
  readonly #leave = (): void => void this.close();

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
    // More than one write may fail once the client is gone.
    output.on('error', this.#leave);
    output.on('drain', () => this.#goOn());
  }

  async start(): Promise<void> {
    this.#input.on('data', this.#take);
    for (const event of ['end', 'close', 'error']) this.#input.on(event, this.#leave);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (!this.#closed) this.#output.write(serializeMessage(message));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#input.off('data', this.#take);
    this.#input.pause();
    this.#lines.clear();
    this.#release();
    this.onclose?.();
  }

  /** Fulfilled when the client has read enough for another answer, or is gone. */
  async room(): Promise<void> {
    while (this.#isFull) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  get #isFull(): boolean {
    return !this.#closed && this.#output.writableLength > maxUnsentBytes;
  }

  #add(chunk: Buffer): void {
    try {
      this.#lines.append(chunk);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#deliver();
    if (!this.#isFull) return;
    this.#held += chunk.length;
    if (this.#held > maxHeldBytes) this.#input.pause();
  }

  /** The client sent more than can be answered: ends the connection. */
  #fail(error: unknown): void {
    this.onerror?.(error as Error);
    this.#leave();
  }

  #deliver(): void {
    while (!this.#closed && !this.#isFull) {
      const line = this.#lines.next();
      if (line === undefined) return;
      let all: readonly Received[];
      try {
        all = received(line);
      } catch (error) {
        this.#fail(error);
        return;
      }
      for (const one of all) {
        if (this.#closed) return;
        this.#handle(one);
      }
    }
  }

  #handle(one: Received): void {
    if ('error' in one) {
      this.onerror?.(one.error);
      if (one.answer !== undefined) this.send(one.answer);
      return;
    }
    try {
      this.onmessage?.(one.message);
    } catch (error) {
      this.onerror?.(error as Error);
    }
  }

  #goOn(): void {
    this.#release();
    this.#deliver();
    if (this.#closed || this.#isFull) return;
    this.#held = 0;
    this.#input.resume();
  }

  #release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}
