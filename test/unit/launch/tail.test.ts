/** Tests that the end of a stream is kept, whatever the sizes of the pieces in which it comes. */
import { expect, test } from 'vitest';
import { Tail, tailBytes } from '../../../src/launch/tail.js';

const all = Uint8Array.from({ length: 5 * tailBytes }, (_, i) => (i * 2_654_435_761) >>> 13);

test.each([1, 7, 511, 4096, tailBytes - 1, tailBytes, tailBytes + 1, 3 * tailBytes])(
  'a stream that comes in pieces of %i bytes has its last bytes kept, and they are its own',
  (size) => {
    for (const length of [0, 1, 600, tailBytes - 1, tailBytes, tailBytes + 1, all.length]) {
      const tail = new Tail();
      const piece = new Uint8Array(size);
      for (let at = 0; at < length; at += size) {
        const part = piece.subarray(0, Math.min(size, length - at));
        part.set(all.subarray(at, at + part.length));
        tail.add(part); // which is written over afterwards
      }
      const expected = all.subarray(Math.max(0, length - tailBytes), length);
      expect(Buffer.compare(tail.bytes(), expected), `${length} bytes`).toBe(0);
    }
  },
);
