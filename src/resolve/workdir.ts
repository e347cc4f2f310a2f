/**
 * The working directory: found, checked, and refused where it would show everything
 * the user owns. Directories are compared by device and inode, so no spelling gets around that.
 */
import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import type { FileInfo, Host } from '../host/index.js';
import { isWithin } from '../host/index.js';
import type { RunOptions } from '../options/index.js';
import { shellQuote } from '../options/index.js';
import type { Workdir } from './draft.js';
import { homeMode } from './home.js';
import { holdsHome, homesOf } from './homes.js';
import { leadsOut, untrustedLink } from './untrusted-link.js';

const refuse = (message: string, hint: string) => new UsageError('ERR_WORKDIR', message, { hint });

/**
 * @throws UsageError (`ERR_WORKDIR`) where the directory is absent, unreadable, no place for
 * files, or `/`, home or a directory that holds home
 */
export function resolveWorkdir(options: RunOptions, host: Host): Workdir {
  const current = host.cwd();
  const name = workdirName(options, host, current);
  const asked = options.workdir !== undefined;
  const what = asked ? `--workdir ${options.workdir}` : `the current directory ${name}`;
  // Also by its name: /proc/self/fd/3 and /dev/fd/3 lead to a directory that another process chose.
  const path = holdsFiles(name) ? host.files.realpath(name) : undefined;
  if (!holdsFiles(path ?? name)) {
    throw refuse(
      `${what} cannot be the working directory: its file system has no ordinary files`,
      'Use the real path of the directory, not one under /proc, /sys or /dev.',
    );
  }
  if (path === undefined) throw refuse(`${what} does not exist`, 'Check the spelling.');
  if (asked && current !== undefined && !holdsHome(host, current)) {
    const link = untrustedLink(host, name, [current]);
    if (link) throw leadsOut('ERR_WORKDIR', what, link, `--workdir ${shellQuote(link.to)}`);
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
  refuseBroad(options, host, path, info);
  const currentInfo = current === undefined ? undefined : host.files.stat(current);
  return {
    path,
    name,
    dev: info.dev,
    ino: info.ino,
    uid: info.uid,
    isCurrent: currentInfo !== undefined && isSame(currentInfo, info),
  };
}

/** As the user knows it: `--workdir`, else $PWD where that is still true, else getcwd(3). */
function workdirName(options: RunOptions, host: Host, current: string | undefined): string {
  if (options.workdir?.startsWith('/')) return posix.resolve(options.workdir);
  if (current === undefined || host.files.stat(current) === undefined) {
    throw refuse(
      'the current directory no longer exists, or its name is too long or not UTF-8',
      'cd to another directory, or use: wasbox run --workdir DIR …',
    );
  }
  const pwd = host.env.PWD;
  const named = pwd?.startsWith('/') ? host.files.stat(pwd) : undefined;
  const real = host.files.stat(current);
  const base = pwd && named && real && isSame(named, real) ? posix.resolve(pwd) : current;
  return options.workdir === undefined ? base : posix.resolve(base, options.workdir);
}

function holdsFiles(path: string): boolean {
  if (isWithin(path, '/dev')) return isWithin(path, '/dev/shm');
  return !isWithin(path, '/proc') && !isWithin(path, '/sys');
}

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
      `    wasbox run --workdir "$(mktemp -d)" ${tail}`,
      ...(what.startsWith('is your home')
        ? [
            'or a copy of your home, without its keys and tokens:',
            `    wasbox run --home cow ${tail}`,
          ]
        : []),
    ].join('\n'),
  );
}
