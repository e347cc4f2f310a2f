/** A {@link SandboxSpec} and a compiled filter become the bytes of a launch plan. */
export { cachedPlan } from './cache.js';
export { buildExec, type OwnLimits, ownLimitNames } from './exec.js';
export {
  type BuiltinVerdict,
  type BuiltinVerdicts,
  builtinVerdicts,
  compileFilters,
  ownArchitecture,
  prepareDefaultPolicy,
} from './filter.js';
export { memoryLayers } from './operations.js';
export {
  buildPlan,
  type LayerName,
  type Layout,
  type PlanInputs,
  PlanWriter,
  runIdMark,
  stepNames,
  uncountedCalls,
  WB_NET_NAME_MAX,
  WB_NET_TCP,
  WB_NET_UDP,
} from './plan.js';
export { isOfTable, readTable, wordBytes, writeReads } from './read-table.js';
export { WB_RECORDED_READS_MAX } from './recorded-reads.generated.js';
export {
  sessionEventLayout,
  sessionEventSize,
  WB_EXEC_APPEND,
  WB_EXEC_LIST,
  WB_EXEC_LSTAT,
  WB_EXEC_PATHS_MAX,
  WB_EXEC_READ,
  WB_EXEC_REMOVE,
  WB_EXEC_REMOVE_TREE,
  WB_EXEC_STAT,
  WB_EXEC_WRITE,
  WB_PORTS_FIRST_OF_USERS,
  WB_PORTS_HIGHER,
  WB_SESSION_ENDED,
  WB_SESSION_FAILED,
  WB_SESSION_READY,
  WB_SESSION_STARTED,
  WB_STEP_EXEC,
  WB_STEP_WORKDIR,
  WB_WIRE_VERSION,
} from './wire.generated.js';
