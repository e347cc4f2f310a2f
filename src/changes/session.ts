/**
 * Stage: changes. The open descriptors of one run: its directory, its layer, its working directory.
 */
import { names, withFd } from './fdtree.js';
import { Layer } from './layer.js';
import type { Change, ChangesNative, RunRecord } from './model.js';
import { removeTree } from './remove.js';
import { type ScanContext, scanLayer } from './scan.js';
import { openWorkdir } from './workdir.js';

export interface Session {
  readonly native: ChangesNative;
  readonly record: RunRecord;
  readonly runDirectory: number;
  readonly layer: Layer;
  readonly host: number;
}

/** Opens a run for `use`. `runDirectory` stays the caller's. */
export function withSession<T>(
  native: ChangesNative,
  runDirectory: number,
  record: RunRecord,
  use: (session: Session) => T,
): T {
  return withFd(openWorkdir(native, record), (host) => {
    const layer = new Layer(native, runDirectory);
    try {
      return use({ native, record, runDirectory, layer, host });
    } finally {
      layer.close();
    }
  });
}

/** Compares the layer with the host, in the order in which changes can be applied. */
export function changesOf(session: Session): readonly Change[] {
  return scanLayer({ ...session, prune: false }).changes;
}

/** The same, after what equals the host was removed from the layer. */
export function pruneLayer(
  session: Session,
  done: Pick<ScanContext, 'applied' | 'ownCtimes'> = {},
): readonly Change[] {
  const { changes } = scanLayer({ ...session, ...done, prune: true });
  emptyTrash(session.native, session.runDirectory);
  return changes;
}

function emptyTrash(native: ChangesNative, runDirectory: number): void {
  for (const name of names(runDirectory)) {
    if (name.toString('latin1').startsWith('trash-')) removeTree(native, runDirectory, name);
  }
}
