/**
 * Runs kept aside: what the code changed, to look at, apply or drop.
 *
 * A run's layer is untrusted: the payload wrote it. The host is only touched by `applyRun`.
 * Everything here is synchronous and throws `ChangesError`.
 */
export { type ApplyOptions, applyRun } from './apply/apply.js';
export { monotonicMs } from './clock.js';
export { isWithin } from './files/path.js';
export { removeDirectory } from './files/remove.js';
export type {
  ApplyReport,
  Change,
  ChangeCounts,
  ChangeFlag,
  ChangeKind,
  ChangeSummary,
  ChangesNative,
  Conflicts,
  FileState,
  FileType,
  FinishReport,
  OnProgress,
  Progress,
  Refusal,
  RefusalReason,
  Run,
  RunRecord,
  RunStatus,
  RunTree,
  TreeIdentity,
} from './model.js';
export { countChanges } from './scan/compare.js';
export { type DiffOptions, diffRun, type FileDiff, type FilePart } from './show/diff.js';
export { type FormatOptions, formatUnified } from './show/format.js';
export {
  changeToJson,
  diffToJson,
  type JsonChange,
  type JsonDiff,
  type JsonState,
} from './show/format-json.js';
export { formatStat, statusLetter } from './show/format-stat.js';
export type { DiffHunk } from './show/hunks.js';
export { changeNotes } from './show/notes.js';
export { formatPatch } from './show/patch.js';
export { continueRun, createRun, type RunRequest } from './store/create.js';
export {
  chooseExpired,
  type Expired,
  type ExpireLimits,
  expiredText,
  expireRuns,
} from './store/expire.js';
export { type FinishMode, finishRun, type RunEnd, scanRun } from './store/finish.js';
export { isRunId } from './store/id.js';
export {
  noteQuiet,
  noteSettled,
  noteShown,
  type PlaceNotes,
  readPlace,
} from './store/last-shown.js';
export { settleRuns } from './store/recover-all.js';
export { removeRun, resumeRun } from './store/run-directory.js';
export {
  type DiscardReport,
  discardRuns,
  listRuns,
  openRun,
  runIds,
  savedRecord,
} from './store/saved-runs.js';
export { forgetSpare, returnSpare } from './store/spare.js';
export {
  homeOfUser,
  makeStateDirectory,
  openStore,
  type Store,
  type StoreOptions,
  stateError,
} from './store/state-dir.js';
