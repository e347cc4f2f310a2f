/** A run that continues the layer of an earlier one. */

import { mkdirSync } from 'node:fs';
import { byInterface, ChangesError } from '../../errors/index.js';
import { closeDescriptor } from '../../native/index.js';
import { joinMapping, shellQuote, spoken } from '../../options/index.js';
import { displayPath } from '../../text/index.js';
import { at, openDirectory, withFd } from '../files/fdtree.js';
import { unshareFiles } from '../files/merge-layer.js';
import { removeTree } from '../files/remove.js';
import { withScratch } from '../files/scratch.js';
import type { Run, RunRecord, TreeIdentity } from '../model/index.js';
import { pruneLayer } from '../scan/tree-changes.js';
import { Base } from '../store/base.js';
import { nextTick } from '../store/clock.js';
import { noteContinued } from '../store/continued.js';
import type { RequestedTree, RunRequest } from '../store/create.js';
import { baseline, withHome } from '../store/new-record.js';
import { pruneOriginals } from '../store/originals.js';
import { writeRecord } from '../store/record.js';
import { moveRun, openRunDirectory, withRecord } from '../store/run-directory.js';
import { type Session, treesOf, withSessions } from '../store/session.js';
import type { Store } from '../store/state-dir.js';
import { stateError } from '../store/state-error.js';
import { openRun } from './saved-runs.js';
import { untangle } from './untangle.js';

/**
 * Continues a saved run in its layer. It keeps its ID; the changes of both are reviewed, applied and
 * discarded together.
 *
 * The new program sees later changes on the host, except at paths that the layer has; there it sees the
 * layer's version, and `apply` refuses the path as for any run. A run that was applied completely does not
 * exist any more; one that was applied in part continues with the rest.
 *
 * @param wanted an ID or its unique beginning
 * @throws ChangesError ERR_RUN_UNKNOWN, ERR_RUN_BUSY, ERR_CONTINUE
 */
export function continueRun(store: Store, wanted: string, request: RunRequest): Run {
  const run = openSaved(store, wanted);
  try {
    requireSameTrees(run.record, request.trees);
    moveRun(store, run, 'runs');
    const { workdir: _workdir, ended: _ended, ...kept } = run.record;
    const { exitCode: _exitCode, signal: _signal, shared: _shared, ...rest } = kept;
    const earlier = { argv: run.record.argv, started: run.record.started };
    const record: RunRecord = {
      ...rest,
      ...continuedTrees(run.record, request.trees),
      command: request.command,
      argv: [...request.argv],
      earlier: [...(run.record.earlier ?? []), earlier],
      order: nextTick(store),
      started: (request.now ?? new Date()).toISOString(),
      status: 'running',
    };
    const directory = openRunDirectory(store, run);
    try {
      withSessions(store.native, directory, run.record, (sessions) => {
        for (const session of sessions) pruneOriginals(session, pruneLayer(session));
        for (const session of sessions) prepareLayer(session);
      });
      const continued = { ...record, baselineNs: baseline(new Date()) };
      noteContinued(store, record.id);
      writeRecord(store.native, directory, continued, true);
      return withRecord(store, run, continued);
    } finally {
      closeDescriptor(directory);
    }
  } catch (error) {
    moveBack(store, run);
    throw error instanceof ChangesError ? error : stateError(store.directory, error);
  }
}

/** Saves a run again that could not be continued. */
function moveBack(store: Store, run: Run): void {
  try {
    moveRun(store, run, 'saved');
  } finally {
    run.close();
  }
}

function openSaved(store: Store, wanted: string): Run {
  try {
    return openRun(store, wanted);
  } catch (error) {
    if (!(error instanceof ChangesError) || error.code !== 'ERR_RUN_UNKNOWN') throw error;
    throw new ChangesError(error.code, error.message, {
      hint: 'If all its changes were applied, start a new run without --continue. To list saved runs: wasbox runs',
      cause: error,
    });
  }
}

function requireSameTrees(record: RunRecord, asked: readonly RequestedTree[]): void {
  const had = treesOf(record);
  const same = (tree: TreeIdentity): boolean =>
    asked.some(({ path, home }) => path === tree.path && home === tree.home);
  if (had.length === asked.length && had.every(same)) return;
  const show = (path: string): string => displayPath(Buffer.from(path));
  const home = had.find((tree) => tree.home !== undefined);
  const [workdir = '/', ...more] = had
    .filter((tree) => tree !== home || tree === record.workdir)
    .map(({ path }) => path);
  const options = [
    spoken`--continue ${record.id}`,
    spoken`--workdir ${shellQuote(show(workdir))}`,
    ...more.map((path) => spoken`--cow ${shellQuote(show(joinMapping(path) ?? path))}`),
    ...(home?.home === 'empty' ? [] : [spoken`--home ${home?.home ?? 'none'}`]),
  ].join(' ');
  const again = byInterface({
    command: `wasbox run ${options} …`,
    library: options,
    mcp: `wasbox mcp ${options} …`,
  });
  const paths = had.map(({ path, home }) => (home === undefined ? show(path) : '~'));
  throw new ChangesError(
    'ERR_CONTINUE',
    `Run ${record.id} used other copy-on-write directories: ${paths.join(', ')}.`,
    { hint: `Use the same ones: ${again}` },
  );
}

/** The trees of a continued run: the sandbox may have made other mount points in the home. */
function continuedTrees(
  record: RunRecord,
  asked: readonly RequestedTree[],
): Pick<RunRecord, 'workdir' | 'trees'> {
  const [workdir = record.workdir, ...trees] = treesOf(record).map((tree) => {
    const now = asked.find(({ path }) => path === tree.path)?.placed ?? [];
    const placed = [...new Set([...(tree.placed ?? []), ...now])].sort();
    return withHome(tree, { home: tree.home, placed });
  });
  return { workdir, ...(trees.length === 0 ? {} : { trees }) };
}

/** Restores a tree's layer to what the payload left, and records that another run continues. */
function prepareLayer(session: Session): void {
  const { native, directory, layer, record } = session;
  const base = Base.read(native, directory, 0n);
  if (base.holdsApplied) untangle(session, base);
  layer.restoreModes();
  if (record.shared === true)
    withScratch(native, directory, (scratch) => unshareFiles(layer, scratch));
  base.continue(native, directory);
  withFd(openDirectory(native, directory, Buffer.from('layers')), (layers) =>
    withFd(openDirectory(native, layers, Buffer.from('0')), (own) => {
      removeTree(native, own, Buffer.from('work'));
      mkdirSync(at(own, Buffer.from('work')), { mode: 0o700 });
    }),
  );
}
