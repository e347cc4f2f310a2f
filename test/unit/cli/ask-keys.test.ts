/** Tests which bytes of a terminal are an answer, and which only look like one. */
import { describe, expect, it } from 'vitest';
import { allowsFrom, exchangedMs, KeyReader, silenceMs } from '../../../src/cli/ask-keys.js';

/** Returns what is taken for keys of chunks that come so many milliseconds after each other. */
function keysOf(...chunks: readonly (readonly [after: number, bytes: string])[]): string {
  let now = 0;
  let keys = '';
  const reader = new KeyReader(
    (key) => {
      keys += key;
    },
    () => now,
  );
  for (const [after, bytes] of chunks) {
    now += after;
    reader.take(Buffer.from(bytes, 'latin1'));
  }
  return keys;
}

describe('keys', () => {
  it('counts a single key after silence', () => {
    expect(keysOf([silenceMs, 'y'])).toBe('y');
    expect(keysOf([1000, 'x'], [1000, 'n'])).toBe('xn');
  });

  it('does not count what is typed on while the question appears', () => {
    expect(keysOf([0, 'y'])).toBe('');
    expect(keysOf([10, 'y'], [150, 'y'], [299, 'y'])).toBe('');
    expect(keysOf([10, 'y'], [silenceMs, 'n'])).toBe('n');
  });

  it('does not count what is pasted', () => {
    expect(keysOf([500, 'yes\r'])).toBe('');
    expect(keysOf([500, '\u001b[200~y\u001b[201~'])).toBe('');
  });

  it.each([
    ['a title that the program chose', '\u001b]ly\u001b\\'],
    ['a colour', '\u001b]10;rgb:a/a/a\u0007'],
    ['a device control string', '\u001bP1$ry\u001b\\'],
    ['the place of the cursor', '\u001b[1;1R'],
    ['a mouse in the old form', '\u001b[Myyy'],
    ['a function key', '\u001bOa'],
    ['a key with Alt', '\u001by'],
  ])('does not count %s, however it is cut into pieces', (_what, bytes) => {
    expect(keysOf([500, bytes])).toBe('');
    const pieces = [...bytes].map((byte, i) => [i === 0 ? 500 : 5, byte] as const);
    expect(keysOf(...pieces)).toBe('');
    // Slowly, too, but for the Escape key, which the user may press.
    if (!/^\u001b[Oy]/.test(bytes)) {
      const [first = '', second = '', ...rest] = [...bytes];
      const slow = rest.map((byte) => [500, byte] as const);
      expect(keysOf([500, first], [5, second], ...slow)).toBe('');
    }
    expect(keysOf([500, bytes], [500, 'n'])).toBe('n');
  });

  it('counts a key after the Escape key', () => {
    expect(keysOf([500, '\u001b'], [500, 'n'])).toBe('n');
  });
});

describe('a question that takes the place of one that the program withdrew', () => {
  it('allows nothing at first', () => {
    expect(allowsFrom(5000, undefined)).toBe(5000);
    expect(allowsFrom(5000, 4990)).toBe(5000 + exchangedMs);
    expect(allowsFrom(5000, 5001 - exchangedMs)).toBe(5000 + exchangedMs);
    expect(allowsFrom(5000, 5000 - exchangedMs)).toBe(5000);
  });
});
