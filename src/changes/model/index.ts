/** The types of saved changes (a run, its journal entry, a change, reports), with the pure functions on them. */

export type {
  Change,
  ChangeCounts,
  ChangeFlag,
  ChangeKind,
  ChangeSummary,
  FileState,
  FileType,
} from './change.js';
export { countChanges, sortChanges } from './list.js';
export type { ChangesNative } from './native.js';
export type {
  ApplyReport,
  Conflicts,
  DroppedFiles,
  Expired,
  FinishReport,
  OnProgress,
  Progress,
  Refusal,
  RefusalReason,
  Settlement,
} from './report.js';
export {
  type EarlierRun,
  type Run,
  type RunRecord,
  type RunStatus,
  type RunTree,
  recordVersion,
  type StandIn,
  type TreeIdentity,
} from './run.js';
export { inodeKey, losesBits, metadataDiffers, wantedMode } from './state.js';
