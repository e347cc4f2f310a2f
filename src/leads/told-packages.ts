/** Packages that a program's last output says are missing, where its own text does not name them. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { shellQuote } from '../options/index.js';
import type { Language, LastOutput } from './last-output.js';
import { pathOf } from './on-path.js';
import { type FailedRun, packageLeads } from './packages.js';

/** The interpreters of each language: the first is looked for where the program is another. */
const interpreters: Readonly<Record<Language, readonly [name: string, all: RegExp]>> = {
  Python: ['python3', /^python[\d.]*$/],
  Node: ['node', /^(?:node|nodejs|tsx|ts-node|bun)$/],
  Ruby: ['ruby', /^j?ruby[\d.]*$/],
};
const languages = Object.keys(interpreters) as Language[];

/** Returns the language whose interpreter a program is. */
export const languageOf = (path: string): Language | undefined =>
  languages.find((language) => interpreters[language][1].test(posix.basename(path)));

/** `--with` installs for the program that is run, or else for Python. */
const elsewhere = (language: Language, names: readonly string[]): string | undefined =>
  language === 'Node'
    ? `. To install ${names.length === 1 ? 'it' : 'them'} into this directory: wasbox run --for npm --apply -- npm install ${names.map(shellQuote).join(' ')}`
    : undefined;

/**
 * Lines for the summary of a run that failed: by its text and, for the same language, by what it wrote last; then by
 * what it wrote of other languages, whose interpreter it started.
 */
export function packagesLacked(run: FailedRun, last: LastOutput, host: Host): string[] {
  const own = languageOf(run.spec.command.path);
  const text = [...(own === undefined ? [] : last.imports[own]), run.text].join('\n');
  const lines = text.trim() === '' ? [] : packageLeads({ ...run, text }, host);
  if (run.spec.image !== undefined || own !== undefined) return lines;
  return [...lines, ...languages.flatMap((language) => ofInterpreter(language, run, last, host))];
}

function ofInterpreter(
  language: Language,
  run: FailedRun,
  { imports }: LastOutput,
  host: Host,
): string[] {
  if (imports[language].length === 0) return [];
  const inside = { ...host, env: { PATH: `${run.spec.env.PATH}:${host.env.PATH}` } };
  const path = pathOf(inside, interpreters[language][0]);
  if (path === undefined) return [];
  const spec = { ...run.spec, command: { ...run.spec.command, path } };
  const text = imports[language].join('\n');
  return packageLeads({ again: elsewhere, ...run, spec, text }, host);
}
