/**
 * Stage: changes. Paths as bytes, and their one form for people.
 *
 * A name comes from the payload: it may hold a newline, an escape sequence or bytes that are no
 * text. What is shown never reaches a terminal unescaped and never opens a file.
 */

export const emptyPath: Buffer = Buffer.alloc(0);
const SLASH = 0x2f;

/** `parent/name` as bytes; the root is empty. */
export function joinPath(parent: Buffer, name: Buffer): Buffer {
  return parent.length === 0 ? name : Buffer.concat([parent, Buffer.of(SLASH), name]);
}

/** The names of a relative path. */
export function splitPath(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  let from = 0;
  for (let at = 0; at <= path.length; at++) {
    if (at === path.length || path[at] === SLASH) {
      if (at > from) names.push(path.subarray(from, at));
      from = at + 1;
    }
  }
  return names;
}

/** A key for maps: one character a byte, so that different bytes never meet. */
export function pathKey(path: Buffer): string {
  return path.toString('latin1');
}

/** Whether `path` is `ancestor` or lies below it. */
export function isWithin(path: Buffer, ancestor: Buffer): boolean {
  if (ancestor.length === 0) return true;
  if (path.length < ancestor.length) return false;
  if (!path.subarray(0, ancestor.length).equals(ancestor)) return false;
  return path.length === ancestor.length || path[ancestor.length] === SLASH;
}

// Made when they are first needed: each takes longer than many a run's whole end.
let decoder: TextDecoder | undefined;
let unsafe: RegExp | undefined;

/** Whether text is not printed as it is: controls, line separators, invisible and direction-changing marks. */
function isUnsafe(text: string): boolean {
  unsafe ??=
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\u115f\u1160\u3164\uffa0]|\p{Default_Ignorable_Code_Point}/u;
  return unsafe.test(text);
}

const simple: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

function escapeBytes(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/** How many bytes a UTF-8 sequence that starts with this byte has; 1 for what cannot start one. */
function sequenceLength(first: number): number {
  if (first >= 0xf0 && first <= 0xf4) return 4;
  if (first >= 0xe0) return first <= 0xef ? 3 : 1;
  return first >= 0xc2 ? 2 : 1;
}

function decodeOrUndefined(bytes: Uint8Array): string | undefined {
  try {
    decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whether all is ASCII that stands for itself, without a space. */
function isPlain(path: Uint8Array): boolean {
  return path.every((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c);
}

/**
 * The path for people: as it is where every character is plain, else in double quotes with
 * `\n`, `\"`, `\\` and `\xNN` (bytes of UTF-8) escapes. Two different paths never look the same.
 */
export function displayPath(path: Uint8Array): string {
  if (isPlain(path)) return Buffer.from(path).toString('latin1');
  const whole = decodeOrUndefined(path);
  if (whole !== undefined && !isUnsafe(whole) && !/["\\]|^ | $/.test(whole)) return whole;
  let out = '';
  for (let at = 0; at < path.length; ) {
    const slice = path.subarray(at, at + sequenceLength(path[at] as number));
    const text = decodeOrUndefined(slice);
    if (text === undefined) {
      out += escapeBytes(path.subarray(at, at + 1));
      at += 1;
      continue;
    }
    out += simple[text] ?? (isUnsafe(text) ? escapeBytes(slice) : text);
    at += slice.length;
  }
  return `"${out}"`;
}

/** Text from an untrusted file, one line, safe for a terminal: controls become visible. */
export function displayText(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) =>
    char === '\t' ? char : char === '\uFEFF' ? '\\ufeff' : escapeChar(char.codePointAt(0) ?? 0),
  );
}

function escapeChar(code: number): string {
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
