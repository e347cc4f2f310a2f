/** The policy language in TypeScript, safe for browsers. */
export { type CoreSource, groups as listGroups, init, tablesVersion } from '../core/index.js';
export { actionText, type PolicyAction, readAction } from './action.js';
export {
  type BuilderAction,
  type BuilderCondition,
  type BuilderPolicy,
  type BuilderRule,
  type BuilderValue,
  buildPolicy,
} from './builder.js';
export { formatCHeader, type RawInstruction, rawInstructions } from './c-header.js';
export {
  type CompiledPolicy,
  compilePolicy,
  type FilterFigures,
  listArchitectures,
  type PolicyRule,
} from './compile.js';
export { diffPolicies, type PolicyDifference } from './diff.js';
export { PolicyError } from './error.js';
export { type ExplainedCall, type ExplainedCase, type ExplainOptions, explain } from './explain.js';
export { formatDiagnostic, type PolicyDiagnostic, type PolicyPlace } from './format-diagnostic.js';
export { lintPolicy } from './lints/index.js';
export { decodeFilter, type FilterInstruction, type ListedFilter, listFilter } from './listing.js';
export { type Replay, type ReplayedCall, type ReplayedGroup, replay } from './replay.js';
export { type Decision, type SimulatedCall, simulate, simulateFilter } from './simulate.js';
export {
  type Architecture,
  type BuiltinPolicy,
  builtinNames,
  builtinText,
  type CompileOptions,
  type PolicySource,
  type PolicyText,
} from './source.js';
export {
  type CallArgument,
  type ListedCall,
  type ListedConstant,
  listCalls,
  listConstants,
} from './tables.js';
export { type ComparedArgument, widthText } from './widths.js';
