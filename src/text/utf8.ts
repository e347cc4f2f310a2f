/** Bytes that are mostly UTF-8: the text in them, and the bytes that are none. */

// The decoder is made when it is first needed: that takes longer than many a run's whole end.
let decoder: TextDecoder | undefined;

export function decode(bytes: Uint8Array): string {
  decoder ??= new TextDecoder('utf-8', { ignoreBOM: true });
  return decoder.decode(bytes);
}

/**
 * How many bytes the character has that begins at a place, by Unicode's table of well-formed sequences
 * (3-7); 0 where none begins there. By hand: a decoder that throws takes ten times as long for bytes that are
 * none, and their author decides how many there are.
 */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  const second = bytes[at + 1] ?? 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let more = 2; more < length; more++) {
    if (((bytes[at + more] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/** Stretches of text as strings, and each byte that belongs to no character as a number. */
export function* piecesOf(bytes: Uint8Array): Generator<string | number> {
  // Nearly all text is whole: then nothing need look at each byte.
  const whole = decode(bytes);
  if (!whole.includes('\uFFFD')) {
    if (whole !== '') yield whole;
    return;
  }
  let start = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = characterLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > start) yield decode(bytes.subarray(start, at));
    yield bytes[at] as number;
    start = ++at;
  }
  if (at > start) yield decode(bytes.subarray(start, at));
}
