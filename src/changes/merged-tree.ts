/**
 * Stage: changes. The tree as it will be: each name is looked up in the layer and on the host. What
 * is applied first, and what never, is the user's choice, so that both may hold.
 */
import { closeSync } from 'node:fs';
import { isAbsent, lstatAt, openDirectory, openDirectoryPath, stateAt, withFd } from './fdtree.js';
import type { Layer } from './layer.js';
import type { ChangesNative, FileState } from './model.js';
import type { Steered } from './steered.js';
import type { SystemPlaces } from './system-place.js';

export interface MergedTree {
  readonly native: ChangesNative;
  readonly layer: Layer;
  readonly host: number;
  /** Absolute path of the working directory, as links may name it. */
  readonly workdir: Buffer;
  readonly system: SystemPlaces;
  /** What the host's own files make run from places of any name; read once it is asked for. */
  readonly steered: () => Steered;
  /** Names that may still be looked up in this scan; then every further link leads out. */
  lookupsLeft: number;
}

/** For one scan: the payload decides how many links there are, and how deep they lie. */
export const lookupsInAScan = 500_000;

/** A path's names, a byte a character. */
export type Names = readonly string[];

/** `unknown`: on another mount, or closed to this user. */
export type Found = FileState | 'unknown' | undefined;

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

function unlessAbsent(use: () => Found): Found {
  try {
    return use();
  } catch (error) {
    return isAbsent(error) ? undefined : 'unknown';
  }
}

/** What the run left at a path; undefined where it left nothing, or deleted what the host has. */
export function inLayer({ native, layer }: MergedTree, names: Names): Found {
  return unlessAbsent(() => {
    let fd = openDirectory(native, layer.root, bytesOf('.'));
    try {
      for (const name of names.slice(0, -1).map(bytesOf)) {
        if (lstatAt(fd, name)?.isDirectory() !== true) return undefined;
        const parent = fd;
        fd = layer.openDirectory(parent, name);
        closeSync(parent);
      }
      const name = bytesOf(names[names.length - 1] ?? '.');
      const entry = layer.entry(fd, name, layer.opacity(fd) === 'x');
      return entry?.whiteout === true ? undefined : entry?.state;
    } finally {
      closeSync(fd);
    }
  });
}

/** What the host has there, without going through links or into other mounts. */
export function onHost({ native, host }: MergedTree, names: Names): Found {
  const name = bytesOf(names[names.length - 1] ?? '.');
  const parent = names.length < 2 ? '.' : names.slice(0, -1).join('/');
  return unlessAbsent(() =>
    withFd(openDirectoryPath(native, host, bytesOf(parent)), (fd) => {
      const state = stateAt(fd, name);
      // A directory that is a mount point holds another tree.
      if (state?.type === 'directory') closeSync(openDirectoryPath(native, fd, name));
      return state;
    }),
  );
}

/** What may be at a path once changes are applied: all of them, some, or none. */
export function mayBeAt(tree: MergedTree, names: Names): readonly Exclude<Found, undefined>[] {
  tree.lookupsLeft -= names.length;
  return [inLayer(tree, names), onHost(tree, names)].filter((found) => found !== undefined);
}

/** Whether a directory will have what makes git take it for a repository. */
export function looksLikeGit(tree: MergedTree, directory: Names): boolean {
  // HEAD may lie elsewhere: in a directory whose `commondir` leads here.
  return ['objects', 'refs'].every((name) => mayBeAt(tree, [...directory, name]).length > 0);
}
