/**
 * These functions serve a run at its start or end only where it goes on from another, changed something or is
 * saved. It is loaded by the first run that does: a program that imports the library need not wait for it.
 */
import type { Expired, FinishReport, Run, RunRecord } from '../model/index.js';
import type { RunRequest } from '../store/create.js';
import { endUntouched, endUntouchedSoon, type LayerEnd } from '../store/run-directory.js';
import type { Store } from '../store/state-dir.js';
import { runStateError } from '../store/state-error.js';
import type { FinishMode, RunEnd } from './finish.js';
import { unchanged } from './unchanged.js';

/** Does what `continueRun` does. */
export async function continueRunSoon(
  store: Store,
  wanted: string,
  request: RunRequest,
): Promise<Run> {
  const { continueRun } = await import('./continue.js');
  return continueRun(store, wanted, request);
}

/** Does what `stackPaths` does. */
export async function stackPathsSoon(
  store: Store,
  run: Run,
): Promise<readonly (readonly string[])[]> {
  const { stackPaths } = await import('./stack-layers.js');
  return stackPaths(store, run);
}

/**
 * Does what `finishRun` does.
 * @param layer empties the layer, and removes what was changed, on another thread; undefined does it here
 */
export async function finishRunSoon(
  store: Store,
  run: Run,
  end: RunEnd,
  mode: FinishMode,
  layer: LayerEnd | undefined,
): Promise<FinishReport> {
  try {
    const untouched =
      layer === undefined ? endUntouched(store, run) : await endUntouchedSoon(store, run, layer);
    if (untouched) return unchanged(run);
    const { finishChanged } = await import('./finish.js');
    return await finishChanged(store, run, end, mode, layer);
  } catch (error) {
    throw runStateError(store, run.record.id, error);
  } finally {
    run.close();
  }
}

/** Recovers interrupted runs, if there are any. */
export async function recoverSoon(store: Store): Promise<void> {
  if (!store.native.hasInterruptedRuns(store.directory)) return;
  const { recoverRuns } = await import('./recover-all.js');
  recoverRuns(store);
}

/** Does what `expireRuns` does. */
export async function expireSoon(store: Store, kept: RunRecord): Promise<Expired[]> {
  const { expireRuns } = await import('./expire.js');
  return expireRuns(store, kept);
}
