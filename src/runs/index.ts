/** Saved runs as a program uses them: plain data, and objects to review, apply and discard. */
export { type RunApplied, type RunChanges, runApplied, runChanges } from './changes.js';
export { type ApplyChoice, checkedChoice } from './choice.js';
export { KeptRun } from './kept-run.js';
export { listSavedRuns, openSavedRun } from './list.js';
export { diffOf, type ShownChange, shownOf } from './saved.js';
export type { RunInfo, RunsPlace } from './saved-list.js';
