import { expect, test } from 'vitest';
import {
  displayPath,
  displayText,
  escapedNote,
  isVisible,
  jsonText,
  piecesOf,
  replaceInvisible,
  Tally,
  visible,
  visibleBytes,
} from '../../../src/text/index.js';

/** A family each; the name says what it does in a line of code. */
const invisible: readonly [string, number][] = [
  ['escape', 0x1b],
  ['delete', 0x7f],
  ['next line', 0x85],
  ['control sequence introducer', 0x9b],
  ['no-break space', 0xa0],
  ['soft hyphen', 0xad],
  ['combining grapheme joiner', 0x34f],
  ['Arabic letter mark', 0x61c],
  ['Hangul choseong filler', 0x115f],
  ['Hangul jungseong filler', 0x1160],
  ['Khmer inherent vowel', 0x17b4],
  ['Mongolian variation selector', 0x180b],
  ['Mongolian vowel separator', 0x180e],
  ['hair space', 0x200a],
  ['zero-width space', 0x200b],
  ['zero-width joiner', 0x200d],
  ['right-to-left mark', 0x200f],
  ['line separator', 0x2028],
  ['paragraph separator', 0x2029],
  ['right-to-left override', 0x202e],
  ['word joiner', 0x2060],
  ['invisible plus', 0x2064],
  ['unassigned, ignored', 0x2065],
  ['right-to-left isolate', 0x2067],
  ['empty Braille pattern', 0x2800],
  ['ideographic space', 0x3000],
  ['Hangul filler', 0x3164],
  ['surrogate', 0xd800],
  ['private use', 0xe000],
  ['variation selector 16', 0xfe0f],
  ['byte order mark', 0xfeff],
  ['half-width Hangul filler', 0xffa0],
  ['unassigned, ignored', 0xfff0],
  ['interlinear annotation', 0xfff9],
  ['noncharacter', 0xffff],
  ['Khitan filler', 0x16fe4],
  ['shorthand format control', 0x1bca0],
  ['musical null notehead', 0x1d159],
  ['musical beam', 0x1d173],
  ['tag', 0xe0041],
  ['variation selector 17', 0xe0100],
  ['private use plane', 0xf0000],
  ['last of all', 0x10ffff],
];

test.each(invisible)('%s is shown by its number', (_name, code) => {
  const text = `a${String.fromCodePoint(code)}b`;
  const hex = code.toString(16).toUpperCase();
  const shown = `a${code < 0x80 ? `<${hex}>` : `<U+${hex.padStart(4, '0')}>`}b`;
  const tally = new Tally();
  expect(visible(text, tally)).toBe(shown);
  expect(displayText(text)).toBe(shown);
  expect(tally.characters.total).toBe(1);
  expect(isVisible(text)).toBe(false);
  expect(JSON.parse(jsonText(text))).toBe(text);
  expect(jsonText(text)).toMatch(/^[\x20-\x7e]*$/);
});

test('visible text stays, in any script', () => {
  for (const text of [
    'plain #!/bin/sh',
    'größe',
    '日本語',
    'العربية',
    'हिन्दी',
    '한국어',
    '→ “x” — …',
    '👩🎉',
    'e\u0301',
  ]) {
    expect(displayText(text)).toBe(text);
    expect(isVisible(text)).toBe(true);
  }
  expect(displayText('a\tb')).toBe('a\tb');
  expect(isVisible('a\tb')).toBe(false);
});

test('an emoji of several characters is taken apart, since so is anything that looks like one', () => {
  const tally = new Tally();
  expect(visible('👩\u200d💻 ❤\ufe0f', tally)).toBe('👩<U+200D>💻 ❤<U+FE0F>');
  expect(tally.notes('escaped as')).toEqual([
    '2 invisible characters escaped as <U+200D>, <U+FE0F>',
  ]);
});

test('no code point that Unicode ignores by default, or that turns text round, gets through', () => {
  const hidden =
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/u;
  for (let from = 0; from < 0x110000; from += 0x1000) {
    let text = '';
    for (let code = from; code < from + 0x1000; code++) {
      if (code !== 9 && (code < 0xd800 || code > 0xdfff)) text += String.fromCodePoint(code);
    }
    expect(hidden.test(displayText(text)), from.toString(16)).toBe(false);
  }
});

test('bytes that are not UTF-8 are shown one by one, and the text around them as it is', () => {
  const tally = new Tally();
  const bytes = Buffer.concat([
    Buffer.from('grün'),
    Buffer.of(0xff, 0xc3),
    Buffer.from('(ß\u200b'),
  ]);
  expect(visibleBytes(bytes, tally)).toBe('grün<FF><C3>(ß<U+200B>');
  expect(tally.notes('escaped as')).toEqual([
    '1 invisible character escaped as <U+200B>',
    '2 bytes that are not UTF-8 escaped as <FF>, <C3>',
  ]);
  // Overlong forms, surrogates and what is beyond the last code point are not UTF-8.
  for (const bad of [
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x80],
  ]) {
    expect(visibleBytes(Buffer.from(bad))).toBe(
      bad.map((byte) => `<${byte.toString(16).toUpperCase()}>`).join(''),
    );
  }
});

test('two different lines never look the same', () => {
  expect(visibleBytes(Buffer.from('<U+200B>'))).toBe('<3C>U+200B>');
  expect(visibleBytes(Buffer.from('<FF> <3C> <1B>'))).toBe('<3C>FF> <3C>3C> <3C>1B>');
  expect(visibleBytes(Buffer.from('<b>x</b> <UL> a<ff>'))).toBe('<b>x</b> <UL> a<ff>');
  const seen = new Map<string, string>();
  for (const first of ['<', '<U+', 'a', '\u200b', '\x1b']) {
    for (const second of ['1B>', '200B>', '3C>', '\xff', '>', '']) {
      for (const bytes of [Buffer.from(first + second), Buffer.from(first + second, 'latin1')]) {
        const key = bytes.toString('hex');
        const shown = visibleBytes(bytes);
        expect(seen.get(shown) ?? key).toBe(key);
        seen.set(shown, key);
      }
    }
  }
});

test('text that was shown once is not escaped again', () => {
  const once = displayText('a\u200b<b>\x1b');
  expect(displayText(once)).toBe(once);
});

test('JSON keeps its lines and its value', () => {
  const value = {
    name: 'a\u202eb\u009b',
    list: ['\u{e0041}', 'tab\t', 'zwj\u200d'],
    half: '\ud800',
  };
  const text = jsonText(value);
  expect(JSON.parse(text)).toEqual(value);
  expect(text).toMatch(/^[\n\x20-\x7e]*$/);
  expect(text.split('\n')).toHaveLength(JSON.stringify(value, null, 2).split('\n').length);
  expect(replaceInvisible('a\u{e0041}', (character) => String(character.length))).toBe('a2');
});

test('the decoder takes all that is UTF-8', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const firsts = [
    0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1,
    0xf3, 0xf4, 0xf5, 0xff,
  ];
  const others = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
  const check = (bytes: Uint8Array): void => {
    let text: string | undefined;
    try {
      text = decoder.decode(bytes);
    } catch {
      // no UTF-8
    }
    const pieces = [...piecesOf(bytes)];
    expect(
      pieces.every((piece) => typeof piece === 'string'),
      String(bytes),
    ).toBe(text !== undefined);
    if (text !== undefined) expect(pieces.join('')).toBe(text);
    const back = pieces.map((piece) =>
      typeof piece === 'string' ? Buffer.from(piece) : Buffer.of(piece),
    );
    expect(Buffer.concat(back).equals(bytes)).toBe(true);
  };
  for (const a of firsts) {
    check(Buffer.of(a));
    for (const b of others) {
      check(Buffer.of(a, b));
      for (const c of others) {
        check(Buffer.of(a, b, c));
        check(Buffer.of(a, b, c, 0xbf));
        check(Buffer.of(a, b, c, 0x41));
      }
    }
  }
});

test('a file of bytes that are not text costs no more than another', () => {
  const start = process.cpuUsage();
  const shown = visibleBytes(Buffer.alloc(2 * 1024 * 1024, 0xff));
  expect(shown).toHaveLength(8 * 1024 * 1024);
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(5);
});

test('lines that people see say how much in them is escaped, however it is', () => {
  expect(escapedNote(['plain', 'C:\\\\x41 <b> <UL>'])).toBe(undefined);
  expect(escapedNote([displayText('a\u200b')])).toBe(
    '1 invisible character in these lines is escaped',
  );
  const path = displayPath(Buffer.from('n\u200b\ufe0f\u0085\u{e0041}/\x1b'));
  expect(escapedNote([path, JSON.stringify('\x1b'), displayText('\u202e')])).toBe(
    '7 invisible characters in these lines are escaped',
  );
  expect(
    escapedNote([displayPath(Buffer.from('back\\x41slash')), displayPath(Buffer.of(0xff, 0x0a))]),
  ).toBe('1 invisible character in these lines is escaped');
});
