/**
 * Caches of presets (`--for`): directories in the state directory that last from run to run. Only the run
 * of the same preset, in the same project, is shown one; it can write to it.
 */
import { mkdirSync } from 'node:fs';
import { at, errnoOf, names, openDirectory, withFd } from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import { openOwn, type Store } from './state-dir.js';
import { stateError } from './state-error.js';

/**
 * Makes a cache's directory where it is missing.
 * @param path below `caches`: preset, project, number
 */
export function makeCache(store: Store, path: readonly string[]): void {
  withFd(openOwn(store, 'caches', true), (caches) => makeBelow(store, caches, path));
}

function makeBelow(store: Store, directory: number, [name, ...rest]: readonly string[]): void {
  if (name === undefined) return;
  const entry = Buffer.from(name);
  try {
    mkdirSync(at(directory, entry), { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw stateError(store.directory, error);
  }
  withFd(openDirectory(store.native, directory, entry), (fd) => makeBelow(store, fd, rest));
}

/** Names of presets that have a cache. */
export function cachedPresets(store: Store): string[] {
  const caches = openOwn(store, 'caches', false);
  return caches === undefined ? [] : withFd(caches, (fd) => names(fd).map(String));
}

/** Removes all caches of a preset, those of every project. */
export function clearCaches(store: Store, preset: string): void {
  const caches = openOwn(store, 'caches', false);
  if (caches === undefined) return;
  withFd(caches, (fd) => removeTree(store.native, fd, Buffer.from(preset)));
}
