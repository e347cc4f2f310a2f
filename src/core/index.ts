/** The WASM module: load it, move bytes in and out of its memory. */

export { type CoreNote, exportText, importText, type NoteKind } from './convert.js';
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
  CoreDecision,
  CoreDiagnostic,
  CoreDifference,
  CoreEvent,
  CorePlace,
  CoreRequest,
  CoreResult,
  OwnBytes,
} from './types.js';
