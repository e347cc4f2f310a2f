/** The changes of one open tree of a run. */
import { emptyPath, homePrefix, pathKey } from '../files/path.js';
import type { Change, OnProgress } from '../model/index.js';
import type { Session } from '../store/session.js';
import { startOf } from '../store/start-time.js';
import type { ScanContext } from './context.js';
import { emptyTrash } from './prune.js';
import { scanLayer } from './scan.js';

function contextOf(session: Session): Omit<ScanContext, 'prune'> {
  const { native, record, tree, index, directory, layer, host } = session;
  const { path: root, home, placed = [] } = tree;
  const elsewhere = index === 0 ? emptyPath : Buffer.from(root);
  const prefix = home === undefined ? elsewhere : homePrefix;
  const startNs = startOf(record);
  const keys = new Set(placed.map((path) => pathKey(Buffer.from(path))));
  const place = { root, tree: index, prefix, home };
  return { id: record.id, native, directory, layer, host, ...place, startNs, placed: keys };
}

/** The changes of a tree, in the order in which they can be applied. */
export function changesOf(session: Session, onProgress?: OnProgress): readonly Change[] {
  return scanLayer({ ...contextOf(session), prune: false, onProgress });
}

/** The changes of a run that is discarded, found without opening files. */
export function quickChangesOf(
  session: Session,
  options: Pick<ScanContext, 'onProgress' | 'onDropped' | 'maxAllPathBytes'>,
): readonly Change[] {
  return scanLayer({ ...contextOf(session), ...options, prune: false, quick: true });
}

/** The changes of a tree; removes from the layer what equals the host. */
export function pruneLayer(
  session: Session,
  done: Pick<
    ScanContext,
    'applied' | 'ownCtimes' | 'onProgress' | 'onDropped' | 'maxAllPathBytes'
  > = {},
): readonly Change[] {
  const changes = scanLayer({ ...contextOf(session), ...done, prune: true });
  emptyTrash(session.native, session.directory);
  return changes;
}
