/** Lists of changes: counted, and sorted for people. */
import type { Change, ChangeSummary } from './change.js';

/** Counts changes by kind; a change of type, mode or time counts as modified. */
export function countChanges(changes: readonly Change[]): ChangeSummary {
  let added = 0;
  let deleted = 0;
  let sizeBytes = 0;
  let diskBytes = 0;
  for (const change of changes) {
    if (change.kind === 'added') added++;
    else if (change.kind === 'deleted') deleted++;
    if (change.after?.type !== 'file') continue;
    sizeBytes += change.after.size;
    diskBytes += change.after.diskBytes;
  }
  const counts = { added, modified: changes.length - added - deleted, deleted };
  return { counts, sizeBytes, diskBytes };
}

/** Changes by tree and path, for people. */
export function sortChanges(changes: readonly Change[]): Change[] {
  return [...changes].sort((a, b) => a.tree - b.tree || Buffer.compare(a.path, b.path));
}
