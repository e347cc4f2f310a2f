/**
 * Stage: launch. wasbox's own state directory in what a sandbox shows. There lie the layers and the
 * journal of other runs, and starts that the native front end carries out: no payload may see it, let
 * alone write to it, whatever `--ro` and `--rw` show around it.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeStateDirectory, type Store } from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { isWithin, type Mount, type SandboxSpec } from '../spec/index.js';

/** The real path of what exists of a path, the rest as it is. */
export function resolveExisting(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(resolveExisting(parent), basename(path));
  }
}

/** Where the state directory would appear inside. */
function placesOf(state: string, mounts: readonly Mount[]): string[] {
  const places: string[] = [];
  for (const mount of mounts) {
    if (mount.type !== 'bind' || !isWithin(state, mount.source)) continue;
    const target = join(mount.target, state.slice(mount.source.length));
    const covered = mounts.some(
      ({ target: other }) =>
        other !== mount.target && isWithin(other, mount.target) && isWithin(target, other),
    );
    if (!covered) places.push(target);
  }
  return places;
}

/**
 * The spec with the state directory hidden wherever it would appear.
 * @throws UsageError where a part of the state directory itself is to be shown
 * @throws ChangesError where the directory is to be hidden and cannot be made
 */
export function hideState(store: Store, spec: SandboxSpec): SandboxSpec {
  const state = resolveExisting(store.directory);
  for (const mount of spec.mounts) {
    if (mount.type !== 'bind' || !isWithin(mount.source, state)) continue;
    throw new UsageError(
      'ERR_PATH',
      `${mount.source} belongs to wasbox itself and cannot be shown`,
      {
        hint: 'It holds the changes of other runs. To look at them: wasbox runs, wasbox diff ID',
      },
    );
  }
  const places = placesOf(state, spec.mounts);
  if (places.length === 0) return spec;
  // What is not there cannot be hidden, but the payload could make it.
  makeStateDirectory(store);
  const hidden = places.map((target): Mount => ({ type: 'hide', target, directory: true }));
  return { ...spec, mounts: [...spec.mounts, ...hidden] };
}
