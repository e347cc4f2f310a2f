/** The native addon: its types, where it is installed, and decoders for the records that it returns. */
export { readAddress, type SocketAddress } from './decode/address.js';
export { readAudit } from './decode/audit.js';
export {
  type AuditActionKind,
  type AuditActionRecord,
  type AuditDropped,
  type AuditProcessRecord,
  type AuditRecords,
  type AuditValueRecord,
  changingActions,
} from './decode/audit-records.js';
export { readDestinations } from './decode/destinations.js';
export { decodeOutcome, type NativeOutcome } from './decode/outcome.js';
export { allowableCalls, readQuestion } from './decode/questions.js';
export {
  WB_DECISION_ALLOW,
  WB_DECISION_DENY,
  WB_LIMIT_CPU,
  WB_LIMIT_DISK,
  WB_LIMIT_INODES,
  WB_LIMIT_MEMORY,
  WB_LIMIT_OPEN_FILES,
  WB_LIMIT_OUTPUT,
  WB_LIMIT_PRIVATE_BYTES,
  WB_LIMIT_PRIVATE_INODES,
  WB_LIMIT_PROCESSES,
} from './decode/records.generated.js';
export type {
  NetworkRecords,
  ReachedDestination,
  RefusalRecords,
  RefusedCall,
} from './decode/records.js';
export { readRefusals } from './decode/refusals.js';
export { part, readStruct } from './decode/struct.js';
export { loadTables } from './decode/tables.js';
export { closeDescriptor, giveDescriptor } from './descriptors.js';
export { loadNative } from './locate.js';
export { refuseOtherRuntimes } from './runtime.js';
export { Sandbox } from './sandbox.js';
export { SharedHolds } from './shared-holds.js';
export type {
  Native,
  NativeAsk,
  NativeNewRun,
  NativePayloadPipe,
  NativeProbe,
  NativeRun,
  NativeRunEnd,
  NativeRuns,
  NativeSandbox,
  NativeTerminalRelay,
  NativeWorkingCopy,
} from './types.js';
export { isWorker } from './worker.js';
