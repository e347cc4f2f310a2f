/** Terminals, as node:tty has them. */
import { EngineBuffer } from '../buffer.js';
import { unwatch, watch } from '../loop.js';
import { machine } from '../machine.js';
import { closeSync } from './fs.js';

const { files } = machine;

export const isatty = (fd: number): boolean => files.isatty(fd);

type Listener = (chunk: EngineBuffer) => void;

/** Keys from a terminal; the descriptor is its own. */
export class ReadStream {
  readonly #fd: number;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(fd: number) {
    this.#fd = fd;
    watch(fd, () => this.#read());
  }

  on(name: string, listener: Listener): this {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    return this;
  }

  once(name: string, listener: Listener): this {
    return this.on(name, listener);
  }

  setRawMode(raw: boolean): this {
    files.setRaw(this.#fd, raw);
    return this;
  }

  destroy(): void {
    unwatch(this.#fd);
    closeSync(this.#fd);
  }

  #read(): void {
    const bytes = new EngineBuffer(4096);
    const got = files.readSome(this.#fd, bytes, 0, bytes.length, -1);
    if (got === -(machine.system.errnos.EAGAIN ?? 0)) return;
    if (got <= 0) unwatch(this.#fd);
    const name = got > 0 ? 'data' : got === 0 ? 'end' : 'error';
    for (const listener of this.#listeners.get(name) ?? []) {
      listener(bytes.subarray(0, Math.max(got, 0)) as EngineBuffer);
    }
  }
}
