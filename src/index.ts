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
  ApplyReport,
  Change,
  ChangeCounts,
  ChangeSummary,
  FinishReport,
} from './changes/index.js';
export {
  ChangesError,
  type ErrorCode,
  errorCodes,
  LaunchError,
  SupportError,
  UsageError,
  WasboxError,
} from './errors/index.js';
export {
  type RunLibraryOptions,
  type RunResult,
  run,
  type Sandbox,
  type SandboxResult,
  type SpawnOptions,
  type StdioTarget,
  spawn,
} from './launch/index.js';
export type { PathMapping, RunOptions, VariableMap } from './options/index.js';
export { type PolicyDiagnostic, PolicyError } from './policy/index.js';
export {
  createPool,
  type Pool,
  type PoolOptions,
  type PoolState,
  type PoolTask,
} from './pool/index.js';
export type {
  AuditAddress,
  AuditCall,
  AuditExecution,
  AuditFile,
  AuditProcess,
  ReportAsked,
  ReportAudit,
  ReportQuestion,
  ReportRefusal,
  ReportRefusals,
  RunReport,
} from './report/index.js';
