/**
 * wasbox's own state directory in what a sandbox shows. There lie the layers and the
 * journal of other runs, and starts that the native command carries out: no payload may see it, let
 * alone write to it, whatever `--ro` and `--rw` show around it.
 */
import { readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeStateDirectory, type Store } from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { isWithin } from '../host/index.js';
import type { Mount, SandboxSpec } from '../resolve/index.js';

/** What of a path lies below a directory that it is in. */
const belowOf = (path: string, top: string): string => path.slice(top === '/' ? 0 : top.length);

type BindMount = Extract<Mount, { type: 'bind' }>;

/** Where a symbolic link leads; undefined for anything else. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Symbolic links that a path leads through, each by its real path. */
function linksOf(path: string): string[] {
  const links: string[] = [];
  const names = path.split('/');
  let real = '/';
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const next = join(real, name);
    const to = readLink(next);
    if (to === undefined) {
      real = next;
      continue;
    }
    links.push(next);
    if (links.length > 40) break; // as many as the kernel follows
    if (to.startsWith('/')) real = '/';
    names.unshift(...to.split('/'));
  }
  return links;
}

/** Whether the state directory appears in what `mount` shows, and nothing else is shown there. */
function shows(mount: Mount, state: string, mounts: readonly Mount[]): mount is BindMount {
  if (mount.type !== 'bind' || !isWithin(state, mount.source)) return false;
  const target = join(mount.target, belowOf(state, mount.source));
  return !mounts.some(
    ({ target: other }) =>
      other !== mount.target && isWithin(other, mount.target) && isWithin(target, other),
  );
}

/**
 * The directories between what is shown and the state directory, each a mount of its own: a mount
 * point cannot be renamed, and so nothing else be put in the state directory's place.
 */
function pinned(mount: BindMount, state: string): BindMount[] {
  if (mount.readOnly) return [];
  const pins: BindMount[] = [];
  for (let at = dirname(state); at !== mount.source && isWithin(at, mount.source); ) {
    const target = join(mount.target, belowOf(at, mount.source));
    pins.unshift({ ...mount, source: at, target, identity: undefined });
    at = dirname(at);
  }
  return pins;
}

/** In the state directory lie the layers of all runs; a layer inside its own lower is undefined. */
function refuseOverlay(source: string, state: string): void {
  if (!isWithin(state, source) && !isWithin(source, state)) return;
  throw new UsageError(
    'ERR_WORKDIR',
    `cannot show ${source} copy-on-write: ${isWithin(state, source) ? 'it contains' : 'it is inside'} wasbox's state directory ${state}`,
    {
      hint: 'Choose another directory, or move the state directory: XDG_STATE_HOME=DIR',
    },
  );
}

function refuseShown(spec: SandboxSpec, state: string): void {
  for (const mount of spec.mounts) {
    if (mount.type === 'overlay') refuseOverlay(mount.source, state);
    if (mount.type !== 'bind' || !isWithin(mount.source, state)) continue;
    throw new UsageError(
      'ERR_PATH',
      `${mount.source} belongs to wasbox itself and cannot be shown`,
      {
        hint: 'It holds the changes of other runs. To look at them: wasbox runs, wasbox diff ID',
      },
    );
  }
}

/** Whether a directory is to be hidden; else a file that is mounted from a state directory. */
const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() !== false;

/**
 * The spec with the state directory hidden wherever it would appear, under whatever path.
 *
 * @param places absolute paths at which state directories, or parts of one, are to be found
 * @throws UsageError where a part of the state directory itself, or a link to it, is to be shown
 * @throws ChangesError where the directory is to be hidden and cannot be made
 */
export function hideState(store: Store, spec: SandboxSpec, places: readonly string[]): SandboxSpec {
  for (const state of places) refuseShown(spec, state);
  const writable = spec.mounts.filter((mount) => mount.type === 'bind' && !mount.readOnly);
  for (const link of writable.length > 0 ? linksOf(store.named) : []) {
    if (!writable.some((mount) => mount.type === 'bind' && isWithin(link, mount.source))) continue;
    throw new UsageError('ERR_PATH', `${link} leads to wasbox's own files and cannot be writable`, {
      hint: `Make less writable, or name the directory without the link: XDG_STATE_HOME='${dirname(store.directory)}'`,
    });
  }
  const found = places.filter((state) =>
    spec.mounts.some((mount) => shows(mount, state, spec.mounts)),
  );
  if (found.length === 0) return spec;
  // What is not there cannot be hidden, but the payload could make it.
  makeStateDirectory(store);
  // Where one is hidden, what lies in it is.
  const states = found.filter(
    (state) => !found.some((other) => other !== state && isWithin(state, other)),
  );
  const hidden: Mount[] = [];
  // Right behind what they are a part of: what else is shown or hidden there comes later.
  const mounts = spec.mounts.flatMap((mount): Mount[] => {
    const pins = new Map<string, BindMount>();
    for (const state of states) {
      if (!shows(mount, state, spec.mounts)) continue;
      const target = join(mount.target, belowOf(state, mount.source));
      hidden.push({ type: 'hide', target, directory: isDirectory(state) });
      for (const pin of pinned(mount, state)) pins.set(pin.target, pin);
    }
    return [mount, ...[...pins.values()].sort((a, b) => a.target.length - b.target.length)];
  });
  return { ...spec, mounts: [...mounts, ...hidden] };
}
