/**
 * Git configuration outside a tree that applies in it: of a worktree or submodule, of the enclosing
 * repository, of the user and of the machine.
 *
 * The tree's own `.git` may point anywhere; what is read there only adds paths that are held back.
 */

import { constants, lstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { closeDescriptor } from '../../native/index.js';
import { shellQuote } from '../../options/index.js';
import { homeOfUser } from '../store/state-dir.js';

const maxBytes = 1 << 18;
/** Paths here have one character per byte (latin1), as the configuration that is read. */
const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1');
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

function quietly<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined; // missing, not accessible, or not a file: git ignores it, too
  }
}

/** The first bytes of a regular file; anything else is not opened. */
export function textElsewhere(path: string, most = maxBytes): string | undefined {
  return quietly(() => {
    const found = statSync(bytesOf(path), { throwIfNoEntry: false });
    if (found?.isFile() !== true) return undefined;
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    const fd = openSync(bytesOf(path), flags);
    try {
      const bytes = Buffer.alloc(Math.min(found.size + 1, most)); // one byte more, in case it grows
      let length = 0;
      for (let n = 1; n > 0 && length < bytes.length; length += n) {
        n = readSync(fd, bytes, length, bytes.length - length, null);
      }
      return bytes.toString('latin1', 0, length);
    } finally {
      closeDescriptor(fd);
    }
  });
}

const realOf = (path: string): string | undefined =>
  quietly(() => realpathSync.native(bytesOf(path), { encoding: 'buffer' }).toString('latin1'));

/** The directories whose `config` and `config.worktree` apply to a `.git`: its own and the shared one. */
export function directoriesOf(git: string): string[] {
  const named = /^gitdir: (.+)$/m.exec(textElsewhere(git) ?? '')?.[1];
  const own = realOf(named === undefined ? git : posix.resolve(posix.dirname(git), named));
  if (own === undefined) return [];
  const common = textElsewhere(posix.join(own, 'commondir'))?.trim();
  const shared = common === undefined ? undefined : realOf(posix.resolve(own, common));
  return shared === undefined ? [own] : [own, shared];
}

/** The nearest directory with a `.git`, from the tree's own upwards. */
function topOf(workdir: string): string | undefined {
  for (let directory = workdir; ; directory = posix.dirname(directory)) {
    const git = posix.join(directory, '.git');
    const found = quietly(() => lstatSync(bytesOf(git), { throwIfNoEntry: false }));
    if (found !== undefined) return directory;
    if (directory === '/') return undefined;
  }
}

export interface ElsewhereConfigs {
  /** Absolute. */
  readonly paths: readonly string[];
  /** Git directories of the tree's worktree that are not in the tree. */
  readonly directories: readonly string[];
  /** The top of the worktree, where relative paths in them start. */
  readonly top: string;
}

/** The configuration files that apply in a tree (an absolute path) and are not in its `.git` directory. */
export function configsElsewhere(workdir: string): ElsewhereConfigs {
  const top = topOf(workdir);
  const { XDG_CONFIG_HOME: xdg } = process.env;
  const home = namedHome();
  const inHome = (path: string) => (home === undefined ? [] : [posix.join(home, path)]);
  const config = xdg?.startsWith('/') ? [latin1(xdg)] : inHome('.config');
  const { GIT_CONFIG_GLOBAL: named, GIT_CONFIG_SYSTEM: system } = process.env;
  const global = [
    ...inHome('.gitconfig'),
    ...config.map((path) => posix.join(path, 'git/config')),
    '/etc/gitconfig',
    ...[named, system]
      .filter((path) => path?.startsWith('/') === true)
      .map((path) => latin1(path ?? '')),
  ];
  const own = top === undefined ? [] : directoriesOf(posix.join(top, '.git'));
  const directories = own.filter((directory) => !`${directory}/`.startsWith(`${workdir}/`));
  const ofRepository = own
    .filter((directory) => directory !== posix.join(workdir, '.git'))
    .flatMap((directory) =>
      ['config', 'config.worktree'].map((name) => posix.join(directory, name)),
    );
  return { paths: [...ofRepository, ...global], directories, top: top ?? workdir };
}

/** Variables whose values other programs run as commands, or take code from, besides those of git. */
const commandVariables =
  /^(?:GIT_.*|(?:VISUAL|(?:\w+_)?EDITOR|(?:\w+_|MAN)?PAGER|BROWSER|LESSOPEN|LESSCLOSE|PROMPT_COMMAND|\w+_ASKPASS|BASH_ENV|ENV|PYTHONSTARTUP|PYTHONBREAKPOINT|SHELL|TERMINAL|LD_PRELOAD|LD_AUDIT|RUSTC|\w+_WRAPPER|\w+_RSH|FZF_\w+_COMMAND|NODE_OPTIONS|RUBYOPT|PERL5OPT|PERL5DB|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|MAVEN_OPTS|GOFLAGS|RUSTFLAGS|LUA_INIT\w*|MAKEFILES|CC|CXX|R_PROFILE\w*|R_ENVIRON\w*|VIMINIT|EXINIT|INPUTRC|SCREENRC|WGETRC|CURL_HOME|HGRCPATH|JJ_CONFIG|ANSIBLE_CONFIG|ANSIBLE_\w+_PLUGINS|KUBECONFIG|STARSHIP_CONFIG|OPENSSL_CONF|PIP_CONFIG_FILE|UV_CONFIG_FILE|TF_CLI_CONFIG_FILE|npm_config_\w+|NPM_CONFIG_\w+))$/;

/** Variables that list directories or files that any program obeys, or loads code from. */
const obeyedVariable =
  /^(?:LD_LIBRARY_PATH|GCONV_PATH|GIO_EXTRA_MODULES|GTK_PATH|QT_PLUGIN_PATH|OPENSSL_MODULES|FPATH|EMACSLOADPATH|XDG_(?:CONFIG|DATA)_(?:HOME|DIRS)|ZDOTDIR|GNUPGHOME|DOCKER_CONFIG|(?:CARGO|RUSTUP|JAVA)_HOME|PYTHONHOME|PYTHONUSERBASE|VIRTUAL_ENV|CONDA_PREFIX|GOBIN|GEM_HOME)$/;
/** Variables of one language each, which often name a project's own sources. */
const modulesVariable =
  /^(?:PYTHONPATH|NODE_PATH|PERL5LIB|PERLLIB|RUBYLIB|LUA_C?PATH\w*|CLASSPATH|R_LIBS\w*|JULIA_LOAD_PATH|GUILE_LOAD_(?:COMPILED_)?PATH|TCLLIBPATH|GEM_PATH|ANSIBLE_LIBRARY|PKG_CONFIG_PATH)$/;

export interface EnvironmentCommand {
  /** One character per byte. */
  readonly text: string;
  readonly variable: string;
  /** True if programs of one language take modules from what it names. */
  readonly isModules: boolean;
}

/** Commands in the user's environment, and lists of directories as assignments. */
export function commandsInEnvironment(): EnvironmentCommand[] {
  return Object.entries(process.env).flatMap(([variable, value = '']) => {
    if (value === '') return [];
    const text = latin1(value);
    const isModules = modulesVariable.test(variable);
    if (commandVariables.test(variable)) return [{ variable, text, isModules }];
    if (!isModules && !obeyedVariable.test(variable)) return [];
    const lists = text.split(/[:;]/).filter((one) => one !== '');
    return lists.map((one) => ({ variable, text: `PATH_add ${shellQuote(one)}`, isModules }));
  });
}

/** Returns whether the linker takes libraries from the current directory: an empty entry means it (ld.so(8)). */
export const takesLibrariesHere = (): boolean =>
  /^:|::|:$|(?:^|:)\.\/?(?:$|:)/.test(process.env.LD_LIBRARY_PATH ?? '');

/** The user's home as the environment names it; one character per byte. */
export function namedHome(): string | undefined {
  const home = homeOfUser();
  return home === undefined ? undefined : latin1(home);
}

/** A path of a configuration, which may begin with `~/`. */
export const fromHome = (path: string): string =>
  path.startsWith('~/') ? `${namedHome() ?? '~'}${path.slice(1)}` : path;
