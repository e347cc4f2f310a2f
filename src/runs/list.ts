/** Lists which runs are saved. */
import type { KeptRun } from './kept-run.js';
import type { RunInfo, RunsPlace } from './saved-list.js';

/**
 * The runs that are saved or running, newest first, as `wasbox runs` lists them.
 * @throws UsageError where `place` is not an object
 * @throws UsageError for another option, and for a `workdir` that is not there
 * @throws ChangesError `ERR_STATE_DIR`
 */
export async function listSavedRuns(place: RunsPlace = {}): Promise<RunInfo[]> {
  const { savedRuns } = await import('./saved-list.js');
  return savedRuns(place);
}

/**
 * A saved run, to review, apply or discard its changes.
 * @param id an ID, or its unique beginning
 * @throws ChangesError ERR_RUN_UNKNOWN, ERR_RUN_BUSY
 */
export async function openSavedRun(id: string): Promise<KeptRun> {
  const { savedRun } = await import('./saved-list.js');
  return savedRun(id);
}
