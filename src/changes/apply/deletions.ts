/**
 * Deletions that `apply` does not do unasked: large ones, and those of a run that was saved incompletely. A program
 * may have meant them, but what it did by mistake, or what wasbox saved by mistake, cannot be taken back.
 */
import { names, openDirectory, withFd } from '../files/fdtree.js';
import type { Change } from '../model/index.js';
import type { Session } from '../store/session.js';
import { RefusedError } from './refusal.js';

/** How large the deletions in one tree are. */
export interface Deletions {
  /** Absolute path of the tree. */
  readonly root: string;
  readonly paths: number;
  /** Paths in the tree; undefined if there are too many to count. */
  readonly of: number | undefined;
}

/** The caller's decisions about deletions and incomplete runs. */
export interface DeletionOptions {
  /**
   * Says whether to do deletions of any size. Asked for each tree with a large one if it is a function. @default false
   */
  readonly delete?: boolean | ((large: Deletions) => boolean) | undefined;
  /** Applies what there is of an incomplete run, if true, without its deletions. @default false */
  readonly incomplete?: boolean | undefined;
}

/** More deletions than these are large. */
const many = 100;
/** So are more than these, if they are half of the tree: a glance at the list shows fewer. */
const few = 10;
/** Trees with more paths are not counted to their end. */
const mostCounted = 100_000;

/** Counts the paths below a directory, no further than `most` or a little more. */
function countPaths(session: Session, directory: number, most: number): number {
  let count = 0;
  for (const name of names(directory)) {
    count++;
    if (count > most) break;
    count += countIn(session, directory, name, most - count);
  }
  return count;
}

function countIn(session: Session, parent: number, name: Buffer, most: number): number {
  if (most < 0) return 0;
  let directory: number;
  try {
    directory = openDirectory(session.native, parent, name);
  } catch {
    return 0; // a file, or a directory that cannot be read
  }
  return withFd(directory, () => countPaths(session, directory, most));
}

/** The deletions in a tree, if they are large. */
function largeOf(session: Session, deleted: readonly Change[]): Deletions | undefined {
  const paths = deleted.length;
  if (paths <= few) return undefined;
  const most = paths > many ? mostCounted : 2 * paths;
  const count = countPaths(session, session.host, most);
  if (paths <= many && count > 2 * paths) return undefined;
  return { root: session.tree.path, paths, of: count > most ? undefined : count };
}

const plural = (count: number): string =>
  count === 1 ? '1 path' : `${count.toLocaleString('en')} paths`;

/** Returns words as in "deletes 1,937 of the 2,000 paths in /home/u/p"; the path is not escaped. */
export const deletionsText = ({ root, paths, of }: Deletions): string =>
  of === undefined
    ? `${plural(paths)} in ${root}`
    : `${paths.toLocaleString('en')} of the ${plural(of)} in ${root}`;

const incomplete = (change: Change): RefusedError =>
  new RefusedError(
    'incomplete',
    change.kind === 'deleted'
      ? 'Not applied: the run was saved incompletely, so the deletion may not be the run’s own.'
      : 'Not applied: the run was saved incompletely.',
  );

/**
 * Why a chosen change is not applied; undefined where nothing here is against it.
 * @param chosen of all trees
 */
export function deletionRefusals(
  sessions: readonly Session[],
  chosen: Iterable<Change>,
  options: DeletionOptions,
): (change: Change) => RefusedError | undefined {
  const refused = new Map<Change, RefusedError>();
  const deleted: Change[] = [];
  const isIncomplete = sessions.some(({ record }) => record.incomplete === true);
  for (const change of chosen) {
    if (isIncomplete && (options.incomplete !== true || change.kind === 'deleted'))
      refused.set(change, incomplete(change));
    else if (change.kind === 'deleted') deleted.push(change);
  }
  const { delete: allowed = false } = options;
  for (const session of allowed === true ? [] : sessions) {
    const own = deleted.filter(({ tree }) => tree === session.index);
    const large = largeOf(session, own);
    if (large === undefined || (typeof allowed === 'function' && allowed(large))) continue;
    const message = `Not applied: the run deleted ${deletionsText(large)}.`;
    for (const change of own) refused.set(change, new RefusedError('many-deletions', message));
  }
  return (change) => refused.get(change);
}
