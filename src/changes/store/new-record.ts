/** The journal entry of a run that is about to be made. Pure: the native command's engine makes it, too. */
import { type RunRecord, recordVersion, type TreeIdentity } from '../model/index.js';

/** The facts that are known of a run before its directory is made. */
export type NewRecord = Omit<RunRecord, 'id' | 'started' | 'baselineNs'>;

interface RecordRequest {
  /** The program as the user named it. */
  readonly command: string;
  readonly argv: readonly string[];
  /** The directories that are shown copy-on-write, the working directory first. */
  readonly trees: readonly [TreeIdentity, ...TreeIdentity[]];
  readonly discard: boolean;
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

/** Returns whether the last layer is that of an empty home, which no overlay shows. */
export const hasEmptyHome = ({ workdir, trees = [] }: NewRecord): boolean =>
  (trees.at(-1) ?? workdir).home === 'empty';

/** The kernel's file time, rounded up: nothing that is older can have been changed since. */
export const baseline = (now: Date): string => (BigInt(now.getTime() + 1) * 1_000_000n).toString();

export function newRecord({ command, argv, trees, discard }: RecordRequest): NewRecord {
  const [workdir, ...others] = trees;
  return {
    schemaVersion: recordVersion,
    command,
    argv: [...argv],
    ...(discard ? { discard: true } : {}),
    workdir,
    ...(others.length === 0 ? {} : { trees: others }),
    status: 'running',
    sizeBytes: 0,
    counts: { added: 0, modified: 0, deleted: 0 },
  };
}

/**
 * The journal entry's text from behind the run's id and times, which the directory's maker writes, to the end of its
 * words: the maker may add more (addon/rundir/layer.c).
 */
export function newRecordText({ argv, ...rest }: NewRecord): string {
  const text = JSON.stringify({ ...rest, argv }, null, 2);
  return text.slice(1, text.lastIndexOf(']')).trimEnd();
}
