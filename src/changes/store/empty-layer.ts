/**
 * Runs whose layer this process made, and how it was then. Where it still is so, nothing
 * was changed: nothing need be compared, and what there is to remove is known (run-directory.ts).
 */
import { lstatSync } from 'node:fs';
import type { Run } from '../model/index.js';
import { isUntouched, type UpperState } from './spare-layer.js';
import type { Store } from './state-dir.js';

const made = new WeakMap<Run, UpperState>();

/** Not as root, whose payloads may change what is not looked at here: whose a directory is. */
export function noteEmptyLayer(run: Run): void {
  if (run.trees.length !== 1 || process.geteuid?.() === 0) return;
  const { mode, mtimeNs } = lstatSync(run.upper, { bigint: true });
  made.set(run, { mode: Number(mode & 0o7777n), mtimeNs });
}

/** Whether the run's layer is as {@link noteEmptyLayer} saw it. */
export function isLayerEmpty(store: Store, run: Run): boolean {
  const state = made.get(run);
  return state !== undefined && isUntouched(store, run, state);
}
