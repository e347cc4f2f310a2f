/**
 * The one form in which a path is shown.
 *
 * A name comes from the payload: it may hold a newline, an escape sequence or bytes that are not
 * text. The shown form is safe for a terminal and never opens a file.
 */
import { decode, piecesOf } from './utf8.js';
import { isVisible, replaceInvisible } from './visible.js';

const simple: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;
const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;

/** Returns whether every byte is printable ASCII that needs no escape; a space does. */
function isPlain(path: Uint8Array): boolean {
  return path.every((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c);
}

/**
 * Unchanged where every character is plain, else in double quotes with escapes. Also quoted where the
 * path could be read as a name and a remark about it (`: `).
 */
function quoted(path: Uint8Array, escapeByte: (byte: number) => string): string {
  if (isPlain(path)) return decode(path);
  const pieces = [...piecesOf(path)];
  const [whole] = pieces;
  if (pieces.length === 1 && typeof whole === 'string') {
    if (isVisible(whole) && !/["\\]|^ | $|: /.test(whole)) return whole;
  }
  const escapeAll = (bytes: Uint8Array): string => Array.from(bytes, escapeByte).join('');
  const text = (piece: string): string =>
    replaceInvisible(
      piece.replace(/[\n\t\r"\\]/g, (character) => simple[character] ?? ''),
      (character) => escapeAll(new TextEncoder().encode(character)),
    );
  return `"${pieces.map((piece) => (typeof piece === 'string' ? text(piece) : escapeByte(piece))).join('')}"`;
}

/**
 * The path for people: unchanged where every character is plain, else in double quotes with
 * `\n`, `\"`, `\\` and `\xNN` (bytes of UTF-8) escapes. Two different paths never look the same.
 */
export const displayPath = (path: Uint8Array): string => quoted(path, hex);

/** Returns the path in git's form for patches: octal `\NNN` instead of `\xNN`. */
export const gitPath = (path: Uint8Array): string => quoted(path, octal);
