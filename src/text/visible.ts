/**
 * Characters that are not seen, or that a terminal acts on, written as `<U+200B>`, and
 * bytes that are not UTF-8 as `<FF>`.
 */
import type { Tally } from './tally.js';
import { piecesOf } from './utf8.js';

const plain = /^[\t\x20-\x7e]*$/;
/** Text that reads like an escape of ours. */
const lookAlike = /<(?=(?:U\+[0-9A-F]{4,6}|[0-9A-F]{2})>)/g;

let invisible: RegExp | undefined;

/**
 * Matches by Unicode's own properties: controls (with NEL), format characters (with bidirectional controls,
 * joiners and tags), separators, surrogates, private use, unassigned, and all that is ignored by
 * default (variation selectors, Hangul fillers). Besides them what is blank: spaces other than the
 * ordinary one, the empty Braille pattern, and fillers that Unicode counts among symbols and marks.
 */
function pattern(): RegExp {
  invisible ??=
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\u2800\u{16fe4}\u{13441}\u{13442}\u{1d159}]|(?! )\p{Zs}/gu;
  return invisible;
}

/** Each invisible character of a text through `replace`; the rest stays. */
export function replaceInvisible(text: string, replace: (character: string) => string): string {
  return plain.test(text) && !text.includes('\t') ? text : text.replace(pattern(), replace);
}

/** Returns whether a text has nothing in it that is not seen as what it is. A tab is. */
export function isVisible(text: string): boolean {
  if (plain.test(text)) return !text.includes('\t');
  const found = pattern().test(text);
  pattern().lastIndex = 0;
  return !found;
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  return code < 0x80 ? `<${hex.padStart(2, '0')}>` : `<U+${hex.padStart(4, '0')}>`;
}

/** A line for people, one of our own with names from elsewhere in it; tabs stay. What it gives comes through it unchanged. */
export const displayText = (text: string): string => visible(text);

/** Escapes like {@link displayText}, and counts what was escaped. */
export function visible(text: string, tally?: Tally): string {
  if (plain.test(text)) return text;
  return text.replace(pattern(), (character) => {
    if (character === '\t') return character;
    const shown = escapeOf(character);
    tally?.characters.add(shown);
    return shown;
  });
}

/**
 * A line of a file for people. Two different lines never look the same: what reads like an escape in
 * the line itself is shown as `<3C>U+200B>`.
 */
export function visibleBytes(bytes: Uint8Array, tally?: Tally): string {
  let out = '';
  for (const piece of piecesOf(bytes)) {
    if (typeof piece === 'string') {
      out += visible(piece.replace(lookAlike, '<3C>'), tally);
    } else {
      const shown = `<${piece.toString(16).toUpperCase()}>`;
      tally?.bytes.add(shown);
      out += shown;
    }
  }
  return out;
}
