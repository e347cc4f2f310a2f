/** Starts the engine for random inputs: starter.c, and the pipes to it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { cacheKeySize } from '../../../src/fastpath/entry.generated.js';
import type { Input } from './inputs.js';

export type Made = { readonly entry: Buffer; readonly lasting: boolean } | { readonly why: string };

/** Opens both ends of a FIFO; each end sees when the other is closed. */
function pipeAt(path: string): { readonly reading: number; readonly writing: number } {
  spawnSync('mkfifo', [path]);
  // Held open meanwhile, else each end would wait for the other to be opened.
  const both = fs.openSync(path, 'r+');
  const ends = { reading: fs.openSync(path, 'r'), writing: fs.openSync(path, 'w') };
  fs.closeSync(both);
  return ends;
}

export class Starter {
  readonly #requests: number;
  readonly #answers: number;
  readonly #out: number;
  readonly #engine: string;
  readonly #process: ChildProcess;

  /**
   * @param out what the engine has as stdout, a file that is appended to
   * @param streams what inputs name by their places
   */
  constructor(
    [program, engine]: readonly [string, string],
    place: string,
    [out, ...streams]: readonly [number, ...number[]],
  ) {
    const requests = pipeAt(join(place, 'requests'));
    const answers = pipeAt(join(place, 'answers'));
    const given = [requests.reading, answers.writing, out, ...streams];
    const numbers = given.map((_fd, index) => String(index + 3));
    this.#process = spawn(program, [engine, ...numbers], {
      stdio: ['ignore', 'inherit', 'inherit', ...given],
    });
    for (const fd of [requests.reading, answers.writing]) fs.closeSync(fd);
    this.#requests = requests.writing;
    this.#answers = answers.reading;
    this.#out = out;
    this.#engine = engine;
  }

  /** Returns what the engine makes of `wasbox run` with an input. */
  make({ cwd, words, env, streams }: Input): Made {
    fs.ftruncateSync(this.#out);
    const key = '0'.repeat(2 * cacheKeySize);
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const status = this.#start(
      [cwd, this.#engine, 'run', ...words, ...variables, `WASBOX_FASTPATH=explain:${key}`],
      [words.length + 2, variables.length + 1, ...streams],
    );
    const bytes = Buffer.alloc(fs.fstatSync(this.#out).size);
    fs.readSync(this.#out, bytes, 0, bytes.length, 0);
    if (status === 0 || status === 0x200) return { entry: bytes, lasting: status === 0 };
    if (status === 0x100) return { why: bytes.toString() };
    throw new Error(`the engine ended with wait status 0x${status.toString(16)}`);
  }

  /** Returns the status as waitpid(2) has it. */
  #start(strings: readonly string[], numbers: readonly number[]): number {
    const text = Buffer.from(strings.map((one) => `${one}\0`).join(''));
    const head = Buffer.from(Uint32Array.from([text.length, ...numbers]).buffer);
    const request = Buffer.concat([head, text]);
    for (let done = 0; done < request.length; ) done += fs.writeSync(this.#requests, request, done);
    const answer = new Int32Array(2);
    const got = fs.readSync(this.#answers, answer);
    const [error = 0, status = 0] = answer;
    if (got !== answer.byteLength || error !== 0) {
      throw new Error(`the engine was not started: errno ${error}, ${got} bytes`);
    }
    return status;
  }

  /** Ends the process, which reads no more requests. */
  end(): void {
    fs.closeSync(this.#requests);
    fs.closeSync(this.#answers);
    this.#process.unref();
  }
}
