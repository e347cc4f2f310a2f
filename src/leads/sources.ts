/**
 * Reads a program's own text: the script, code of the command line or of standard input, and the files beside it that
 * these name, such as modules, or the Makefile of make. Nothing is followed and nothing outside of the directory is read.
 */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { languageByExtension, ownDirectory, type SandboxSpec } from '../resolve/index.js';
import { excerptOf } from './excerpt.js';

/** Bytes of a program that are looked through, in all its files. */
export const textLimit = 1 << 17;
/** Characters that are taken from files that the script names. */
const partsMax = 1 << 15;
/** Files and directories that are looked into, and names of one directory. */
const [filesMax, directoriesMax, namesMax] = [64, 32, 1000];

/** Programs whose first argument is the script. */
const interpreters = /^(?:python[\d.]*|node|nodejs|tsx|ts-node|bun|ruby|php|perl|bash|sh)$/;

/** The files that a program reads without being told, by its name. */
const unnamed: readonly (readonly [program: RegExp, file: RegExp])[] = [
  [/^g?make$/, /^(?:GNUm|[Mm])akefile$/],
  [/^(?:npm|npx|yarn|pnpm|bun|node)$/, /^package\.json$/],
  [/^cargo$/, /^(?:Cargo\.toml|build\.rs|src)$/],
  [/^go$/, /\.go$/],
  [/^(?:py\.?test|python[\d.]*)$/, /^(?:test_.*|.*_test|conftest)\.py$/],
  [/^(?:rake|bundle)$/, /^(?:Rakefile|Gemfile)$/],
  [/^(?:composer|phpunit)$/, /^composer\.json$/],
  [/^just$/, /^[Jj]ustfile$/],
];

/** Files that a directory of a language stands for. */
const ofDirectory = [
  /^(?:__init__\.py|__main__\.py|index\.[cm]?[jt]s|mod\.rs|main\.\w+|lib\.rs|[Mm]akefile)$/,
];
/** Directories of packages, and what is hidden by its name. */
const isSkipped = /^\.|^(?:node_modules|site-packages|__pycache__|venv|vendor|target)$/;

/** Files with text of a program, beside those of the languages that wasbox runs. */
const otherSources = /\.(?:rs|c|h|cc|cpp|hpp|jsx|mk)$|^(?:package|composer)\.json$|^Cargo\.toml$/;
const isSource = (name: string): boolean =>
  languageByExtension(name) !== undefined || otherSources.test(name);

/** Lines that name parts of a program without their extension. */
const importing =
  /^.*(?:\b(?:import|from|require|require_relative|require_once|include|include_once|source|load|use|mod|dofile)\b|^[ \t]*\.[ \t]).*$/gm;

const wordsOf = (text: string): string[] => text.match(/[\w.-]*[\w-]/g) ?? [];
/** `a.b` names a part of a part. */
const partsOf = (text: string): string[] => text.match(/[\w-]+/g) ?? [];

export interface Sources {
  /** The text of the script or of the code, up to the limit; empty for another command. */
  readonly script: string;
  /** The excerpt of it that leads are made of. */
  readonly excerpt: string;
  /** The files that it names, each with its name, and what leads can be made of. */
  readonly parts: readonly { readonly name: string; readonly text: string }[];
}

/** The script as it was named; undefined for another command, whose file says little. */
export function scriptOf({ command: { display, argv } }: SandboxSpec): string | undefined {
  if (display === '-' || display === '-c') return undefined;
  if (!interpreters.test(posix.basename(display))) return display;
  const [, first] = argv;
  return first === undefined || first.startsWith('-') ? undefined : first;
}

const decoded = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);

/** Returns the code of the command line or of standard input, without the arguments behind it that are options. */
function codeOf({ command: { display, argv }, views }: SandboxSpec): string | undefined {
  if (display !== '-' && display !== '-c') return undefined;
  const own = views.find(
    (view) =>
      view.type === 'file' &&
      view.target.startsWith(`${ownDirectory}/`) &&
      argv.includes(view.target),
  );
  if (own?.type === 'file') return decoded(own.content.subarray(0, textLimit));
  const words = argv.slice(1).filter((word) => !/^--[a-z-]+(?:=.*)?$/.test(word));
  return words.join('\n');
}

/** Returns the text of the script or of the code; empty for another command. */
export function scriptText(spec: SandboxSpec, host: Host): string {
  const code = codeOf(spec);
  if (code !== undefined) return code;
  const here = host.cwd();
  const script = scriptOf(spec);
  if (here === undefined || script === undefined) return '';
  const named = posix.resolve(here, script);
  const bytes = host.files.stat(named)?.kind === 'file' && host.files.read(named, textLimit);
  return bytes ? decoded(bytes) : '';
}

/** Gathers the files that a text names, and that these name. */
class Gathering {
  readonly #host: Host;
  readonly #named = new Set<string>();
  readonly #imported = new Set<string>();
  /** Names that are left, by directory. */
  readonly #open = new Map<string, { names: Set<string>; unnamed: readonly RegExp[] }>();
  readonly #texts: { name: string; text: string }[] = [];
  #bytesLeft: number;
  #charactersLeft = partsMax;

  constructor(host: Host, bytes: number) {
    this.#host = host;
    this.#bytesLeft = bytes;
  }

  add(text: string): void {
    for (const word of wordsOf(text)) this.#named.add(word);
    for (const [line] of text.matchAll(importing))
      for (const part of partsOf(line)) this.#imported.add(part);
  }

  /** @param unnamed files in it that count without being named */
  open(directory: string, unnamed: readonly RegExp[]): void {
    if (this.#open.size >= directoriesMax || this.#open.has(directory)) return;
    const names = this.#host.files.list(directory).filter((name) => !isSkipped.test(name));
    this.#open.set(directory, { names: new Set(names.slice(0, namesMax)), unnamed });
  }

  /** Reads what is named until nothing new is. */
  follow(): Sources['parts'] {
    for (let size = -1; size !== this.#texts.length + this.#open.size; ) {
      size = this.#texts.length + this.#open.size;
      for (const [directory, { names, unnamed }] of [...this.#open]) {
        for (const name of names) {
          if (!this.#isNamed(name) && !unnamed.some((form) => form.test(name))) continue;
          names.delete(name);
          this.#take(posix.join(directory, name));
        }
      }
    }
    return this.#texts;
  }

  #isNamed(name: string): boolean {
    const [stem = ''] = name.split('.', 1);
    return this.#named.has(name) || this.#imported.has(stem);
  }

  #take(path: string): void {
    const info = this.#host.files.lstat(path);
    if (info?.kind === 'directory') this.open(path, ofDirectory);
    const name = posix.basename(path);
    const isMade = /^(?:GNUm|[Mm])akefile$|^(?:Rake|Gem|[Jj]ust)file$/.test(name);
    if (info?.kind !== 'file' || this.#texts.length >= filesMax) return;
    if (!isSource(name) && !isMade) return;
    if (this.#bytesLeft <= 0 || this.#charactersLeft <= 0) return;
    const bytes = this.#host.files.read(path, this.#bytesLeft);
    if (bytes === undefined) return;
    const text = excerptOf(decoded(bytes));
    this.#bytesLeft -= bytes.length;
    this.#charactersLeft -= text.length;
    this.#texts.push({ name, text });
    this.add(text);
  }
}

/** @param host of the user who started the run */
export function sourcesOf(spec: SandboxSpec, host: Host): Sources {
  const script = scriptText(spec, host);
  const here = host.cwd();
  const excerpt = excerptOf(script);
  if (here === undefined) return { script, excerpt, parts: [] };
  const gathering = new Gathering(host, textLimit - script.length);
  gathering.add(excerpt);
  const named = scriptOf(spec);
  // Words of the command line name files as imports do: `make -C part`, `python3 -m part`. The script's own name does
  // not, because bot.py is no part of bot.js.
  const words = spec.command.argv.filter((word) => word !== named);
  gathering.add(`import ${words.join(' ')}`);
  const program = posix.basename(spec.command.path);
  if (named !== undefined && script !== '')
    gathering.open(posix.dirname(posix.resolve(here, named)), []);
  const more = script === '' ? unnamed.filter(([form]) => form.test(program)) : [];
  gathering.open(
    here,
    more.map(([, file]) => file),
  );
  return { script, excerpt, parts: gathering.follow() };
}

/** Returns what leads can be made of: in the script and in all that it names, or in files whose name is of a form. */
export const textOf = ({ excerpt, parts }: Sources, form = /(?:)/): string =>
  [excerpt, ...parts.filter(({ name }) => form.test(name)).map(({ text }) => text)].join('\n');
