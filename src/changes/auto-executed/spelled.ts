/**
 * Spells out what a file that is obeyed names, in the spelling of the program that reads it, as a shell's commands: the
 * variables that mean a known directory, the keys that name a directory to start in or to take programs from, the
 * arguments that a function has by default. `NamedPaths` reads the result.
 */
import { shellQuote } from '../../options/index.js';
import { canonicalName } from '../files/canonical-name.js';
import type { Names } from '../files/path.js';
import { jsonCommands } from './spelled-json.js';
import { commandsOfR } from './spelled-r.js';

/** The directory that the file is for. */
const here =
  /\$\{?PWD\}?|\$\(pwd(?: -P)?\)|`pwd`|\$\{?DIRENV_DIR\}?|\$\(expand_path\s+([^()$\s]+)\)/g;

/**
 * Arguments that functions of direnv's stdlib add by default (direnv-stdlib(1)); the layouts' own directories are
 * hidden, so held.
 */
const layouts: Readonly<Record<string, string>> = {
  node: 'PATH_add node_modules/.bin',
  php: 'PATH_add vendor/bin',
  ruby: 'PATH_add .direnv/ruby/bin',
  go: 'PATH_add .direnv/go/bin',
  perl: 'PATH_add .direnv/perl5/bin',
  opam: 'PATH_add _opam/bin',
  julia: 'source ./Project.toml ./Manifest.toml',
  anaconda: 'source ./environment.yml ./environment.yaml',
  pipenv: 'source ./Pipfile',
  poetry: 'source ./pyproject.toml',
};
const uses: Readonly<Record<string, string>> = {
  nix: 'source ./shell.nix ./default.nix',
  flake: 'source ./flake.nix',
  guix: 'source ./guix.scm ./manifest.scm',
  vim: 'source ./.vimrc.local',
};

/** The files in directories that `use` is told: `use flake ./dev#shell`. */
const usedFiles: Readonly<Record<string, readonly string[]>> = {
  nix: ['shell.nix', 'default.nix'],
  flake: ['flake.nix', 'flake.lock'],
};

function ofUse(name: string, more: string): string {
  const files = usedFiles[name] ?? [];
  return more
    .split(/\s+/)
    .map((word) => word.replace(/["']|[#?].*$/g, '').replace(/^(?:path|git\+file):(?:\/\/)?/, ''))
    .filter((word) => /^[^-;&|]/.test(word) && !word.includes(':'))
    .flatMap((word) => files.map((file) => `source ${word.replace(/\/$/, '')}/${file}`))
    .join('; ');
}

function ofDirenv(text: string): string {
  return (
    text
      .replace(here, (_, expanded?: string) => (expanded === undefined ? '.' : `./${expanded}`))
      .replace(/^([ \t]*)dotenv(_if_exists)?[ \t]*$/gm, '$1source ./.env')
      .replace(/^[ \t]*source_env(?:_if_exists)?[ \t]+(\S+)/gm, (line, to: string) =>
        /\.\w+["']?$/.test(to) ? line : `${line}; source ${to}/.envrc`,
      )
      .replace(/^[ \t]*load_prefix[ \t]+(.+)$/gm, 'PATH_add $1')
      // Manual pages run nothing, and the other names variables.
      .replace(/^[ \t]*(?:MANPATH_add|env_vars_required)[ \t].*$/gm, '')
      .replace(
        /^[ \t]*layout[ \t_]+(\w+)/gm,
        (line, name: string) => `${line}; ${layouts[name] ?? ''}`,
      )
      .replace(
        /^[ \t]*use[ \t_]+(\w+)(.*)$/gm,
        (line, name: string, more: string) => `${line}; ${uses[name] ?? ''}; ${ofUse(name, more)}`,
      )
  );
}

/** systemd.unit(5), and the Desktop Entry Specification: `Path` is where the program starts. */
function ofUnit(text: string, home: string): string {
  return text
    .replace(/\\\r?\n/g, ' ')
    .replace(/%[hE]/g, (code) => (code === '%h' ? home : `${home}/.config`))
    .replace(/^\s*(?:WorkingDirectory|Path|RootDirectory)\s*=\s*-?(.*)$/gm, (_, path: string) =>
      path.trim() === '~' ? `cd ${shellQuote(home)}` : `cd ${shellQuote(path.trim())}`,
    )
    .replace(/^\s*(?:Exec\w*|TryExec)\s*=\s*[-@:+!|]*/gm, '')
    .replace(/^\s*(?:Environment|PassEnvironment)\s*=\s*/gm, '')
    .replace(/^\s*(?:EnvironmentFile|Icon|URL)\s*=\s*-?/gm, 'source ');
}

/** crontab(5): the command stands behind when it runs, and in files of the system behind who runs it. */
const ofCron = (text: string): string =>
  text.replace(
    /^[ \t]*(?:@\w+|(?:[\d*][^\s=]*|[a-z]{3}(?:[-,/]\S*)?)(?:[ \t]+[^\s=]+){4})[ \t]+/gim,
    '',
  );
const ofSystemCron = (text: string): string => ofCron(text).replace(/^[\w-]+[ \t]+(?=\S)/gm, '');

/** ssh_config(5). */
const ofSsh = (text: string, home: string): string =>
  text
    .replace(/%d/g, home)
    .replace(/^\s*(?:Include|IdentityAgent|PKCS11Provider|SecurityKeyProvider)[\s=]+/gim, 'source ')
    .replace(/^\s*(?:ProxyCommand|LocalCommand|RemoteCommand|KnownHostsCommand)[\s=]+/gim, '')
    .replace(/^\s*Match\s.*?\bexec\s+/gim, '');

/** Vim's and Neovim's directories of plugins, of their own options and of plugin managers. */
const ofVim = (text: string): string =>
  text
    .replace(/\b(?:rtp|runtimepath|packpath|pp)\s*[+^-]?=\s*/g, '\nPATH_add ')
    .replace(
      /\b(?:vim\.opt|vim\.o)\.(?:rtp|runtimepath|packpath)\s*(?::\w+\(|=)\s*/g,
      '\nPATH_add ',
    )
    .replace(
      /\b(?:Plug|Plugin|NeoBundle|packadd|dein#add|use|dir)\b\s*[=({]*\s*(?=['"])/g,
      '\nPATH_add ',
    )
    .replace(/[()]/g, ' ');

/** Emacs Lisp: strings beside load-path and its like are directories. */
const ofEmacs = (text: string): string =>
  text
    .replace(/^[ \t]*;.*$/gm, '')
    .replace(/"((?:[^"\\]|\\.)*)"/g, (_, inner: string, at: number, whole: string) => {
      const form = whole.slice(Math.max(0, at - 160), at);
      const isPath =
        /(?:load-path|theme-load-path|exec-path|package-user-dir|:load-path)[^)]*$/.test(form);
      return `\n${isPath ? 'PATH_add' : 'source'} ${shellQuote(inner)}\n`;
    });

/** Arrays of zsh and fish that name directories. */
const ofShell = (text: string): string =>
  text
    .replace(
      /\b(?:fpath|path|cdpath|module_path|fish_function_path|fish_complete_path|fish_user_paths)\s*\+?=\s*\(?/g,
      'PATH=',
    )
    .replace(/^[ \t]*fish_add_path\b/gm, 'PATH_add')
    .replace(/\bset\s+(?:-\w+\s+)*(?:PATH|fish_\w*paths?)\s/g, 'PATH_add ')
    .replace(/\b(?:export\s+|set\s+-x\s+)?ZDOTDIR\s*=?/g, 'PATH_add ');

type Reader = (text: string, home: string) => string;

const readers: readonly (readonly [RegExp, Reader])[] = [
  [/(?:^|\/)(?:\.envrc(?:\.\w+)?|\.direnvrc|direnv\/(?:direnvrc|lib\/[^/]+))$/, ofDirenv],
  [/\.(?:service|socket|timer|path|mount|target|desktop)(?:\.d\/[^/]+\.conf)?$/, ofUnit],
  [/(?:^|\/)(?:crontab|cron\.d\/[^/]+)$/, ofSystemCron],
  [/(?:^|\/)(?:crontabs|cron)\/[^/]+$/, ofCron],
  [/(?:^|\/)\.ssh\/(?:.*\/)?[^/]*conf[^/]*$|(?:^|\/)\.ssh\/[^/]+\.d\/[^/]+$/, ofSsh],
  [
    /(?:^|\/)(?:[._]?g?vimrc(?:\.local)?|\.?exrc|\.nvimrc|init\.(?:vim|lua)|\.nvim\.lua|\.lazy\.lua)$/,
    ofVim,
  ],
  [/(?:\.el|(?:^|\/)\.emacs)$/, ofEmacs],
  [
    /(?:^|\/)(?:\.z(?:shrc|shenv|profile|login)|\.bash\w*|\.profile|config\.fish|[^/]+\.fish)$/,
    ofShell,
  ],
  [/(?:\.r|(?:^|\/)\.rprofile|(?:^|\/)rprofile\.site)$/, commandsOfR],
  [/\.(?:json|jsonc|code-workspace)$/, (text) => jsonCommands(text) ?? text],
];

/**
 * Removes regular expressions from pre-commit's configuration: they say which files its hooks get, not what runs. Each
 * ends before the next line that is indented no more than its key.
 */
export function withoutPatterns(path: Names | string, text: string): string {
  const name = canonicalName((typeof path === 'string' ? path.split('/') : path).at(-1) ?? '');
  if (!/^\.pre-commit-config\.ya?ml$/.test(name)) return text;
  let below = Number.POSITIVE_INFINITY;
  const kept = text.split('\n').filter((line) => {
    const indent = line.search(/\S/);
    if (indent < 0 || indent > below) return false;
    const [, before] = /^( *(?:- +)?)(?:exclude|files) *:(?= |$)/.exec(line) ?? [];
    below = before?.length ?? Number.POSITIVE_INFINITY;
    return before === undefined;
  });
  return kept.join('\n');
}

/** Returns the same text, or what its format means as commands. Its lists are then no lists of the text any more. */
export function spelledOut(
  path: Names | string,
  text: string,
  home: string | undefined,
): { readonly text: string; readonly read: boolean } {
  const name = (typeof path === 'string' ? path.split('/') : path)
    .slice(-4)
    .map(canonicalName)
    .join('/');
  const [, reader] = readers.find(([pattern]) => pattern.test(name)) ?? [];
  if (reader === undefined || text.includes('\0')) return { text, read: false };
  return { text: reader(text, home ?? '~'), read: true };
}
