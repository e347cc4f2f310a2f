/**
 * The working directory: found, checked, and refused where it would show everything
 * the user owns. Directories are compared by device and inode, so no spelling gets around that.
 */
import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import type { FileInfo, Host } from '../host/index.js';
import { isWithin } from '../host/index.js';
import type { RunOptions } from '../options/index.js';
import { shellQuote, spoken } from '../options/index.js';
import type { Workdir } from './draft.js';
import { homeMode } from './home.js';
import { holdsHome, homesOf } from './homes.js';
import { findProject, type Project } from './project.js';
import { leadsOut, untrustedLink } from './untrusted-link.js';
import { privatePlaces } from './visibility.js';

const refuse = (message: string, hint: string) => new UsageError('ERR_WORKDIR', message, { hint });

/** A directory that an option names, or the current one. */
interface Found {
  /** Canonical path. */
  readonly path: string;
  /** The path as the user knows it. */
  readonly name: string;
  readonly info: FileInfo;
}

/**
 * @throws UsageError (`ERR_WORKDIR`) where the directory is absent, unreadable, no place for
 * files, or `/`, home or a directory that holds home
 */
export function resolveWorkdir(options: RunOptions, host: Host): Workdir {
  const { workdir, chdir } = options;
  const current = host.cwd();
  const named = findDirectory(host, current, 'workdir', workdir);
  const start =
    chdir !== undefined
      ? findDirectory(host, current, 'chdir', chdir)
      : workdir === undefined
        ? named
        : whereItIs(host, current);
  const project =
    workdir === undefined && named !== undefined
      ? findProject(host, named.path, named.info)
      : undefined;
  if (named === undefined) throw gone();
  const tree = project === undefined ? named : around(host, named, project);
  refuseBroad(options, host, tree.path, tree.info);
  const within = start !== undefined && isWithin(start.path, tree.path) ? start : undefined;
  if (chdir !== undefined && within === undefined) {
    throw refuse(
      spoken`--chdir ${chdir} is outside the working directory ${tree.path}`,
      spoken`Name a directory that contains it: --workdir DIR`,
    );
  }
  const { path, name: known } = within ?? tree;
  // The name is the option's, where that is given.
  const name =
    workdir === undefined || chdir !== undefined ? known : tree.name + path.slice(tree.path.length);
  const shared = workdir === undefined && isShared(tree.path);
  if (shared && chdir !== undefined) {
    throw refuse(
      spoken`--chdir ${chdir} is in ${tree.path}, which all programs share`,
      spoken`Make it the working directory: --workdir ${shellQuote(chdir)}`,
    );
  }
  const { dev, ino, uid } = tree.info;
  const currentInfo = current === undefined ? undefined : host.files.stat(current);
  const isCurrent = currentInfo !== undefined && isSame(currentInfo, (within ?? tree).info);
  return {
    path: tree.path,
    name: tree.name,
    dev,
    ino,
    uid,
    ...(shared ? { shared } : {}),
    ...(tree.path === named.path ? {} : { marker: project?.marker }),
    start: { path, name, isCurrent },
  };
}

/** The current directory, where another one is asked for: it need not be fit for anything. */
function whereItIs(host: Host, current: string | undefined): Found | undefined {
  const name = directoryName(host, current, undefined);
  const path = name === undefined ? undefined : host.files.realpath(name);
  const info = path === undefined ? undefined : host.files.stat(path);
  if (name === undefined || path === undefined || info?.kind !== 'directory') return undefined;
  return { path, name, info };
}

/** The project around a directory, by the name that the directory's own leads to. */
function around(host: Host, { path, name }: Found, project: Project): Found {
  const below = path.slice(project.path.length);
  const above = name.endsWith(below) ? name.slice(0, name.length - below.length) : project.path;
  const real = above === '' ? undefined : host.files.realpath(above);
  const info = host.files.stat(project.path);
  if (info === undefined) throw refuse(`${project.path} does not exist`, 'Try again.');
  return { path: project.path, name: real === project.path ? above : project.path, info };
}

/** The option with its value, as the interface in use writes it. */
const named = {
  workdir: (path: string) => spoken`--workdir ${path}`,
  chdir: (path: string) => spoken`--chdir ${path}`,
};

/** @returns undefined for a current directory that is gone, where none was asked for */
function findDirectory(
  host: Host,
  current: string | undefined,
  option: 'workdir' | 'chdir',
  asked: string | undefined,
): Found | undefined {
  const name = directoryName(host, current, asked);
  if (name === undefined) {
    if (asked === undefined) return undefined;
    throw gone();
  }
  const what = asked === undefined ? `the current directory ${name}` : named[option](asked);
  // The check is by its name, too: /proc/self/fd/3 and /dev/fd/3 lead to a directory that another process chose.
  const path = holdsFiles(name) ? host.files.realpath(name) : undefined;
  if (!holdsFiles(path ?? name)) {
    throw refuse(
      `${what} cannot be the working directory: its file system has no ordinary files`,
      'Use the real path of the directory, not one under /proc, /sys or /dev.',
    );
  }
  if (path === undefined) throw refuse(`${what} does not exist`, 'Check the spelling.');
  if (asked !== undefined && current !== undefined && !holdsHome(host, current)) {
    const link = untrustedLink(host, name, [current]);
    if (link) throw leadsOut('ERR_WORKDIR', what, link, named[option](shellQuote(link.to)));
  }
  const info = host.files.stat(path);
  if (info?.kind !== 'directory') {
    throw refuse(`${what} is not a directory`, 'Use the directory that contains it.');
  }
  if (!host.files.access(path, 'enter')) {
    throw refuse(
      `${what} cannot be read`,
      `You need read and search permission. If it is yours: chmod u+rx ${shellQuote(name)}`,
    );
  }
  return { path, name, info };
}

const gone = () =>
  refuse(
    'the current directory no longer exists, or its name is too long or not UTF-8',
    spoken`cd to another directory, or use: wasbox run --workdir DIR \u2026`,
  );

/** Returns the name that the user knows: what was asked for, else $PWD where that is still true, else getcwd(3). */
function directoryName(
  host: Host,
  current: string | undefined,
  asked: string | undefined,
): string | undefined {
  if (asked?.startsWith('/')) return posix.resolve(asked);
  const real = current === undefined ? undefined : host.files.stat(current);
  if (current === undefined || real === undefined) return undefined;
  const pwd = host.env.PWD;
  const named = pwd?.startsWith('/') ? host.files.stat(pwd) : undefined;
  const base = pwd && named && isSame(named, real) ? posix.resolve(pwd) : current;
  return asked === undefined ? base : posix.resolve(base, asked);
}

function holdsFiles(path: string): boolean {
  if (isWithin(path, '/dev')) return isWithin(path, '/dev/shm');
  return !isWithin(path, '/proc') && !isWithin(path, '/sys');
}

/**
 * A directory for the files of all programs: /tmp and the like. Others that everybody may write to are their users'
 * place of work (a scratch file system), where a result must not be dropped.
 */
const isShared = (path: string): boolean => privatePlaces.some((place) => place.path === path);

const isSame = (a: FileInfo, b: FileInfo) => a.dev === b.dev && a.ino === b.ino;

function refuseBroad(options: RunOptions, host: Host, path: string, info: FileInfo): void {
  const root = host.files.stat('/');
  if (root !== undefined && isSame(root, info)) {
    throw broad(options, host, 'is /, the whole machine', 'every file that you can read');
  }
  for (const home of homesOf(host)) {
    const real = host.files.realpath(home);
    if (real === undefined || real === '/') continue;
    const kind = relation(host, real, info);
    // Shown copy-on-write, without its secrets.
    if (kind === 'equal' && homeMode(options, host) === 'cow') continue;
    if (kind === 'equal') {
      throw broad(options, host, `is your home directory, ${home}`, 'all of your files');
    }
    if (kind === 'holds') {
      throw broad(
        options,
        host,
        `is ${path}, which contains your home directory`,
        'all of your files',
      );
    }
  }
  const runtime = `/run/user/${host.uid}`;
  if (isWithin(runtime, path)) {
    throw broad(
      options,
      host,
      `is ${path}, which contains the sockets of your session`,
      'the sockets that talk to your programs',
    );
  }
}

function relation(host: Host, home: string, info: FileInfo): 'equal' | 'holds' | 'none' {
  for (let parent = home; ; parent = posix.dirname(parent)) {
    const parentInfo = host.files.stat(parent);
    if (parentInfo !== undefined && isSame(parentInfo, info)) {
      return parent === home ? 'equal' : 'holds';
    }
    if (parent === '/') return 'none';
  }
}

/** The directory that a user in the wrong place most likely means: the script's own. */
function likelyDirectory(options: RunOptions, host: Host): string {
  const script = posix.resolve(host.cwd() ?? '/', options.command ?? '.');
  const directory = posix.dirname(script);
  const isBroad = [...homesOf(host), '/'].some((home) => isWithin(home, directory));
  if (isBroad || host.files.stat(script)?.kind !== 'file') return '~/some/project';
  return shellQuote(directory);
}

function broad(options: RunOptions, host: Host, what: string, shown: string): UsageError {
  const directory = likelyDirectory(options, host);
  const words = [options.command ?? 'SCRIPT', ...(options.args ?? [])];
  const script = posix.resolve(host.cwd() ?? '/', options.command ?? '.');
  const there = directory.startsWith('~') ? words : [script, ...words.slice(1)];
  const tail =
    options.code === undefined
      ? words.map(shellQuote).join(' ')
      : `${options.lang === undefined ? '' : `--lang ${shellQuote(options.lang)} `}-c ${shellQuote(options.code)}`;
  return refuse(
    `the working directory ${what}: the program would see ${shown}`,
    [
      'Run it from the directory that it needs:',
      `    cd ${directory} && wasbox run ${options.code === undefined ? there.map(shellQuote).join(' ') : tail}`,
      'or give it an empty one:',
      spoken`    wasbox run --workdir "$(mktemp -d)" ${tail}`,
      ...(what.startsWith('is your home')
        ? [
            'or a copy of your home, without its keys and tokens:',
            spoken`    wasbox run --home cow ${tail}`,
          ]
        : []),
    ].join('\n'),
  );
}
