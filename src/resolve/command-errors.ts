/** Words the errors for an operand that names nothing that can be run. */
import { posix } from 'node:path';
import { byInterface, UsageError } from '../errors/index.js';
import { isWithin } from '../host/index.js';
import { shellQuote, spoken, suggest } from '../options/index.js';
import type { Sniffed } from './detect-language.js';
import type { Draft } from './draft.js';
import { languageByExtension } from './languages.js';
import { pathEntries } from './path-entries.js';
import { cargoHosts } from './registry-hosts.js';

const shellWords = new Set(
  'alias cd eval exec exit export for if read set source trap ulimit umask unset until while .'.split(
    ' ',
  ),
);

/** Programs that are packages of Python's index of the same name, and that scripts and guides start by their name. */
const pythonTools = new Set(
  'pytest black ruff mypy flake8 pylint tox flask uvicorn gunicorn jupyter ipython yt-dlp streamlit scrapy ansible poetry httpie pre-commit cookiecutter mkdocs isort'.split(
    ' ',
  ),
);

/** True for a program that `--with` gives. */
export const isPythonTool = (name: string): boolean => pythonTools.has(name);

export function notFound(draft: Draft, command: string, named: string): UsageError {
  if (draft.host.files.stat(named)?.kind === 'directory') {
    const start = spoken`wasbox run --chdir ${shellQuote(command)} -- COMMAND`;
    return new UsageError('ERR_SCRIPT_UNREADABLE', `${command}: is a directory`, {
      hint: `Give a script or a program. To start one in that directory: ${start}`,
    });
  }
  const bare = !command.includes('/');
  const message = bare
    ? `${command}: not found, neither as a file here nor as a command in PATH`
    : `${command}: no such file`;
  return new UsageError('ERR_SCRIPT_NOT_FOUND', message, {
    hint: hintFor(draft, command, named),
  });
}

/** Names code for a shell, in the words of the interface in use. */
const shellCode = (line: string): string =>
  byInterface({
    command: `wasbox run -c ${shellQuote(line)}`,
    library: `{ lang: 'sh', code: ${JSON.stringify(line)} }`,
    mcp: 'give it as command of run_command, in one text',
  });

function hintFor(draft: Draft, command: string, named: string): string | undefined {
  if (/^https?:\/\//.test(command)) {
    return `To run a script from the web: curl -fsSL ${shellQuote(command)} | wasbox run -`;
  }
  if (shellWords.has(command)) {
    const line = [command, ...(draft.options.args ?? [])].join(' ');
    return `${command} is a shell builtin: ${shellCode(line)}`;
  }
  if (pythonTools.has(command) && draft.image === undefined) {
    const line = [command, ...(draft.options.args ?? [])].map(shellQuote).join(' ');
    return spoken`To install it for this run: wasbox run --with ${command} -- ${line}`;
  }
  if (/^[A-Za-z_]\w*=/.test(command)) {
    return spoken`To set a variable, for each of them: --env ${shellQuote(command)}`;
  }
  if (/\s/.test(command)) {
    const code = shellCode(command);
    return `wasbox does not start a shell by itself. For a shell command: ${code}`;
  }
  if (/^[^:]+:\//.test(command)) {
    return spoken`To mount a path: --ro ${shellQuote(command)}, or --rw to make it writable (-v is --verbose)`;
  }
  if (command.startsWith('~'))
    return 'The shell does not expand a quoted ~. Write "$HOME/…" instead.';
  const inWorkdir = posix.resolve(draft.workdir.start.path, command);
  if (inWorkdir !== named && draft.host.files.stat(inWorkdir)?.kind === 'file') {
    return `Scripts are relative to the current directory. Did you mean ${shellQuote(inWorkdir)}?`;
  }
  const { files } = draft.host;
  const here = files.list(posix.dirname(named));
  const bare = posix.basename(named);
  // A script's name without its extension, and another near name after that.
  const scripts = here.filter((name) => name.startsWith(`${bare}.`) && languageByExtension(name));
  const near = scripts.length === 1 ? scripts[0] : suggest(bare, here);
  if (near === undefined) {
    const programs = command.includes('/')
      ? []
      : pathEntries(draft).flatMap((at) => files.list(at));
    const program = suggest(command, programs);
    return program === undefined ? undefined : `Did you mean ${shellQuote(program)}?`;
  }
  const path = posix.join(posix.dirname(command), near);
  return `Did you mean ${shellQuote(path)}?`;
}

/** The error for code that sh would get, since nothing names another interpreter, and that is surely none of sh's. */
export function notShell({ lang, label }: Sniffed, display: '-' | '-c'): UsageError {
  const what = display === '-' ? 'the script on stdin' : 'the code of -c';
  const rest = display === '-' ? '-' : '-c CODE';
  return new UsageError(
    'ERR_UNKNOWN_TYPE',
    `${what} looks like ${label}, but has no #! line that names an interpreter`,
    {
      hint:
        lang === undefined
          ? spoken`Check the download. To run it with sh anyway: wasbox run --lang sh ${rest}`
          : spoken`Give the language: wasbox run --lang ${lang} ${rest}`,
    },
  );
}

/** How to run a file that is not a script, by its extension. */
const usual: Readonly<Record<string, string>> = {
  '.c': 'gcc FILE -o programLIBS && ./programARGS',
  '.cpp': 'g++ FILE -o programLIBS && ./programARGS',
  '.cc': 'g++ FILE -o programLIBS && ./programARGS',
  '.rs': 'rustc FILE -o program && ./programARGS',
  '.ipynb': 'jupyter nbconvert --execute --to notebook FILE',
  '.wasm': 'wasmtime FILE',
};

/** Libraries of C that a program is linked with, by the headers that it includes. */
const libraries: readonly (readonly [header: RegExp, option: string])[] = [
  [/<c?math\.h?>/, '-lm'],
  [/<(?:pthread\.h|thread|semaphore\.h)>/, '-pthread'],
  [/<n?curses\.h>/, '-lncurses'],
  [/<sqlite3\.h>/, '-lsqlite3'],
  [/<curl\//, '-lcurl'],
  [/<zlib\.h>/, '-lz'],
  [/<openssl\//, '-lssl -lcrypto'],
  [/<readline\//, '-lreadline'],
];

/** Crates that a file of Rust uses: rustc alone finds none. */
const cratesOf = (text: string): string[] => {
  const own = new Set(['std', 'core', 'alloc', 'crate', 'self', 'super']);
  const parts = new Set([...text.matchAll(/^\s*(?:pub )?mod (\w+)/gm)].map(([, name]) => name));
  const used = [...text.matchAll(/^\s*(?:pub )?(?:use|extern crate) (?:::)?(\w+)(?:::|;)/gm)];
  const names = used.flatMap(([, name = '']) => (own.has(name) || parts.has(name) ? [] : [name]));
  return [...new Set(names)];
};

/** A shell line that runs a file, with the options that it needs. */
function lineFor(draft: Draft, command: string, head: Uint8Array) {
  const { host, identity } = draft;
  const text = new TextDecoder().decode(head);
  const extension = posix.extname(command);
  const file = shellQuote(command);
  const args = (draft.options.args ?? []).map((arg) => ` ${shellQuote(arg)}`).join('');
  const crates = extension === '.rs' ? cratesOf(text) : [];
  if (crates.length > 0) {
    const isOwn = host.files.stat(`${identity.home}/.cargo/config.toml`) === undefined;
    const make = 'cargo init -q --name program program';
    const line = `${make} && cp ${file} program/src/main.rs && cd program && cargo add -q ${crates.join(' ')} && cargo run -q${args && ` --${args}`}`;
    return { options: isOwn ? `--net ${cargoHosts} ` : '--for cargo ', line };
  }
  const linked = libraries
    .filter(([header]) => header.test(text))
    .map(([, option]) => ` ${option}`);
  const line = usual[extension]
    ?.replace('FILE', () => file)
    .replace('LIBS', linked.join(''))
    .replace('ARGS', () => args);
  if (line === undefined) return undefined;
  const [program = ''] = line.split(' ', 1);
  const isHere = pathEntries(draft).some(
    (at) => draft.host.files.stat(`${at}/${program}`) !== undefined,
  );
  return { options: isPythonTool(program) && !isHere ? `--with ${program} ` : '', line };
}

export function notRunnable(draft: Draft, command: string, head: Uint8Array): UsageError {
  const extension = posix.extname(command);
  const usually = lineFor(draft, command, head);
  const inside = isWithin(posix.resolve(draft.workdir.start.path, command), draft.workdir.path);
  const text = !head.includes(0);
  const hint =
    usually !== undefined && inside
      ? spoken`For example: wasbox run ${usually.options}-c ${shellQuote(usually.line)}`
      : text
        ? spoken`Choose one: wasbox run --lang sh ${shellQuote(command)}`
        : `Choose the program that opens it: wasbox run -- PROGRAM ${shellQuote(command)}`;
  const why = extension === '' ? 'no extension' : `unknown extension ${extension}`;
  return new UsageError(
    'ERR_UNKNOWN_TYPE',
    `${command}: can't tell which interpreter to use (no #! line, ${why})`,
    { hint },
  );
}
