/** Bytes, without Node's Buffer: the same code runs in browsers and in the native command. */

const encoder = new TextEncoder();

export function concatBytes(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const pieces = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part));
  const whole = new Uint8Array(pieces.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The first place of `part` at `from` or behind it, or -1. */
export function indexOfBytes(whole: Uint8Array, part: Uint8Array, from = 0): number {
  const [first = 0] = part;
  for (let at = whole.indexOf(first, from); at >= 0; at = whole.indexOf(first, at + 1)) {
    let same = 1;
    while (same < part.length && whole[at + same] === part[same]) same++;
    if (same >= part.length) return at;
  }
  return -1;
}

export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The reverse of {@link hexOf}; undefined for anything else. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
