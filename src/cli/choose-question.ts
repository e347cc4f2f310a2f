/**
 * Questions that are answered by a letter and Enter, and what may be answered. The letters and words of
 * `wasbox apply -i` are those of `git add -p`.
 */
import { readLine } from './read-line.js';
import { err, style } from './terminal.js';

/** Answers by their letter, with what they mean; `p` and `?` are for every question. */
type Answers<A extends string> = Readonly<Record<A, string>>;

export const fileAnswers: Answers<'y' | 'n' | 'q' | 'a' | 'd'> = {
  y: 'apply this change',
  n: 'do not apply this change',
  q: 'quit; do not apply this change or any of the remaining ones',
  a: 'apply this change and all later ones in its directory',
  d: 'do not apply this change or any of the later ones in its directory',
};

export const directoryAnswers: Answers<'y' | 'n' | 'q' | 's'> = {
  y: 'apply the changes in this directory',
  n: 'do not apply the changes in this directory',
  q: 'quit; do not apply these changes or any of the remaining ones',
  s: 'split the directory into its changes',
};

const common = { p: 'print all of the diff', '?': 'print help' };

/** Asks until there is an answer; the end of the input means `q`. */
export function ask<A extends string>(
  question: string,
  answers: Answers<A>,
  showDiff: () => void,
): A | 'q' {
  const keys = Object.keys({ ...answers, ...common }).join(',');
  for (;;) {
    err(`${question} [${keys}]? `);
    const answer = readLine()?.trim().toLowerCase();
    if (answer === undefined) return 'q';
    if (Object.hasOwn(answers, answer)) return answer as A;
    if (answer === 'p') showDiff();
    else {
      const all = Object.entries({ ...answers, ...common });
      err(all.map(([key, meaning]) => `${key} - ${meaning}\n`).join(''));
    }
  }
}

/** Asks what only a yes allows: Enter alone, or the end of the input, is a no. */
export function agrees(question: string): boolean {
  err(`${style(2, 'bold', question)} [y/N]? `);
  return /^y(?:es)?$/.test(readLine()?.trim().toLowerCase() ?? '');
}
