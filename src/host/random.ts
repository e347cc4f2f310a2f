/**
 * Random numbers straight from the kernel: node:crypto gives the same ones, but takes
 * as long to load as all the rest of a run needs. random(4)
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { fairBelow } from './fair.js';

/** Does what {@link fairBelow} does, with bytes from the kernel. */
export function randomBelow(below: number): number {
  const bytes = Buffer.alloc(4);
  const fd = openSync('/dev/urandom', 'r');
  try {
    return fairBelow(below, () => {
      if (readSync(fd, bytes) !== bytes.length) throw new Error('/dev/urandom returned no data');
      return bytes.readUInt32LE();
    });
  } finally {
    closeSync(fd);
  }
}
