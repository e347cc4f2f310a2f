/**
 * Paths as bytes, and their one form for people.
 *
 * A name comes from the payload: it may hold a newline, an escape sequence or bytes that are no
 * text. What is shown never reaches a terminal unescaped and never opens a file.
 */
import { isVisible, piecesOf, replaceInvisible } from '../../text/index.js';

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

const simple: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;
const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;

/** Whether all is ASCII that stands for itself, without a space. */
function isPlain(path: Uint8Array): boolean {
  return path.every((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c);
}

/**
 * As it is where every character is plain, else in double quotes with escapes; in quotes also where it
 * could be taken for a name and what is said of it.
 */
function quoted(path: Uint8Array, escapeByte: (byte: number) => string): string {
  if (isPlain(path)) return Buffer.from(path).toString('latin1');
  const pieces = [...piecesOf(path)];
  const [whole] = pieces;
  if (pieces.length === 1 && typeof whole === 'string') {
    if (isVisible(whole) && !/["\\]|^ | $|: /.test(whole)) return whole;
  }
  const escapeAll = (bytes: Uint8Array): string => Array.from(bytes, escapeByte).join('');
  const text = (piece: string): string =>
    replaceInvisible(
      piece.replace(/[\n\t\r"\\]/g, (character) => simple[character] ?? ''),
      (character) => escapeAll(Buffer.from(character)),
    );
  return `"${pieces.map((piece) => (typeof piece === 'string' ? text(piece) : escapeByte(piece))).join('')}"`;
}

/**
 * The path for people: as it is where every character is plain, else in double quotes with
 * `\n`, `\"`, `\\` and `\xNN` (bytes of UTF-8) escapes. Two different paths never look the same.
 */
export const displayPath = (path: Uint8Array): string => quoted(path, hex);

/** The same as git writes and reads it in a patch: `\NNN`, octal, in place of `\xNN`. */
export const gitPath = (path: Uint8Array): string => quoted(path, octal);
