/** Digests, as node:crypto makes them. */
import { EngineBuffer } from '../buffer.js';
import { machine } from '../machine.js';

const algorithms: Readonly<Record<string, number>> = { sha1: 0, sha256: 1 };

class Hash {
  readonly #algorithm: number;
  readonly #state: ArrayBuffer;

  constructor(algorithm: number) {
    this.#algorithm = algorithm;
    this.#state = machine.digest(algorithm);
  }

  update(data: string | Uint8Array, encoding?: string): this {
    const bytes = typeof data === 'string' ? EngineBuffer.from(data, encoding) : data;
    machine.digest(this.#algorithm, this.#state, bytes);
    return this;
  }

  digest(encoding?: string): string | EngineBuffer {
    const bytes = new EngineBuffer(machine.digest(this.#algorithm, this.#state, undefined));
    return encoding === undefined ? bytes : bytes.toString(encoding);
  }
}

export function createHash(name: string): Hash {
  const algorithm = algorithms[name];
  if (algorithm === undefined) throw new Error(`Invalid digest: ${name}`);
  return new Hash(algorithm);
}
