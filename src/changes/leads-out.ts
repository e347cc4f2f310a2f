/** Stage: changes. Whether a symbolic link leads out of the tree, as the tree will be. */
import { type Following, followLink } from './follow.js';
import {
  type Found,
  inLayer,
  type MergedTree,
  mayBeAt,
  type Names,
  onHost,
} from './merged-tree.js';
import type { SurveyedLink } from './survey.js';

/** The names of a path as bytes, a byte a character. */
export const namesOf = (path: Buffer): string[] =>
  path
    .toString('latin1')
    .split('/')
    .filter((name) => name !== '');

/** Whether the link at `path` may lead out of the working directory. When in doubt, it does. */
export function leadsOut(tree: MergedTree, path: Names, target: Buffer): boolean {
  return !followLink(merged(tree), path.slice(0, -1), target).within;
}

/** Follows in the tree as it will be. Once a scan has looked up too much, everything leads out. */
export function merged(tree: MergedTree): Following {
  return {
    workdir: tree.workdir,
    mayEndAt: (absolute: Buffer) => tree.system.has(absolute),
    look: (at: Names) => (tree.lookupsLeft < 0 ? ['unknown' as const] : mayBeAt(tree, at)),
  };
}

const isLink = (found: Found): boolean => typeof found === 'object' && found.link !== undefined;

/** A link that goes up again from a name that may itself be a link: others decide where it ends. */
const turnsBack = (link: Buffer): boolean =>
  /(?:^|\/)(?!\.{1,2}\/)[^/]+\/(?:\.?\/)*\.\.(?:\/|$)/.test(link.toString('latin1'));

/**
 * What makes links of the host lead out that do not so far, by the key of its path: why. Only a link
 * that goes up from a name can, since each other one is harmless as long as all links are.
 */
export function turnedOut(
  tree: MergedTree,
  links: readonly SurveyedLink[],
  name: (path: Names) => string,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { path, link, onHost: old } of links) {
    if (!old || !turnsBack(link)) continue;
    const directory = path.slice(0, -1);
    const look = (at: Names) => [onHost(tree, at)].filter((state) => state !== undefined);
    if (!followLink({ ...merged(tree), look, strict: true }, directory, link).within) continue;
    const changed: Names[] = [];
    const visit = (at: Names): void => {
      const [now, before] = [inLayer(tree, at), onHost(tree, at)];
      const turns = isLink(now) || isLink(before) || before === undefined;
      if (now !== undefined && turns) changed.push(at);
    };
    if (followLink({ ...merged(tree), visit }, directory, link).within) continue;
    for (const at of changed) {
      found.set(at.join('/'), `the symbolic link ${name(path)} leads out of the directory with it`);
    }
  }
  return found;
}
