/**
 * Random numbers straight from the kernel: node:crypto gives the same ones, but takes
 * as long to load as all the rest of a run needs. random(4)
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** A random whole number from 0 up to, not including, `below`, which is at most 2^32. */
export function randomBelow(below: number): number {
  const bytes = Buffer.alloc(4);
  // Numbers past the last multiple are drawn again: else the first ones would come more often.
  const fair = 2 ** 32 - (2 ** 32 % below);
  const fd = openSync('/dev/urandom', 'r');
  try {
    for (;;) {
      if (readSync(fd, bytes) !== bytes.length) throw new Error('/dev/urandom returned no data');
      const number = bytes.readUInt32LE();
      if (number < fair) return number % below;
    }
  } finally {
    closeSync(fd);
  }
}
