/** Reads what a session executes: words, or code in a language. All names are looked up inside the sandbox. */
import { posix } from 'node:path';
import { byInterface, misuse, UsageError } from '../errors/index.js';
import { suggest } from '../options/index.js';
import { WB_EXEC_PATHS_MAX } from '../plan/index.js';
import { languageByName, languageNames } from '../resolve/index.js';

/** A command with its arguments: looked up in PATH inside, and never given to a shell. */
export type ExecWords = readonly [command: string, ...args: string[]] | readonly string[];

/** Names a command and its arguments. */
export interface ExecCommand {
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  readonly code?: undefined;
  readonly lang?: undefined;
}

/** Source text. */
export interface ExecCode {
  readonly command?: undefined;
  readonly code: string;
  /**
   * The language of `code`: `python`, `node`, `sh`, `bash`, `ruby`, `perl` …
   * @default 'sh'
   */
  readonly lang?: string | undefined;
  /** Arguments of the code. */
  readonly args?: readonly string[] | undefined;
}

export type ExecProgram = ExecWords | ExecCommand | ExecCode;

/** Longest single word that execve(2) takes (MAX_ARG_STRLEN). */
const wordLimit = 131_072;

/** The call that a message names: MCP has one for words and one for code. */
const caller = (mcp: 'run_command' | 'run_code' = 'run_command'): string =>
  byInterface({ command: 'session.exec', library: 'session.exec', mcp });

/** How text becomes a file inside. */
const toFile = (): string =>
  byInterface({
    command: 'Write it to a file and run that',
    library: 'Write it to a file with session.files.write() and run that',
    mcp: 'Write it to a file with write_file and run that with run_command',
  });

const example = (): string =>
  `Example: ${byInterface({
    command: "session.exec(['make', 'test'])",
    library: "session.exec(['make', 'test'])",
    mcp: 'command: "make test"',
  })}`;

const wrong = (message: string, hint: string): UsageError =>
  new UsageError('ERR_OPTION_VALUE', message, { hint });

function checkText(what: string, text: unknown): asserts text is string {
  if (typeof text !== 'string') throw misuse(`${caller()}: ${what} must be a string`);
  if (text.includes('\0'))
    throw wrong(
      `${what} must not contain NUL`,
      byInterface({
        command: 'Pass bytes through `input`.',
        library: 'Pass bytes through `input`.',
        mcp: 'Pass such text through `stdin`.',
      }),
    );
  if (Buffer.byteLength(text) >= wordLimit) {
    throw wrong(
      `${what} is too long: a word may have ${wordLimit - 1} bytes`,
      `${toFile()}, or pass it through ${byInterface({ command: '`input`', library: '`input`', mcp: '`stdin`' })}.`,
    );
  }
}

function checkWords(what: string, words: unknown): asserts words is readonly string[] {
  if (!Array.isArray(words)) throw misuse(`${caller()}: ${what} must be an array of strings`);
  for (const [i, word] of words.entries()) checkText(`${what}[${i}]`, word);
}

/** The words of a program; several sets where the first interpreter that is installed is to be taken. */
export function wordsOf(program: ExecProgram): readonly (readonly string[])[] {
  if (Array.isArray(program)) {
    checkWords('argv', program);
    if (program[0] === undefined || program[0] === '') {
      throw wrong(`${caller()}: no command given`, example());
    }
    return [program];
  }
  if (typeof program !== 'object' || program === null) {
    const expected = 'an array of words, { command, args } or { lang, code } expected';
    const line = typeof program === 'string' ? JSON.stringify(program) : 'LINE';
    throw new UsageError('ERR_USAGE', `session.exec(program): ${expected}`, {
      hint: `For a shell's line: session.exec({ lang: 'sh', code: ${line} })`,
    });
  }
  const { command, ...others } = program as ExecCommand | ExecCode;
  if (command !== undefined) return [commandWords(command, others)];
  const { code, lang = 'sh', args = [], ...rest } = others as ExecCode;
  const odd = Object.keys(rest)[0];
  if (odd !== undefined) {
    throw new UsageError('ERR_OPTION_UNKNOWN', `session.exec: a program has no ${odd}`, {
      hint: 'It has command and args, or code, lang and args. Options are the second argument.',
    });
  }
  if (code === undefined) throw wrong(`${caller()}: no command given`, example());
  checkText('code', code);
  checkWords('args', args);
  return codeWords(code, lang, args);
}

function commandWords(command: unknown, given: Omit<ExecCommand | ExecCode, 'command'>): string[] {
  const { args = [], ...rest } = given;
  const odd = Object.entries(rest).find(([, value]) => value !== undefined)?.[0];
  if (odd !== undefined) {
    throw misuse(`session.exec: a program has either command or ${odd}, and args`);
  }
  checkText('command', command);
  if (command === '') {
    throw wrong(`${caller()}: no command given`, example());
  }
  checkWords('args', args);
  return [command, ...args];
}

/** Languages that take code on their command line. */
const inlineNames = (): string =>
  languageNames()
    .filter((name) => languageByName(name)?.inline !== undefined)
    .join(', ');

function codeWords(code: string, lang: string, args: readonly string[]): string[][] {
  const language = typeof lang === 'string' ? languageByName(lang) : undefined;
  if (language === undefined) {
    const near = typeof lang === 'string' ? suggest(lang, languageNames()) : undefined;
    throw wrong(
      `${caller('run_code')}: unknown language ${JSON.stringify(lang)}`,
      near === undefined ? `Languages: ${inlineNames()}` : `Did you mean ${near}?`,
    );
  }
  if (language.inline === undefined) {
    throw wrong(
      `${caller('run_code')}: ${language.name} takes no code on its command line`,
      `${toFile()}.`,
    );
  }
  const { before, after = [] } = language.inline;
  return language.interpreters.map(([program, ...words]) => [
    program,
    ...(before[0] === '--' ? [] : words),
    ...before,
    code,
    ...after,
    ...args,
  ]);
}

/** Where execvp(3) would look for a command; the kernel resolves a relative path from the directory. */
export function pathsOf(command: string, path: string, cwd: string): string[] {
  if (command.includes('/')) return [command];
  const directories = path.split(':').map((entry) => posix.resolve(cwd, entry));
  const all = [...new Set(directories)].map((directory) => posix.join(directory, command));
  return all.slice(0, WB_EXEC_PATHS_MAX);
}
