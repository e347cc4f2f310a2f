/** Builds a report of what happened in a run, as data and as text for people. */
export type { ReportAsked, ReportQuestion } from './asked.js';
export { foldPaths } from './audit/fold.js';
export type {
  AuditAddress,
  AuditCall,
  AuditExecution,
  AuditFile,
  AuditProcess,
  ReportAudit,
} from './audit/types.js';
export { buildFailureReport, buildReport, reportEnd } from './build.js';
export { type Denial, denialOf } from './denial.js';
export type { FileCause, FileCauseKind } from './file-causes.js';
export { imageText } from './image.js';
export { type Lack, lacksOf } from './lacks.js';
export { homeOperand, pathOperand, pathOperands } from './operands.js';
export {
  type EndResult,
  endingWords,
  endResult,
  exitStatus,
  reportOutcome,
  signalName,
} from './outcome.js';
export { projectText } from './project.js';
export { butOf, type ReportRefusal, type ReportRefusals, withoutOption } from './refusal-types.js';
export { type Refused, refusedIn, refusedSoFar } from './refused.js';
export { renderReport } from './render.js';
export type { ServiceCause } from './services.js';
export { formatSummary, misplacedLine } from './summary.js';
export {
  type EndedReport,
  type EndKind,
  isReport,
  type LimitName,
  type OutcomeKind,
  type ReportChanges,
  type ReportOutcome,
  type RunReport,
} from './types.js';
