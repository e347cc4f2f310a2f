/** The end of a run's process, where everything is said and written. */
import type { Native } from '../native/index.js';

/** Returns whether something makes Node write as it ends: a profile, coverage. */
const observed = (): boolean =>
  process.execArgv.length > 0 ||
  process.env.NODE_OPTIONS !== undefined ||
  process.env.NODE_V8_COVERAGE !== undefined;

/**
 * Ends this process without the taking apart that Node does otherwise, a fiftieth of a short run, when
 * everybody who waits for its end has been told.
 */
export function leave(native: Native, status: number): void {
  if (observed()) return;
  process.once('exit', (code) => native.leave(code));
  process.exit(status);
}
