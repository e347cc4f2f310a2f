/**
 * The other half of the native command (addon/fastpath): it starts again what was started
 * before, without Node. Here such starts are recorded, and runs that have something to report are reported.
 */
export { argumentCount, mayHoldSecret } from './command-line.js';
export { decodeEnded } from './ended.js';
export { WB_ENTRY_MAX } from './entry.generated.js';
export { type Entry, type EntryParts, encodeEntry, entryPlan } from './entry.js';
export { fitsEntry } from './fits.js';
export { Recorder, takeCacheKey } from './recorder.js';
export { fastpathVariable } from './variable.js';
