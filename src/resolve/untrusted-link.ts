/**
 * Symbolic links of untrusted directories. A path that the user types may lead through a
 * link that came with the code (`conf -> ../.ssh`): such a link must not decide what is shown, read or
 * written outside of its directory. The user can name the place that it leads to.
 */
import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import type { Host } from '../host/index.js';
import { isWithin } from '../host/index.js';
import type { RunOptions } from '../options/index.js';
import { splitMapping } from '../options/index.js';
import { holdsHome } from './homes.js';
import type { SandboxSpec } from './spec.js';
import { isCopied, reachesHost } from './views.js';

/** A link that leads out of the directory that it belongs to. */
export interface UntrustedLink {
  readonly link: string;
  readonly directory: string;
  /** Where the path leads in the end. */
  readonly to: string;
}

const maxLinks = 40; // as the kernel: MAXSYMLINKS

const partsOf = (path: string): string[] =>
  path.split('/').filter((part) => part !== '' && part !== '.');

/** Follows an absolute path as the kernel would, as far as it exists. */
export function linksOn(
  host: Host,
  path: string,
): {
  /** The links on the way, each by its real path, and the directory that contains it. */
  readonly links: readonly { readonly link: string; readonly parent: string }[];
  readonly end: string;
} {
  const links: { link: string; parent: string }[] = [];
  let pending = partsOf(path);
  let current = '/';
  while (pending.length > 0) {
    const [name = '', ...rest] = pending;
    pending = rest;
    if (name === '..') {
      current = posix.dirname(current);
      continue;
    }
    const next = posix.join(current, name);
    if (host.files.lstat(next)?.kind !== 'symlink' || links.length >= maxLinks) {
      current = next;
      continue;
    }
    links.push({ link: next, parent: current });
    const to = host.files.readlink(next);
    if (to.startsWith('/')) current = '/';
    pending = [...partsOf(to), ...pending];
  }
  return { links, end: current };
}

/**
 * @param directories canonical paths of untrusted directories
 * @returns the first link in one of them through which an absolute path ends outside of it
 */
export function untrustedLink(
  host: Host,
  path: string,
  directories: readonly string[],
): UntrustedLink | undefined {
  const { links, end } = linksOn(host, path);
  for (const { link, parent } of links) {
    const directory = directories.find((one) => isWithin(parent, one));
    if (directory !== undefined && !isWithin(end, directory)) return { link, directory, to: end };
  }
  return undefined;
}

/**
 * The current directory if it contains the working directory (`--workdir src` in a checkout): then its
 * links are no more the user's own than those of the part that is shown. Not so home.
 */
function around(host: Host, workdir: string): string[] {
  const here = host.cwd();
  return here !== undefined && isWithin(workdir, here) && !holdsHome(host, here) ? [here] : [];
}

/** Directories whose content is untrusted, for options: what the code may write to. Canonical paths. */
export function untrustedDirectories(
  options: Pick<RunOptions, 'rw' | 'cow'>,
  host: Host,
  workdir: string,
): string[] {
  const here = host.cwd() ?? workdir;
  const written = [...(options.rw ?? []), ...(options.cow ?? [])]
    .flatMap((mapping) => {
      const { path } = typeof mapping === 'string' ? splitMapping(mapping) : mapping;
      return host.files.realpath(posix.resolve(here, path)) ?? [];
    })
    .filter((path) => !holdsHome(host, path)); // given away whole: its links are the user's
  return [...around(host, workdir), workdir, ...written];
}

/** Returns the sources for a sandbox that is resolved. */
export function untrustedSources(spec: SandboxSpec, host: Host): string[] {
  const written = spec.views.flatMap((view) =>
    isCopied(view) || reachesHost(view) ? [view.source] : [],
  );
  return [...around(host, spec.realCwd), spec.realCwd, ...written];
}

/** Returns what to say of such a link. `named` is the option with its value, `again` how to say it on purpose. */
export function leadsOut(
  code: 'ERR_PATH' | 'ERR_WORKDIR' | 'ERR_PROFILE' | 'ERR_SCRIPT_UNREADABLE',
  named: string,
  { link, directory, to }: UntrustedLink,
  again: string,
): UsageError {
  return new UsageError(code, `${named}: the link ${link} points outside ${directory}, to ${to}`, {
    hint: `The link may have come with the untrusted code. To use its target:\n  ${again}`,
  });
}
