/** Decides whether a symbolic link points outside the tree, as the tree will be. */

import type { Names } from '../files/path.js';
import { type Following, followLink } from './follow.js';
import type { SurveyedLink } from './survey.js';
import { type Found, inLayer, type MergedTree, mayBeAt, onHost } from './tree.js';

/** Returns whether the link at `path` may point outside the working directory; true when in doubt. */
export function escapesTree(tree: MergedTree, path: Names, target: Buffer): boolean {
  return !followLink(followingMerged(tree), path.slice(0, -1), target).within;
}

/** The paths in the tree at which the link at `path` may end. */
export function endsOf(following: Following, path: Names, target: Buffer): readonly Names[] {
  const ends = new Map<string, Names>();
  const visit = (at: Names, rest: Names): void => {
    if (rest.length === 0) ends.set(at.join('/'), at);
  };
  followLink({ ...following, visit }, path.slice(0, -1), target);
  return [...ends.values()];
}

/** Follows links in the tree as it will be. After too many lookups in a scan, every link counts as an escape. */
export function followingMerged(tree: MergedTree): Following {
  return {
    workdir: tree.workdir,
    mayEndAt: (absolute: Buffer) => tree.system.has(absolute),
    look: (at: Names) => (tree.lookupsLeft < 0 ? ['unknown' as const] : mayBeAt(tree, at)),
  };
}

const isLink = (found: Found): boolean => typeof found === 'object' && found.link !== undefined;

/**
 * Returns whether a link goes up again from a name that may be a link itself: then other links decide where it ends.
 */
const goesUpAgain = (link: Buffer): boolean =>
  /(?:^|\/)(?!\.{1,2}\/)[^/]+\/(?:\.?\/)*\.\.(?:\/|$)/.test(link.toString('latin1'));

/**
 * The changes that redirect links of the host out of the tree, or to a path that is not applied
 * automatically: the reason by path. This can only happen to a link that goes up again from a name; any
 * other is safe as long as all links are.
 *
 * @param isHeld whether a link that ends at a path must be named to be applied
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
      found.set(at.join('/'), `it makes the symbolic link ${name(path)} point ${way}`);
    }
  }
  return found;
}

/** Where an unsafe link points; undefined for a safe one. */
function wayOf(
  following: Following,
  path: Names,
  link: Buffer,
  isHeld: (end: Names) => boolean,
): string | undefined {
  if (!followLink(following, path.slice(0, -1), link).within) return 'outside the directory';
  return endsOf(following, path, link).some(isHeld)
    ? 'to a path that is not applied automatically'
    : undefined;
}
