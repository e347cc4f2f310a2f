/** Stage: text. Bytes that are mostly UTF-8: the text in them, and the bytes that are none. */

// Made when it is first needed: it takes longer than many a run's whole end.
let decoder: TextDecoder | undefined;

function decode(bytes: Uint8Array): string | undefined {
  try {
    decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** How many bytes a UTF-8 sequence that starts with this byte has; 1 for what cannot start one. */
function sequenceLength(first: number): number {
  if (first >= 0xf0 && first <= 0xf4) return 4;
  if (first >= 0xe0) return first <= 0xef ? 3 : 1;
  return first >= 0xc2 ? 2 : 1;
}

/** Stretches of text as strings, and each byte that belongs to no character as a number. */
export function* piecesOf(bytes: Uint8Array): Generator<string | number> {
  const whole = decode(bytes);
  if (whole !== undefined) {
    if (whole !== '') yield whole;
    return;
  }
  for (let at = 0; at < bytes.length; ) {
    const start = at;
    while (at < bytes.length && (bytes[at] as number) < 0x80) at++;
    if (at > start) {
      yield decode(bytes.subarray(start, at)) ?? '';
      continue;
    }
    const sequence = bytes.subarray(at, at + sequenceLength(bytes[at] as number));
    const character = decode(sequence);
    yield character ?? (bytes[at] as number);
    at += character === undefined ? 1 : sequence.length;
  }
}
