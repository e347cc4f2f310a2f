/** How much in shown text is an escape: so that a few of them in a long report are not overlooked. */
import { piecesOf } from './utf8.js';

/** `<U+200B>`, `<1B>`; `\u001b` of JSON; bytes of a path, of which several may be one character. */
const escapes = /\\\\|<(?:U\+[0-9A-F]{4,6}|[0-9A-F]{2})>|\\u[0-9a-f]{4}|(?:\\x[0-9a-f]{2})+/g;

function charactersIn(found: string): number {
  if (found === '\\\\') return 0;
  if (!found.startsWith('\\x')) return 1;
  const bytes = Uint8Array.from(found.match(/[0-9a-f]{2}/g) ?? [], (hex) =>
    Number.parseInt(hex, 16),
  );
  let count = 0;
  for (const piece of piecesOf(bytes)) count += typeof piece === 'string' ? [...piece].length : 1;
  return count;
}

/** Returns what to say of lines that people see; undefined where nothing in them is escaped. */
export function escapedNote(lines: readonly string[]): string | undefined {
  let count = 0;
  for (const line of lines) {
    for (const [found] of line.matchAll(escapes)) count += charactersIn(found);
  }
  if (count === 0) return undefined;
  return count === 1
    ? '1 invisible character in these lines is escaped'
    : `${count} invisible characters in these lines are escaped`;
}
