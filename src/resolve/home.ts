/**
 * The home inside (`--home`): an empty one, whose changes are kept for the user's own; the user's own,
 * copy-on-write; or none. An empty one is in memory where the user has none that it could be applied to.
 */
import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import type { FileInfo, Host } from '../host/index.js';
import type { RunOptions } from '../options/index.js';
import { splitMapping, spoken } from '../options/index.js';
import type { Draft } from './draft.js';
import { copiedView, privateView } from './views.js';

interface OwnHome {
  /** Canonical. */
  readonly path: string;
  readonly info: FileInfo;
}

export function addHome(draft: Draft): void {
  const { identity, tree, options } = draft;
  const mode = homeMode(options, draft.host);
  if (mode === 'none') return;
  const target = draft.pointFor(identity.home);
  const own = ownHome(draft);
  if (mode === 'cow') {
    if (own === undefined) throw noHome(identity.home);
    const { path: source, info } = own;
    const id = { dev: info.dev, ino: info.ino };
    tree.add(copiedView({ source, target, origin: 'home', identity: id }));
    return;
  }
  const view = privateView({ target, mode: 0o700, origin: 'system', home: true });
  tree.add(own === undefined ? view : { ...view, persistence: 'kept', host: own.path });
}

/** `--cow ~` is another way to say it. */
export function homeMode(
  { home, cow = [] }: Pick<RunOptions, 'home' | 'cow'>,
  host: Host,
): 'empty' | 'cow' | 'none' {
  return cow.some((mapping) => isHome(mapping, host)) ? 'cow' : (home ?? 'empty');
}

/** Returns whether a mapping shows the home of the user who calls, in its place. */
export function isHome(mapping: NonNullable<RunOptions['cow']>[number], host: Host): boolean {
  const { path, dest } = typeof mapping === 'string' ? splitMapping(mapping) : mapping;
  const home = host.env.HOME ?? host.userById(host.uid)?.home;
  if (home === undefined || !path.startsWith('/') || (dest ?? path) !== path) return false;
  // The home is compared by its name: another link to it may have come with the code.
  const named = posix.resolve(path);
  return named === posix.resolve(home) || named === host.files.realpath(home);
}

function noHome(home: string): UsageError {
  return new UsageError('ERR_PATH', spoken`--home cow: ${home} is not a directory of your own`, {
    hint: spoken`Set HOME to your home directory, or leave out --home cow.`,
  });
}

/** The payload's home on the host, if it is that user's own to write to. */
function ownHome({ host, identity }: Draft): OwnHome | undefined {
  const path = host.files.realpath(identity.home);
  const info = path === undefined ? undefined : host.files.stat(path);
  if (path === undefined || info?.kind !== 'directory' || path === '/') return undefined;
  // Root's payload has ids of its own, and root's files.
  const owner = identity.idmap || identity.unowned === true ? host.uid : identity.hostUid;
  return info.uid === owner && (info.mode & 0o300) === 0o300 ? { path, info } : undefined;
}
