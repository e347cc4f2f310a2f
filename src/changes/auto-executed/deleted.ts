/**
 * Decides whether a deletion is held back: the file configures or restrains programs, which would do something else
 * without it. Nothing is held where its directory is deleted, too: `rm -r sub` may take `sub/.npmrc` with it.
 */
import { canonicalName } from '../files/canonical-name.js';
import type { Names } from '../files/path.js';
import { inLayer, type MergedTree } from '../merged-tree/tree.js';
import type { AutoExecuted } from './match.js';

/** Files that keep others out of commits, packages and images, or encrypt them there. */
const protecting: ReadonlySet<string> = new Set([
  ...['.gitattributes', '.gitignore', '.hgignore', '.bzrignore', '.jjignore', '.p4ignore'],
  ...['.npmignore', '.dockerignore', '.containerignore', '.vscodeignore', '.helmignore'],
  ...['.gcloudignore', '.vercelignore', '.cfignore', '.ebignore', '.slugignore', '.chefignore'],
  ...['.gitleaksignore', '.gitleaks.toml', '.git-crypt', '.sops.yaml', 'manifest.in'],
]);

/** Returns whether the run deleted a directory, or put something else in its place. */
function isGone(tree: MergedTree, directory: Names): boolean {
  const found = inLayer(tree, directory);
  return found === 'absent' || (typeof found === 'object' && found.type !== 'directory');
}

/** @param byName what the catalogue says about the path */
export function heldIfDeleted(
  tree: MergedTree,
  path: Names,
  byName: AutoExecuted | undefined,
): AutoExecuted | undefined {
  const { level, why = '', mayGo = false, start = 0 } = byName ?? {};
  if (level === 'held' && !mayGo) {
    return start > 0 && isGone(tree, path.slice(0, start)) ? undefined : { level, why };
  }
  if (!protecting.has(canonicalName(path.at(-1) ?? ''))) return undefined;
  if (path.length > 1 && isGone(tree, path.slice(0, -1))) return undefined;
  return { level: 'held', why: 'it keeps files out of commits, packages or images' };
}
