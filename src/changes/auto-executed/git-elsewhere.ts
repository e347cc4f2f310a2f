/**
 * Git configuration outside a tree that applies in it: of a worktree or submodule, of the enclosing
 * repository, of the user and of the machine.
 *
 * The tree's own `.git` may point anywhere; what is read there only adds paths that are held back.
 */

import { constants, lstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { closeDescriptor } from '../../native/index.js';
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

/** A regular file's text; anything else is not opened. */
export function textElsewhere(path: string): string | undefined {
  return quietly(() => {
    const found = statSync(bytesOf(path), { throwIfNoEntry: false });
    if (found?.isFile() !== true) return undefined;
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    const fd = openSync(bytesOf(path), flags);
    try {
      const bytes = Buffer.alloc(Math.min(found.size + 1, maxBytes)); // one byte more, in case it grows
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

/** Variables whose values other programs run as commands, besides those of git. */
const commandVariables: readonly string[] = [
  ...[
    'EDITOR',
    'VISUAL',
    'PAGER',
    'MANPAGER',
    'BROWSER',
    'LESSOPEN',
    'LESSCLOSE',
    'PROMPT_COMMAND',
  ],
  ...['SSH_ASKPASS', 'SUDO_ASKPASS', 'BASH_ENV', 'ENV', 'PYTHONSTARTUP', 'SHELL', 'TERMINAL'],
  ...['LD_PRELOAD', 'RUSTC_WRAPPER', 'RSYNC_RSH', 'CVS_RSH', 'FZF_DEFAULT_COMMAND'],
];

/** Commands in the user's environment; one character per byte. */
export function commandsInEnvironment(): string[] {
  const ofGit = Object.keys(process.env).filter((name) => name.startsWith('GIT_'));
  const values = [...commandVariables, ...ofGit].map((name) => process.env[name] ?? '');
  return values.filter((value) => value !== '').map(latin1);
}

/** The user's home as the environment names it; one character per byte. */
export function namedHome(): string | undefined {
  const home = homeOfUser();
  return home === undefined ? undefined : latin1(home);
}

/** A path of a configuration, which may begin with `~/`. */
export const fromHome = (path: string): string =>
  path.startsWith('~/') ? `${namedHome() ?? '~'}${path.slice(1)}` : path;
