/**
 * wasbox's own state directory in what a sandbox shows. There lie the layers and the
 * journal of other runs, and starts that the native command carries out: no payload may see it, let
 * alone write to it, whatever `--ro` and `--rw` show around it.
 */
import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import { type Host, homeState, isWithin, stateDirectory } from '../host/index.js';
import type { HostView, IdentitySpec, StateSpec, View } from './spec.js';
import { linksOn } from './untrusted-link.js';
import { hiddenView, isCopied, isPassed, reachesHost } from './views.js';

/** Names that only wasbox makes, so that no other directory of that name is hidden. */
const ownNames = ['runs', 'saved', 'spare', 'plans'];

/**
 * Looks for the state directories that a sandbox may not show: this one's, and those that the same user
 * or the payload's has under other variables; each under every path at which a mount shows it.
 * @throws ChangesError where the user has none
 */
export function findState(host: Host, identity: IdentitySpec): StateSpec {
  const own = stateDirectory(host);
  const uids = new Set([host.uid, identity.hostUid]);
  const homes = [host.env.HOME, ...[...uids].map((uid) => host.userById(uid)?.home)];
  const others = [...new Set(homes)]
    .filter((home): home is string => home !== undefined && posix.isAbsolute(home))
    .map((home) => homeState(host, home).directory)
    .filter((directory) => directory !== own.directory);
  const isState = (path: string): boolean =>
    ownNames.some((name) => host.files.lstat(posix.join(path, name))?.kind === 'directory');
  const found = [own.directory, ...[...new Set(others)].filter(isState)];
  return { ...own, paths: [...new Set(found.flatMap((directory) => pathsOf(host, directory)))] };
}

function pathsOf(host: Host, directory: string): string[] {
  const { whole, parts } = host.mountPaths(directory);
  const identityOf = (path: string): string | undefined => {
    const info = host.files.stat(path); // closed to this user, it is closed to the payload
    return info && `${info.dev}:${info.ino}`;
  };
  // A path that has another mount over it does not show it. A directory that is not there yet may be made through any.
  const identity = whole.length > 1 ? identityOf(directory) : undefined;
  const shown = whole.filter(
    (path) => path === directory || identity === undefined || identityOf(path) === identity,
  );
  return [...shown, ...parts];
}

/** Returns the part of a path that lies below a directory that it is in. */
const belowOf = (path: string, top: string): string => path.slice(top === '/' ? 0 : top.length);

const isHomeCopy = (mount: View): mount is HostView => isCopied(mount) && mount.origin === 'home';

/** Returns whether the state directory appears in what `mount` shows, and nothing else is shown there. */
function shows(mount: View, state: string, mounts: readonly View[]): mount is HostView {
  if (!isPassed(mount) && !isHomeCopy(mount)) return false;
  if (!isWithin(state, mount.source)) return false;
  const target = posix.join(mount.target, belowOf(state, mount.source));
  return !mounts.some(
    ({ target: other }) =>
      other !== mount.target && isWithin(other, mount.target) && isWithin(target, other),
  );
}

/**
 * The directories between what is shown and the state directory, each a mount of its own: a mount
 * point cannot be renamed, and so nothing else be put in the state directory's place.
 */
function pinned(mount: HostView, state: string): HostView[] {
  // An overlay moves no directory that the host has (EXDEV), and the supervisor none with a mount in it.
  if (mount.access !== 'write') return [];
  const pins: HostView[] = [];
  for (let at = posix.dirname(state); at !== mount.source && isWithin(at, mount.source); ) {
    const target = posix.join(mount.target, belowOf(at, mount.source));
    pins.unshift({ ...mount, source: at, target, identity: undefined });
    at = posix.dirname(at);
  }
  return pins;
}

/**
 * The layers of all runs lie in the state directory; a layer inside its own lower is undefined, unless nothing can
 * reach it there: in the home it is hidden.
 */
function refuseOverlay(mount: HostView, state: string): void {
  const { source } = mount;
  if (!isWithin(state, source) && !isWithin(source, state)) return;
  if (isHomeCopy(mount) && source !== state && isWithin(state, source)) return;
  throw new UsageError(
    'ERR_WORKDIR',
    `cannot mount ${source} copy-on-write: ${isWithin(state, source) ? 'it contains' : 'it is inside'} wasbox's state directory ${state}`,
    {
      hint: 'Use another directory, or move the state directory: XDG_STATE_HOME=DIR',
    },
  );
}

function refuseShown(mounts: readonly View[], state: string): void {
  for (const mount of mounts) {
    if (isCopied(mount)) refuseOverlay(mount, state);
    // A preset's cache and an image's layers lie there, and resolving alone chose their paths.
    if (!isPassed(mount) || mount.origin === 'cache' || mount.origin === 'image') continue;
    if (!isWithin(mount.source, state)) continue;
    throw new UsageError('ERR_PATH', `cannot mount ${mount.source}: it belongs to wasbox itself`, {
      hint: 'It holds the changes of other runs. To review them: wasbox runs, wasbox diff ID',
    });
  }
}

/** A link that the payload could replace must not be the way to the state directory. */
function refuseWritableLink(host: Host, mounts: readonly View[], state: StateSpec): void {
  const writable = mounts.filter(reachesHost);
  if (writable.length === 0) return;
  for (const { link } of linksOn(host, state.named).links) {
    if (!writable.some(({ source }) => isWithin(link, source))) continue;
    throw new UsageError(
      'ERR_PATH',
      `${link} cannot be writable: it points to wasbox's own files`,
      {
        hint: `Make fewer places writable, or set the directory without the link: XDG_STATE_HOME='${posix.dirname(state.directory)}'`,
      },
    );
  }
}

/**
 * The mounts with the state directory hidden wherever it would appear, under whatever path.
 * @throws UsageError where a part of the state directory itself, or a link to it, is to be shown
 */
export function hideState(host: Host, state: StateSpec, mounts: readonly View[]): readonly View[] {
  for (const path of state.paths) refuseShown(mounts, path);
  refuseWritableLink(host, mounts, state);
  const found = state.paths.filter((path) => mounts.some((mount) => shows(mount, path, mounts)));
  // Hiding a directory hides everything in it.
  const hiddenPaths = found.filter(
    (path) => !found.some((other) => other !== path && isWithin(path, other)),
  );
  const hidden: View[] = [];
  // Right behind what they are a part of: what else is shown or hidden there comes later.
  const pinnedMounts = mounts.flatMap((mount): View[] => {
    const pins = new Map<string, HostView>();
    for (const path of hiddenPaths) {
      if (!shows(mount, path, mounts)) continue;
      const target = posix.join(mount.target, belowOf(path, mount.source));
      // The path may also be a file that is mounted from a state directory.
      const kind = host.files.stat(path)?.kind;
      const directory = kind === undefined || kind === 'directory';
      hidden.push(hiddenView({ target, directory, origin: 'state' }));
      for (const pin of pinned(mount, path)) pins.set(pin.target, pin);
    }
    return [mount, ...[...pins.values()].sort((a, b) => a.target.length - b.target.length)];
  });
  return [...pinnedMounts, ...hidden];
}
