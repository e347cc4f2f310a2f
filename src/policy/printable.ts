/** Stage: policy. Text of others on its way to a terminal. */

/** Controls, bidirectional overrides and other characters that a terminal acts on. */
const acting = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Replaces what a terminal would act on by its code point. */
export function printable(text: string): string {
  return text.replaceAll(acting, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`;
  });
}
