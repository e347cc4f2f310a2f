/**
 * The words of a shell command that may be paths, wherever they are: after `cd`, in assignments of PATH, in
 * substitutions and in quotes. Not a shell: what a variable or substitution gives is unknown unless the text itself says
 * it, and all words count, whether the shell would run them or not.
 */
import { ofLoops, withPaths, withValues } from './shell-values.js';

/** Says what is known of a word. */
export type Role =
  /** An ordinary word. */
  | 'word'
  /** A directory that the command enters: others are relative to it. */
  | 'entered'
  /** A directory from which programs or their files are taken. */
  | 'taken'
  /** A name of modules, with dots. */
  | 'module'
  /** A word that the command runs as a program, or reads commands from. */
  | 'run';

export interface Word {
  /** The known text before, between and after unknown parts. */
  readonly parts: readonly string[];
  readonly role: Role;
  /** True if an unknown part is a wildcard. */
  readonly isGlob: boolean;
}

/** A variable or a substitution. */
const unknown = '\0';
const wildcard = '\x01';
const maxPieces = 200;
const maxParts = 5;
const maxWords = 2000;

const entering: ReadonlySet<string> = new Set(['cd', 'pushd', 'chdir']);
const takingFlag =
  /^(?:-C|-L|-I|--(?:chdir|prefix|cwd|directory|exec-path|git-dir|work-tree|path))$/;
const taking: ReadonlySet<string> = new Set(['run-parts', 'PATH_add', 'path_add', 'find']);
/** Variables beside those named PATH from whose directories interpreters and tools take code or their configuration. */
const takingVariable =
  /^(?:PERL5LIB|RUBYLIB|R_LIBS(?:_USER|_SITE)?|PYTHON(?:HOME|USERBASE)|GEM_HOME|(?:CARGO|RUSTUP|JAVA)_HOME|GOROOT|ZDOTDIR|XDG_(?:CONFIG|DATA)_(?:HOME|DIRS)|GIT_(?:DIR|TEMPLATE_DIR)|(?:npm_config|NPM_CONFIG)_prefix|NPM_CONFIG_PREFIX|VIRTUAL_ENV|CONDA_PREFIX|DOCKER_CONFIG|TEXINPUTS)=/;
const running =
  /^(?:exec|source|\.|env|sudo|time|nice|nohup|xargs|command|eval|in|then|do|else|if|while|until|!|\{|(?:ba|da|z|k|a)?sh|fish|node|deno|bun|tsx|ts-node|python[\d.]*|ruby|perl|php|lua|Rscript|source_env(?:_if_exists)?|watch_file|dotenv(?:_if_exists)?|source-file|include|-c|-e|-r|--require|--import|--loader)$/;

/** Replaces substitutions by something unknown; what is in them are commands, too. */
function withoutSubstitutions(text: string, inner: string[]): string {
  const nested = /([$<>])?\(([^()]*)\)|`([^`]*)`|\$\{([^{}]*)\}/g;
  let plain = text;
  for (let round = 0; round < 20; round++) {
    const before = plain;
    plain = plain.replace(
      nested,
      (_, sign?: string, list?: string, quoted?: string, name?: string) => {
        if (list !== undefined && sign === undefined) return `;${list};`;
        inner.push(list ?? quoted ?? (name ?? '').replace(/^[!#]?\w*[:]?[-+=?#%/^,@]*/, ''));
        return unknown;
      },
    );
    if (plain === before) break;
  }
  return plain
    .replace(/\$(?:\w+|[@*#?$!-])/g, unknown)
    .replace(/%[a-zA-Z](?![\w/])|%\{[^}]*\}/g, unknown);
}

/** The words of simple commands; a quoted word with more than one in it is returned in `inner`, too. */
function* simpleCommands(text: string, inner: string[]): Generator<string[]> {
  let words: string[] = [];
  // A quote without an end reaches to the end of the text, as in a script that is cut.
  const token =
    /[;&|\n\r()]+|(?:[^\s;&|()'"\\]|\\[\s\S]|'[^']*(?:'|$)|"(?:[^"\\]|\\[\s\S])*(?:"|$))+/g;
  for (const [word] of text.matchAll(token)) {
    if (/^[;&|\n\r()]/.test(word)) {
      if (words.length > 0) yield words;
      words = [];
      continue;
    }
    const plain = word.replace(
      /'([^']*)'?|"((?:[^"\\]|\\[\s\S])*)"?|\\([\s\S])/g,
      (_, a, b, c) => a ?? b?.replace(/\\([$`"\\])/g, '$1') ?? (c === '\n' ? '' : c),
    );
    if (/[\s;&|()'"]/.test(plain) && plain !== text) inner.push(plain);
    words.push(plain);
  }
  if (words.length > 0) yield words;
}

/** Returns what is known of a word, wildcards included. */
function readWord(word: string, role: Role, home: string | undefined): Word {
  const own = word.replace(/^[!@]+/, '').replace(/^~(?=\/|$)/, () => home ?? unknown);
  // A list in braces stands for any of its words.
  const text = own.replace(/\{[^{}/]*[,.][^{}/]*\}/g, wildcard).replace(/[*?[\]{}]+/g, wildcard);
  const parts = text.split(/[\0\x01]+/);
  const few = parts.length <= maxParts ? parts : [...parts.slice(0, maxParts - 1), ''];
  return { parts: few, role, isGlob: text.includes(wildcard) };
}

/** The forms in which a word may name something: itself, and what is after `=`, `:`, `,`, `@` or a flag. */
function* formsOf(word: string): Generator<string> {
  yield word;
  const all = /[=:,@<>]/.test(word) ? word.split(/[=:,@<>]+/).filter((one) => one !== '') : [];
  yield* all;
  for (const one of [word, ...all]) {
    const attached = /^-\w(.+)$/s.exec(one)?.[1];
    if (attached !== undefined && !one.startsWith('--')) yield attached;
  }
}

/** Words before another that are looked at: the payload decides how many there are. */
const maxBefore = 50;

/** Returns whether the word at a position may be what the command runs. */
function isRun(words: readonly string[], at: number): boolean {
  for (let before = at - 1; before >= Math.max(0, at - maxBefore); before--) {
    const word = words[before] ?? '';
    if (running.test(word)) return true;
    if (!/^-|^\w+=/.test(word)) return false;
  }
  return true;
}

function roleOf(words: readonly string[], at: number): Role {
  const [word = '', last = ''] = [words[at], words[at - 1]];
  const [first = ''] = words;
  if (last === '-m') return 'module';
  if (at > 0 && entering.has(first)) return 'entered';
  if (takingFlag.test(last) || (at > 0 && taking.has(first))) return 'taken';
  if (/^(?:--?(?:chdir|prefix|cwd|directory|exec-path)|[A-Za-z_]*PATH|path)=/.test(word))
    return 'taken';
  if (takingVariable.test(word)) return 'taken';
  return isRun(words, at) ? 'run' : 'word';
}

export interface Words {
  readonly words: readonly Word[];
  /** True if it was too long to read all of it. */
  readonly cut: boolean;
}

/** @param home the user's home, for `~` and `$HOME`; all text has one character per byte */
export function wordsOf(command: string, home?: string): Words {
  const found = new Map<string, Word>();
  const named =
    home === undefined ? command : command.replace(/\$(?:HOME\b|\{HOME\})/g, () => home);
  const own = withPaths(named);
  const pieces = [own.replace(/^\s*!/, ''), ...ofLoops(own), ...withValues(own)];
  for (let at = 0; at < pieces.length; at++) {
    if (at === maxPieces || found.size > maxWords) return { words: [...found.values()], cut: true };
    const inner: string[] = [];
    const plain = withoutSubstitutions(pieces[at] ?? '', inner);
    for (const words of simpleCommands(plain, inner)) {
      for (const [index, word] of words.entries()) {
        const role = roleOf(words, index);
        for (const form of formsOf(word)) {
          const read = readWord(form, role, home);
          found.set(`${role} ${read.isGlob} ${read.parts.join(unknown)}`, read);
        }
      }
    }
    pieces.push(...inner.filter((one) => one.trim() !== '' && !pieces.includes(one)));
  }
  return { words: [...found.values()], cut: false };
}
