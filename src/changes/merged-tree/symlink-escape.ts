/** Whether a symbolic link leads out of the tree, as the tree will be. */

import type { Names } from '../files/path.js';
import { type Following, followLink } from './follow.js';
import type { SurveyedLink } from './survey.js';
import { type Found, inLayer, type MergedTree, mayBeAt, onHost } from './tree.js';

/** Whether the link at `path` may lead out of the working directory. When in doubt, it does. */
export function escapesTree(tree: MergedTree, path: Names, target: Buffer): boolean {
  return !followLink(followingMerged(tree), path.slice(0, -1), target).within;
}

/** Where the link at `path` may end in the tree. */
export function endsOf(following: Following, path: Names, target: Buffer): readonly Names[] {
  const ends = new Map<string, Names>();
  const visit = (at: Names, rest: Names): void => {
    if (rest.length === 0) ends.set(at.join('/'), at);
  };
  followLink({ ...following, visit }, path.slice(0, -1), target);
  return [...ends.values()];
}

/** Follows in the tree as it will be. Once a scan has looked up too much, everything leads out. */
export function followingMerged(tree: MergedTree): Following {
  return {
    workdir: tree.workdir,
    mayEndAt: (absolute: Buffer) => tree.system.has(absolute),
    look: (at: Names) => (tree.lookupsLeft < 0 ? ['unknown' as const] : mayBeAt(tree, at)),
  };
}

const isLink = (found: Found): boolean => typeof found === 'object' && found.link !== undefined;

/** A link that goes up again from a name that may itself be a link: others decide where it ends. */
const goesUpAgain = (link: Buffer): boolean =>
  /(?:^|\/)(?!\.{1,2}\/)[^/]+\/(?:\.?\/)*\.\.(?:\/|$)/.test(link.toString('latin1'));

/**
 * What makes links of the host lead out, or to a place that is held back, which do not so far, by the key of
 * its path: why. Only a link that goes up from a name can, since each other one is harmless as long as all
 * links are.
 *
 * @param isHeld whether no link may end at a place without being named
 */
export function redirectedLinks(
  tree: MergedTree,
  links: readonly SurveyedLink[],
  name: (path: Names) => string,
  isHeld: (end: Names) => boolean,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { path, link, onHost: old } of links) {
    if (!old || !goesUpAgain(link)) continue;
    const look = (at: Names) => [onHost(tree, at)].filter((state) => state !== undefined);
    const so = wayOf({ ...followingMerged(tree), look, strict: true }, path, link, isHeld);
    if (so !== undefined) continue;
    const changed: Names[] = [];
    const visit = (at: Names): void => {
      const [now, before] = [inLayer(tree, at), onHost(tree, at)];
      const turns = isLink(now) || isLink(before) || before === undefined;
      if (now !== undefined && turns) changed.push(at);
    };
    const way = wayOf({ ...followingMerged(tree), visit }, path, link, isHeld);
    if (way === undefined) continue;
    for (const at of changed) {
      found.set(at.join('/'), `it makes the symbolic link ${name(path)} lead ${way}`);
    }
  }
  return found;
}

/** Where a link leads that is not harmless. */
function wayOf(
  following: Following,
  path: Names,
  link: Buffer,
  isHeld: (end: Names) => boolean,
): string | undefined {
  if (!followLink(following, path.slice(0, -1), link).within) return 'out of the directory';
  return endsOf(following, path, link).some(isHeld) ? 'to a path that is held back' : undefined;
}
