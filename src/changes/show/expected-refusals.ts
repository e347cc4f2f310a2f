/**
 * Predicts what `apply` would refuse: by its rules, and what follows from them for other paths.
 */
import { policyRefusal, type RefusedError } from '../apply/refusal.js';
import { pathKey } from '../files/path.js';
import type { Change } from '../model/index.js';

const keyOf = ({ tree }: Change, path: Buffer): string => `${tree} ${pathKey(path)}`;

function* parentsOf(change: Change): Generator<string> {
  const { path } = change;
  for (let end = path.lastIndexOf(0x2f); end > 0; end = path.lastIndexOf(0x2f, end - 1)) {
    yield keyOf(change, path.subarray(0, end));
  }
}

/**
 * The changes that `apply` would refuse, each with the reason as a sentence.
 *
 * @param changes sorted by path
 * @param refuse what is against a change beside its own flags
 */
export function expectedRefusals(
  changes: readonly Change[],
  named: ReadonlySet<Change>,
  refuse: (change: Change) => RefusedError | undefined = () => undefined,
): ReadonlyMap<Change, string> {
  const refused = new Map<Change, string>();
  for (const change of changes) {
    const refusal = refuse(change) ?? policyRefusal(change, named.has(change));
    if (refusal !== undefined) refused.set(change, refusal.message);
  }
  if (refused.size === 0) return refused;
  /** Directories that stay because something in them stays. */
  const kept = new Set<string>();
  for (const change of refused.keys()) {
    if (change.kind === 'deleted') for (const parent of parentsOf(change)) kept.add(parent);
  }
  /** Directories that are not created. */
  const missing = new Set<string>();
  for (const change of changes) {
    const key = keyOf(change, change.path);
    const wasDirectory = change.before?.type === 'directory';
    if (!refused.has(change)) {
      const stays = wasDirectory && change.after?.type !== 'directory' && kept.has(key);
      const parent =
        missing.size > 0 &&
        change.after !== undefined &&
        [...parentsOf(change)].some((one) => missing.has(one));
      if (stays) refused.set(change, 'Not applied: something inside it is not applied.');
      else if (parent) refused.set(change, 'Not applied: its directory is not applied.');
    }
    const made = change.after?.type === 'directory' && !wasDirectory;
    if (made && refused.has(change)) missing.add(key);
  }
  return refused;
}
