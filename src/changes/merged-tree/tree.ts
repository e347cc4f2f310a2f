/**
 * The tree as it will be: each name is looked up in the layer and on the host. The user chooses what to
 * apply and when, so either result may be the one that counts.
 */

import { closeDescriptor } from '../../native/index.js';
import { isAbsent, openDirectory, openDirectoryPath, stateAt, withFd } from '../files/fdtree.js';
import type { Layer } from '../files/layer.js';
import type { Names } from '../files/path.js';
import type { ChangesNative, FileState } from '../model/index.js';
import type { SystemPlaces } from './system-path.js';

export interface MergedTree {
  readonly native: ChangesNative;
  readonly layer: Layer;
  readonly host: number;
  /** Absolute path of the working directory, as links may name it. */
  readonly workdir: Buffer;
  /** Returns the absolute path of the state directory, where an index of the host's tree may be kept. */
  readonly stateDirectory: () => string | undefined;
  readonly system: SystemPlaces;
  /** Says whether a directory will be a git directory, by path; a cache. */
  readonly gitDirectories: Map<string, boolean>;
  /** Results of lookups, by path; a cache. */
  readonly known: Map<string, readonly Exclude<Found, undefined>[]>;
  /** Lookups left in this scan; after that, every further link counts as an escape. */
  lookupsLeft: number;
}

/** The limit for one scan: the payload decides how many links there are and how deep. */
export const lookupsInAScan = 500_000;

const maxKnown = 50_000;

/**
 * `unknown`: on another mount, or not accessible. `absent`: the run deleted the host's entry or replaced a
 * directory above it.
 */
export type Found = FileState | 'unknown' | 'absent' | undefined;

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

function unlessAbsent(use: () => Found): Found {
  try {
    return use();
  } catch (error) {
    return isAbsent(error) ? undefined : 'unknown';
  }
}

/** Returns what the run left at a path; undefined if the layer has nothing there. */
export function inLayer({ native, layer }: MergedTree, names: Names): Found {
  let hidden: 'absent' | undefined;
  return unlessAbsent(() => {
    let fd = openDirectory(native, layer.root, bytesOf('.'));
    try {
      for (const [at, name] of names.map(bytesOf).entries()) {
        const opacity = layer.opacity(fd);
        if (opacity === 'y') hidden = 'absent';
        const entry = layer.entry(fd, name, opacity === 'x');
        if (entry === undefined) return hidden;
        if (entry.whiteout) return 'absent';
        if (at === names.length - 1) return entry.state;
        if (entry.state.type !== 'directory') return 'absent';
        const parent = fd;
        fd = layer.openDirectory(parent, name);
        closeDescriptor(parent);
      }
      return undefined;
    } finally {
      closeDescriptor(fd);
    }
  });
}

/** Returns what the host has at a path, without following links or entering other mounts. */
export function onHost({ native, host }: MergedTree, names: Names): Found {
  const name = bytesOf(names[names.length - 1] ?? '.');
  const parent = names.length < 2 ? '.' : names.slice(0, -1).join('/');
  return unlessAbsent(() =>
    withFd(openDirectoryPath(native, host, bytesOf(parent)), (fd) => {
      const state = stateAt(fd, name);
      // A mount point is another tree.
      if (state?.type === 'directory') closeDescriptor(openDirectoryPath(native, fd, name));
      return state;
    }),
  );
}

/** Returns what may be at a path after all, some or none of the changes are applied. */
export function mayBeAt(tree: MergedTree, names: Names): readonly Exclude<Found, undefined>[] {
  const key = names.join('/');
  const known = tree.known.get(key);
  if (known !== undefined) return known;
  tree.lookupsLeft -= names.length;
  const found = lookUp(tree, names);
  // Links of package managers go through the same few directories.
  if (tree.known.size < maxKnown) tree.known.set(key, found);
  return found;
}

function lookUp(tree: MergedTree, names: Names): readonly Exclude<Found, undefined>[] {
  return [inLayer(tree, names), onHost(tree, names)].filter((found) => found !== undefined);
}
