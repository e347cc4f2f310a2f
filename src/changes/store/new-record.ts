/** The journal entry of a run that is about to be made. Pure: the native command's engine makes it, too. */
import { type RunRecord, recordVersion, type TreeIdentity } from '../model/index.js';
import { unmadeRunId } from './id.js';

export interface NewRecord {
  /** What the user named. */
  readonly command: string;
  readonly argv: readonly string[];
  /** The directories that are shown copy-on-write, the working directory first. */
  readonly trees: readonly [TreeIdentity, ...TreeIdentity[]];
  readonly discard: boolean;
  readonly now: Date;
}

/** A tree with what the journal says of a home, where it is one. */
export const withHome = (
  tree: TreeIdentity,
  { home, placed = [] }: Pick<TreeIdentity, 'home' | 'placed'>,
): TreeIdentity => ({
  ...tree,
  ...(home === undefined ? {} : { home }),
  ...(placed.length === 0 ? {} : { placed }),
});

/** Whether the last layer is that of an empty home, which no overlay shows. */
export const hasEmptyHome = ({ workdir, trees = [] }: RunRecord): boolean =>
  (trees.at(-1) ?? workdir).home === 'empty';

/** The kernel's file time, rounded up: nothing that is older can have been changed since. */
export const baseline = (now: Date): string => (BigInt(now.getTime() + 1) * 1_000_000n).toString();

/** With {@link unmadeRunId} for its id, which only the directory's maker knows. */
export function newRecord({ command, argv, trees, discard, now }: NewRecord): RunRecord {
  const [workdir, ...others] = trees;
  return {
    schemaVersion: recordVersion,
    id: unmadeRunId,
    command,
    argv: [...argv],
    ...(discard ? { discard: true } : {}),
    workdir,
    ...(others.length === 0 ? {} : { trees: others }),
    started: now.toISOString(),
    baselineNs: baseline(now),
    status: 'running',
    sizeBytes: 0,
    counts: { added: 0, modified: 0, deleted: 0 },
  };
}
