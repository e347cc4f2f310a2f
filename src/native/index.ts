/** The native addon: its types, where it is installed, and decoders for the records that it returns. */
export { readAudit } from './decode/audit.js';
export { readDestinations } from './decode/destinations.js';
export { allowableCalls, readQuestion } from './decode/questions.js';
export { readRefusals } from './decode/refusals.js';
export { loadTables } from './decode/tables.js';
export { loadNative } from './locate.js';
export type {
  Native,
  NativeAsk,
  NativeOutcome,
  NativeProbe,
  NativeSandbox,
  NativeUsage,
} from './types.js';
