/** The library for Node. Re-exports only. */
export type {
  Ask,
  AskingProcess,
  CallQuestion,
  Decision,
  DestinationQuestion,
  FileQuestion,
  LookupQuestion,
  NetworkQuestion,
  Question,
} from './ask/index.js';
export type {
  ChangeCounts,
  ChangeFlag,
  ChangeKind,
  Conflicts,
  FileType,
  JsonChange,
  JsonDiff,
  JsonState,
  RunStatus,
} from './changes/index.js';
export {
  type Diagnosis,
  type DoctorHost,
  doctor,
  type Finding,
  type Verdict,
} from './doctor/index.js';
export {
  AbortError,
  ChangesError,
  type ErrorCode,
  errorCodes,
  isWasboxError,
  LaunchError,
  RunError,
  SupportError,
  UsageError,
  WasboxError,
} from './errors/index.js';
export {
  type CodeProgram,
  type CommandProgram,
  type DryRun,
  dryRun,
  type Input,
  type InputPiece,
  type LineOptions,
  type OnOutput,
  type Piped,
  type Program,
  type RunLibraryOptions,
  type RunningSandbox,
  type RunResult,
  type RunSettings,
  run,
  type Sandbox,
  type SandboxOptions,
  type SandboxResult,
  type SpawnOptions,
  type SpawnSettings,
  type Stdio,
  type StdioTarget,
  setMaxConcurrency,
  spawn,
} from './launch/index.js';
export { type LearnedProfile, type LearnOptions, learnProfile as learn } from './learn/index.js';
export type { ChangesPolicy, PathMapping, VariableMap } from './options/index.js';
export { type PolicyDiagnostic, PolicyError } from './policy/index.js';
export {
  type CloseOptions,
  createPool,
  type Pool,
  type PoolCommand,
  type PoolLanguage,
  type PoolOptions,
  type PoolProgram,
  type PoolSettings,
  type PoolState,
  type PoolTask,
} from './pool/index.js';
export type {
  AuditAddress,
  AuditCall,
  AuditExecution,
  AuditFile,
  AuditProcess,
  Lack,
  OutcomeKind,
  ReportAsked,
  ReportAudit,
  ReportOutcome,
  ReportQuestion,
  ReportRefusal,
  ReportRefusals,
  RunReport,
} from './report/index.js';
export { renderReport } from './report/index.js';
export {
  type ApplyChoice,
  KeptRun,
  listSavedRuns as listRuns,
  openSavedRun as openRun,
  type RunApplied,
  type RunChanges,
  type RunInfo,
  type RunsPlace,
} from './runs/index.js';
export {
  createSession,
  type ExecCode,
  type ExecEnd,
  type ExecOptions,
  type ExecProgram,
  type ExecResult,
  type ExecWords,
  type ProgramOptions,
  type Session,
  type SessionOptions,
  type SessionProcess,
} from './session/index.js';
export { type Explanation, type WatchedExplanation, why } from './why/index.js';
