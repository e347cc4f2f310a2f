/**
 * Stage: changes. Whether a symbolic link leads out of the tree, as the tree will be once the layer
 * is applied: each name is looked up in the layer first, then on the host.
 */

import { openDirectoryPath, stateAt, withFd } from './fdtree.js';
import { type Layer, unlessDenied } from './layer.js';
import type { ChangesNative, FileState } from './model.js';
import { joinPath, splitPath } from './path.js';
import type { Steered } from './steered.js';

const maxLinks = 40;
const maxLookups = 400;

export interface MergedTree {
  readonly native: ChangesNative;
  readonly layer: Layer;
  readonly host: number;
  /** Absolute path of the working directory, as links may name it. */
  readonly workdir: Buffer;
  /** What the host's own files make run from places of any name; read once it is asked for. */
  readonly steered: () => Steered;
  /** Names that may still be looked up in this scan; then every further link leads out. */
  lookupsLeft: number;
}

/** For one scan: the payload decides how many links there are, and how deep they lie. */
export const lookupsInAScan = 500_000;

function stateBelow(
  native: ChangesNative,
  fd: number,
  names: readonly Buffer[],
): FileState | undefined {
  const [name, ...rest] = names;
  if (name === undefined) return undefined;
  if (rest.length === 0) return unlessDenied(() => stateAt(fd, name));
  return unlessDenied(() =>
    withFd(openDirectoryPath(native, fd, name), (child) => stateBelow(native, child, rest)),
  );
}

function mergedState(tree: MergedTree, names: readonly Buffer[]): FileState | undefined {
  return (
    stateBelow(tree.native, tree.layer.root, names) ?? stateBelow(tree.native, tree.host, names)
  );
}

/**
 * Links into the system's directories, as every virtual environment has them: an ordinary user
 * cannot write there, so nothing is reached through them that was not before.
 */
function isSystem(target: Buffer): boolean {
  if (process.geteuid?.() === 0) return false;
  const text = target.toString('latin1');
  return (
    /^\/(?:usr|bin|sbin|lib\w*|nix\/store|gnu\/store)\//.test(text) &&
    !text.split('/').includes('..')
  );
}

/** Whether the link at `path` may lead out of the working directory. When in doubt, it does. */
export function leadsOut(tree: MergedTree, path: Buffer, target: Buffer): boolean {
  const stack = splitPath(path).slice(0, -1);
  const pending: Buffer[] = [];
  /** Where links were met, with what was left to look up: once more, and they lead in a circle. */
  const met = new Set<string>();
  let lookups = 0;

  /** Queues a link's target; false where it is absolute and elsewhere. */
  const follow = (to: Buffer): boolean => {
    if (to[0] !== 0x2f) {
      pending.unshift(...splitPath(to));
      return true;
    }
    const root = tree.workdir;
    if (!to.subarray(0, root.length).equals(root)) return false;
    if (to.length > root.length && to[root.length] !== 0x2f) return false;
    stack.length = 0;
    pending.unshift(...splitPath(to.subarray(root.length)));
    return true;
  };

  if (isSystem(target)) return false;
  if (!follow(target)) return true;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    const text = name.toString('latin1');
    if (text === '.') continue;
    if (text === '..') {
      if (stack.pop() === undefined) return true;
      continue;
    }
    stack.push(name);
    // Each name on the way costs a look-up of its own.
    tree.lookupsLeft -= stack.length;
    if (++lookups > maxLookups || tree.lookupsLeft < 0) return true;
    const state = mergedState(tree, stack);
    if (state?.type !== 'symlink' || state.link === undefined) continue;
    const here = [...stack, Buffer.of(0), ...pending].map((part) => part.toString('latin1'));
    if (met.has(here.join('/'))) return false; // to nowhere: ELOOP
    if (met.add(here.join('/')).size > maxLinks) return true;
    stack.pop();
    if (isSystem(state.link)) return false;
    if (!follow(state.link)) return true;
  }
  return false;
}

/** Whether a directory of the merged tree has what makes git take it for a repository. */
export function looksLikeGit(tree: MergedTree, directory: Buffer): boolean {
  // HEAD may lie elsewhere: in a directory whose `commondir` leads here.
  return ['objects', 'refs'].every(
    (name) => mergedState(tree, splitPath(joinPath(directory, Buffer.from(name)))) !== undefined,
  );
}
