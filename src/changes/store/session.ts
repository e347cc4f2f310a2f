/**
 * The open descriptors of one run: for each of its trees the directory with the tree's records, its
 * layer, and the tree on the host.
 */

import { ChangesError } from '../../errors/index.js';
import { closeDescriptor } from '../../native/index.js';
import { isAbsent, openDirectory, openRoot, withFd } from '../files/fdtree.js';
import { Layer } from '../files/layer.js';
import { openTree } from '../files/workdir.js';
import type { ChangesNative, RunRecord, TreeIdentity } from '../model/index.js';

export interface Session {
  readonly native: ChangesNative;
  readonly record: RunRecord;
  readonly tree: TreeIdentity;
  /** 0 for the working directory. */
  readonly index: number;
  /** Holds the tree's `layers`, `base`, `modes` and `apply`. */
  readonly directory: number;
  readonly layer: Layer;
  /** The tree on the host. */
  readonly host: number;
}

/** Holds the directories of the `--cow` trees, by number. */
export const treesName: Buffer = Buffer.from('trees');

/** The trees of a run, the working directory first. */
export function treesOf(record: Pick<RunRecord, 'workdir' | 'trees'>): readonly TreeIdentity[] {
  return [record.workdir, ...(record.trees ?? [])];
}

/** Opens the directory with a tree's records: the run's own for the working directory. */
export function openTreeDirectory(
  native: ChangesNative,
  runDirectory: number,
  index: number,
): number {
  if (index === 0) return openDirectory(native, runDirectory, Buffer.from('.'));
  const trees = openDirectory(native, runDirectory, treesName);
  try {
    return openDirectory(native, trees, Buffer.from(String(index)));
  } finally {
    closeDescriptor(trees);
  }
}

function damaged(id: string, cause: unknown): ChangesError {
  return new ChangesError(
    'ERR_STATE_DIR',
    `The saved changes of run ${id} are missing or incomplete.`,
    {
      cause,
      hint: `They cannot be applied. To remove the run: wasbox discard ${id}`,
    },
  );
}

/**
 * Opens all trees of a run. Close them with {@link closeSessions}.
 * @param layers the open directory that holds the layers, where it is not the run's
 */
export function openSessions(
  native: ChangesNative,
  runDirectory: number,
  record: RunRecord,
  layers: number = runDirectory,
): readonly Session[] {
  const sessions: Session[] = [];
  try {
    for (const [index, tree] of treesOf(record).entries()) {
      const standIn = record.standIns?.get(index);
      const host =
        standIn === undefined ? openTree(native, tree, record) : openRoot(native, standIn.host);
      let directory: number | undefined;
      try {
        directory =
          standIn === undefined
            ? openTreeDirectory(native, runDirectory, index)
            : openRoot(native, standIn.records);
        const layer = openLayer(native, layers, record, index);
        sessions.push({ native, record, tree, index, directory, layer, host });
      } catch (error) {
        if (directory !== undefined) closeDescriptor(directory);
        closeDescriptor(host);
        throw error instanceof ChangesError || !isAbsent(error) ? error : damaged(record.id, error);
      }
    }
    return sessions;
  } catch (error) {
    closeSessions(sessions);
    throw error;
  }
}

/** Opens the layer of one tree. */
export function openLayer(
  native: ChangesNative,
  runDirectory: number,
  { shared = false, ...record }: RunRecord,
  index: number,
): Layer {
  const plain = treesOf(record)[index]?.home === 'empty';
  return withFd(
    openTreeDirectory(native, runDirectory, index),
    (directory) => new Layer(native, directory, plain, shared),
  );
}

export function closeSessions(sessions: readonly Session[]): void {
  for (const { layer, directory, host } of sessions) {
    layer.close();
    closeDescriptor(directory);
    closeDescriptor(host);
  }
}

/** Opens the trees of a run for `use`. The caller still owns `runDirectory`. */
export function withSessions<T>(
  native: ChangesNative,
  runDirectory: number,
  record: RunRecord,
  use: (sessions: readonly Session[]) => T,
  layers: number = runDirectory,
): T {
  const sessions = openSessions(native, runDirectory, record, layers);
  try {
    return use(sessions);
  } finally {
    closeSessions(sessions);
  }
}
