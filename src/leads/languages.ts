/** The languages whose packages wasbox knows to be missing, by their interpreters. */
import { posix } from 'node:path';

export type Language = 'Python' | 'Node' | 'Ruby';

/** The interpreters of each language: the first is looked for where the program is another. */
export const interpreters: Readonly<Record<Language, readonly [name: string, all: RegExp]>> = {
  Python: ['python3', /^python[\d.]*$/],
  Node: ['node', /^(?:node|nodejs|tsx|ts-node|bun)$/],
  Ruby: ['ruby', /^j?ruby[\d.]*$/],
};
export const languages = Object.keys(interpreters) as readonly Language[];

/** Returns the language whose interpreter a program is. */
export const languageOf = (path: string): Language | undefined =>
  languages.find((language) => interpreters[language][1].test(posix.basename(path)));
