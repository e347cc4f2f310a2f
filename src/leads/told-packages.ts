/** Packages that a program's last output says are missing, where its own text does not name them. */
import type { Host } from '../host/index.js';
import { shellQuote } from '../options/index.js';
import { interpreters, type Language, languageOf, languages } from './languages.js';
import type { LastOutput } from './last-output.js';
import { pathOf } from './on-path.js';
import { type FailedRun, packageLeads } from './packages.js';

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
  const Python = [...last.imports.Python, ...startedModules(run.named ?? run.text)];
  const imports = { ...last.imports, Python };
  return [
    ...lines,
    ...languages.flatMap((language) => ofInterpreter(language, run, imports, host)),
  ];
}

/** Modules that a shell's line or a recipe starts. Debian's own ones are told by Python itself. */
const started =
  /\bpython3?(?:\.\d{1,3})?[ \t]+(?:-[A-Za-z]+[ \t]+){0,5}?-m[ \t]+([A-Za-z_]\w{0,99})\b/g;
const ofDebian = new Set(['ensurepip', 'pip', 'venv']);

function startedModules(text: string): string[] {
  const names = [...text.matchAll(started)].map(([, name = '']) => name);
  return names.filter((name) => !ofDebian.has(name)).map((name) => `import ${name}`);
}

function ofInterpreter(
  language: Language,
  run: FailedRun,
  imports: LastOutput['imports'],
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
