/** A Python process in namespaces of its own that answers requests one after another, without a turn of the event loop. */
import { spawn } from 'node:child_process';
import { closeSync, readSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { native } from './fixture.js';

/** Requests and answers are lines of JSON. */
export class Worker {
  readonly #requests: number;
  readonly #answers: number;

  /**
   * @param namespaces for unshare(1), for instance `-Urm`
   * @param script its name in this directory
   */
  constructor(namespaces: string, script: string, ...args: readonly string[]) {
    const [theirRequests, requests] = native.pipe();
    const [answers, theirAnswers] = native.pipe();
    const path = fileURLToPath(new URL(script, import.meta.url));
    spawn('unshare', [namespaces, 'python3', '-I', '-S', path, ...args], {
      stdio: [theirRequests, theirAnswers, 'inherit'],
    });
    closeSync(theirRequests);
    closeSync(theirAnswers);
    this.#requests = requests;
    this.#answers = answers;
  }

  call(...request: readonly unknown[]): unknown {
    let bytes = Buffer.from(`${JSON.stringify(request)}\n`);
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#requests, bytes));
    const pieces: Buffer[] = [];
    for (;;) {
      const piece = Buffer.alloc(1 << 16);
      const count = readSync(this.#answers, piece);
      if (count === 0) throw new Error(`no answer to ${request[0]}`);
      pieces.push(piece.subarray(0, count));
      if (piece[count - 1] === 0x0a) return JSON.parse(Buffer.concat(pieces).toString());
    }
  }

  close(): void {
    closeSync(this.#requests);
    closeSync(this.#answers);
  }
}
