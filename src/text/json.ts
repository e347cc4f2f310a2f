/** JSON for programs, safe where a terminal shows it. */
import { replaceInvisible } from './visible.js';

const unit = (character: string, at: number): string =>
  `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;

/**
 * Returns the same value as `JSON.stringify(value, replacer, 2)` has, with `\uXXXX` for what is invisible in
 * strings: JSON itself only escapes what is below U+0020.
 */
export function jsonText(
  value: unknown,
  replacer?: (key: string, value: unknown) => unknown,
): string {
  return JSON.stringify(value, replacer, 2)
    .split('\n')
    .map((line) =>
      replaceInvisible(line, (character) =>
        Array.from({ length: character.length }, (_, at) => unit(character, at)).join(''),
      ),
    )
    .join('\n');
}
