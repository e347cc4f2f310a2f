/** The questions of `wasbox apply -i`, and what may be answered. */
import { readLine } from './read-line.js';
import { err } from './terminal.js';

/** Answers by their letter, with what they mean; `d` and `?` are for every question. */
type Answers<A extends string> = Readonly<Record<A, string>>;

export const fileAnswers: Answers<'y' | 'n' | 'a' | 'q'> = {
  y: 'apply this change',
  n: 'skip it; it stays in the run',
  a: 'apply this and all that is left below its directory, but for what must be named',
  q: 'quit; skip this and all later',
};

export const directoryAnswers: Answers<'a' | 'f' | 'n' | 'q'> = {
  a: 'apply all below, but for what must be named',
  f: 'ask about each file',
  n: 'skip all below; it stays in the run',
  q: 'quit; skip this and all later',
};

const common = { d: 'show the diff', '?': 'show this help' };

/** Asks until there is an answer; the end of the input means `q`. */
export function ask<A extends string>(
  question: string,
  answers: Answers<A>,
  showDiff: () => void,
): A | 'q' {
  const letters = Object.keys(answers);
  const keys = [...letters.slice(0, -1), 'd', letters.at(-1), '?'].join(',');
  for (;;) {
    err(`${question} [${keys}]? `);
    const answer = readLine()?.trim().toLowerCase();
    if (answer === undefined) return 'q';
    if (Object.hasOwn(answers, answer)) return answer as A;
    if (answer === 'd') showDiff();
    else {
      const all = Object.entries({ ...answers, ...common });
      err(all.map(([key, meaning]) => `  ${key}  ${meaning}\n`).join(''));
    }
  }
}
