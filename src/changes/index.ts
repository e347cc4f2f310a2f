/**
 * Stage: changes. Runs kept aside: what the code changed, to look at, apply or drop.
 *
 * A run's layer is untrusted: the payload wrote it. The host is only touched by `applyRun`.
 * Everything here is synchronous and throws `ChangesError`.
 */
export { type ApplyOptions, applyRun } from './apply.js';
export { monotonicMs } from './clock.js';
export { countChanges } from './compare.js';
export { continueRun, createRun, type RunRequest } from './create.js';
export { type DiffOptions, diffRun, type FileDiff, type FilePart } from './diff.js';
export {
  chooseExpired,
  type Expired,
  type ExpireLimits,
  expiredText,
  expireRuns,
} from './expire.js';
export { type FinishMode, finishRun, type RunEnd, scanRun } from './finish.js';
export { type FormatOptions, formatUnified } from './format.js';
export {
  changeToJson,
  diffToJson,
  type JsonChange,
  type JsonDiff,
  type JsonState,
} from './format-json.js';
export { formatStat, statusLetter } from './format-stat.js';
export type { DiffHunk } from './hunks.js';
export { isRunId } from './id.js';
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
export { changeNotes } from './notes.js';
export { formatPatch } from './patch.js';
export { displayPath, isWithin } from './path.js';
export { noteQuiet, noteSettled, noteShown, type PlaceNotes, readPlace } from './place.js';
export { removeDirectory } from './remove.js';
export { removeRun, resumeRun } from './run-directory.js';
export { settleRuns } from './settle.js';
export { forgetSpare, returnSpare } from './spare.js';
export {
  homeOfUser,
  makeStateDirectory,
  openStore,
  type Store,
  type StoreOptions,
  stateError,
} from './state-dir.js';
export {
  type DiscardReport,
  discardRuns,
  listRuns,
  openRun,
  runIds,
  savedRecord,
} from './store.js';
