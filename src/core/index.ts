/** The WASM module: load it, move bytes in and out of its memory. */

export {
  type CoreConversion,
  type CoreNote,
  exportText,
  importText,
  type NoteKind,
} from './convert.js';
export * as layout from './layout.generated.js';
export { type CoreSource, init } from './load.js';
export {
  type CoreInstruction,
  compare,
  compile,
  decodeProgram,
  simulateProgram,
} from './marshal.js';
export {
  type ArchitectureInfo,
  architectures,
  argumentsOf,
  type CoreArgument,
  callName,
  callNumber,
  constantSets,
  constantValue,
  groups,
  numberLimit,
  tablesVersion,
} from './tables.js';
export type {
  CoreComparison,
  CoreDecision,
  CoreDiagnostic,
  CoreDifference,
  CoreEvent,
  CorePlace,
  CoreRequest,
  CoreResult,
  OwnBytes,
} from './types.js';
