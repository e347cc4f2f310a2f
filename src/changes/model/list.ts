/** Lists of changes: counted, and sorted for people. */
import type { Change, ChangeSummary } from './change.js';

/** A change of type, mode or time counts as modified. */
const countOf = ({ kind }: Change): 'added' | 'modified' | 'deleted' =>
  kind === 'added' || kind === 'deleted' ? kind : 'modified';

/** Counts changes by kind. */
export function countChanges(changes: readonly Change[]): ChangeSummary {
  const counts = { added: 0, modified: 0, deleted: 0 };
  const directories = { added: 0, modified: 0, deleted: 0 };
  let sizeBytes = 0;
  let diskBytes = 0;
  for (const change of changes) {
    counts[countOf(change)]++;
    if (change.type === 'directory') directories[countOf(change)]++;
    if (change.after?.type !== 'file') continue;
    sizeBytes += change.after.size;
    diskBytes += change.after.diskBytes;
  }
  const hasSome = Object.values(directories).some((count) => count > 0);
  return { counts, ...(hasSome ? { directories } : {}), sizeBytes, diskBytes };
}

/** Changes by tree and path, for people. */
export function sortChanges(changes: readonly Change[]): Change[] {
  return [...changes].sort((a, b) => a.tree - b.tree || Buffer.compare(a.path, b.path));
}
