/** Lints that follow from the words of a rule. */
import { architectures, argumentsOf, callNumber } from '../../core/index.js';

/** Something to tell about a part of a rule; `at` counts characters from the rule's start. */
export interface WordRemark {
  readonly code: string;
  readonly at: number;
  readonly length: number;
  readonly message: string;
  readonly hint: string;
}

const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'];

/** Blanks out comments and what is between quotes; places stay. */
export const codeOnly = (text: string): string =>
  text.replaceAll(/"[^"\n]*"|#[^\n]*/g, (part) => ' '.repeat(part.length));

/** Where the kernel's own name for an argument looks like a position, and is another. */
function misnumbered(call: string, word: string): { position: number; next: string } | undefined {
  for (const { index } of architectures()) {
    const number = callNumber(index, call);
    if (number === undefined) continue;
    const own = argumentsOf(index, number);
    const position = own.findIndex(({ name, alias }) => name === word || alias === word);
    const counted = Number(word.slice(3));
    if (position >= 0 && position !== counted)
      return { position, next: own[counted]?.name ?? `arg${counted}` };
  }
  return undefined;
}

function* argumentNumbers(code: string): Generator<WordRemark> {
  const where = code.search(/\bwhere\b/);
  if (where < 0) return;
  const calls = code.slice(0, where).match(/(?<![@\w])[a-z]\w+/g) ?? [];
  for (const match of code.slice(where).matchAll(/\barg[0-5]\b/g)) {
    const [word] = match;
    for (const call of calls) {
      const found = misnumbered(call, word);
      if (found === undefined) continue;
      yield {
        code: 'argument-number',
        at: where + match.index,
        length: word.length,
        message: `\`${word}\` is the ${ordinals[found.position]} argument of ${call}, which the kernel calls so`,
        hint: `\`arg${found.position}\` is the same argument, counted from 0 like those of other calls. The ${ordinals[Number(word.slice(3))]} argument is \`${found.next}\`.`,
      };
      break;
    }
  }
}

/** `in A|B` looks like a choice and is one number. */
function* joinedValues(code: string): Generator<WordRemark> {
  for (const match of code.matchAll(/\bin\s+([A-Z]\w+(?:\s*\|\s*[A-Z]\w+)+)/g)) {
    const [, list = ''] = match;
    yield {
      code: 'joined-values',
      at: match.index,
      length: match[0].length,
      message: `\`${list}\` is one number, so only that number is in it`,
      hint: `For either of them: in [${list.split(/\s*\|\s*/).join(', ')}]`,
    };
  }
}

export function* remarksOnText(rule: string): Generator<WordRemark> {
  const code = codeOnly(rule);
  yield* argumentNumbers(code);
  yield* joinedValues(code);
}

/** Returns whether one of the files says what calls without a rule get. */
export const hasDefault = (files: readonly string[]): boolean =>
  files.some((text) => /(?:^|\s)default\b/.test(codeOnly(text)));
