/** An answer from the terminal. */
import { readSync } from 'node:fs';

const pause = new Int32Array(new SharedArrayBuffer(4));

/** One line from the terminal, without its end; undefined at the end of the input. */
export function readLine(): string | undefined {
  const bytes: number[] = [];
  const one = Buffer.alloc(1);
  for (;;) {
    let count: number;
    try {
      count = readSync(0, one, 0, 1, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') {
        Atomics.wait(pause, 0, 0, 20);
        continue;
      }
      if (code === 'EIO') return undefined; // the terminal is gone
      throw error;
    }
    if (count === 0) return bytes.length === 0 ? undefined : Buffer.from(bytes).toString();
    if (one[0] === 0x0a) return Buffer.from(bytes).toString();
    bytes.push(one[0] as number);
  }
}
