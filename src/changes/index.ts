/**
 * Saved changes: what a run changed, to review, apply or discard.
 *
 * A run's layer is untrusted: the payload wrote it. Only `apply` writes to the host's files.
 * Everything here is synchronous and throws `ChangesError`.
 *
 * A folder imports only from those above it in this list (test/unit/changes/arrows.test.ts):
 *
 * - `model`: the terms: a run and its journal entry, a change, what `apply` did
 * - `files`: files and directories by descriptor, and a run's layer as overlayfs wrote it
 * - `store`: the state directory: runs with their locks and journal entries, spare layers, notes
 * - `merged-tree`: the tree as it will be, layer over host, and where its symbolic links lead
 * - `auto-executed`: which paths run by themselves: by name, by git's configuration, through links
 * - `scan`: compares a layer with the host: the list of changes
 * - `apply`: writes changes to the host, each whole or not at all, with a journal for the case of a kill
 * - `lifecycle`: continues, ends, lists, recovers, discards and expires runs
 * - `show`: changes as a diff, a patch, JSON or a list
 */
export { type ApplyOptions, applyRun } from './apply/apply.js';
export { type Deletions, deletionsText } from './apply/deletions.js';
export { namesToApply } from './apply/select.js';
export { autoExecutedIndex } from './auto-executed/match.js';
export {
  at,
  createFile,
  errnoOf,
  lstatAt,
  openDirectory,
  openRoot,
  withFd,
} from './files/fdtree.js';
export { opaqueName } from './files/layer.js';
export { inClosed } from './files/merge-layer.js';
export { isWithin } from './files/path.js';
export { removeDirectory, removeTree } from './files/remove.js';
export { hasLayerAttributes, saveLayers } from './files/save-layer.js';
export { continueRun } from './lifecycle/continue.js';
export { type DiscardReport, discardRuns } from './lifecycle/discard-runs.js';
export { chooseExpired, expireRuns } from './lifecycle/expire.js';
export { expiredText } from './lifecycle/expired-text.js';
export { finishRun, scanRun } from './lifecycle/finish.js';
export { forkRun, hasBase, type UnmadeFork, unmadeFork } from './lifecycle/fork.js';
export {
  endedRuns,
  idsBeginning,
  isRunning,
  listRuns,
  openRun,
  RunInUseError,
  savedRecord,
  savedSession,
  unreadableRuns,
} from './lifecycle/saved-runs.js';
export {
  continueRunSoon,
  expireSoon,
  finishRunSoon,
  recoverSoon,
  stackPathsSoon,
} from './lifecycle/soon.js';
export {
  dropStacked,
  dropStackedSoon,
  emptyDropped,
  freezeRun,
  lowerStack,
  resetRun,
} from './lifecycle/stack.js';
export {
  applyToStandIn,
  checkStandIn,
  type StandingIn,
  standIn,
  standInForMissing,
} from './lifecycle/stand-in.js';
export {
  applyOfSession,
  type OpenedView,
  openView,
  viewOfOther,
  withView,
} from './lifecycle/view.js';
export type {
  ApplyReport,
  Change,
  ChangeCounts,
  ChangeFlag,
  ChangeKind,
  ChangesNative,
  Conflicts,
  FileType,
  FinishReport,
  OnProgress,
  Progress,
  Refusal,
  RefusalReason,
  Run,
  RunRecord,
  RunStatus,
  TreeIdentity,
} from './model/index.js';
export { countChanges } from './model/index.js';
export { changeToJson, type JsonChange, type JsonState } from './show/change-json.js';
export { type DiffOptions, diffRun, type FileDiff } from './show/diff.js';
export { diffToJson, type JsonDiff } from './show/diff-json.js';
export { formatUnified } from './show/format.js';
export { formatStat } from './show/format-stat.js';
export { changeNotes } from './show/notes.js';
export { formatPatch } from './show/patch.js';
export { previewApply, readChanged } from './show/preview.js';
export { cachedPresets, clearCaches, makeCache } from './store/caches.js';
export {
  createRun,
  createRunSoon,
  type RunRequest,
  type RunToMake,
  runToMake,
} from './store/create.js';
export { type FrozenLayer, holdLayer, namesOf, releaseLayer } from './store/frozen.js';
export { isRunId } from './store/id.js';
export { childrenOf, initOfRun, payloadOf } from './store/init-of-run.js';
export { type LastRun, noteLastRun, noteReport, readLastRun } from './store/last-run.js';
export {
  type LastShown,
  noteFinished,
  noteShown,
  noteUnchanged,
  readLastShown,
} from './store/last-shown.js';
export { noteSessionName, sessionNames } from './store/named.js';
export { type NewRecord, newRecord, newRecordText, withHome } from './store/new-record.js';
export {
  beginPrivateRoot,
  capturePrivateRoot,
  endedPrivateRoot,
  hasPrivateRoot,
  newPrivateRootName,
  privateRootName,
  removePrivateRoot,
} from './store/private-root.js';
export { NewerRunError } from './store/record.js';
export {
  endOfMade,
  type LayerEnd,
  lockOfMade,
  makeRun,
  removeRun,
  resumeRun,
} from './store/run-directory.js';
export {
  homeOfUser,
  makeStateDirectory,
  openOwn,
  openStore,
  type Store,
} from './store/state-dir.js';
export { runStateError, stateError, systemProblem } from './store/state-error.js';
export { forgetTraces } from './store/traces.js';
