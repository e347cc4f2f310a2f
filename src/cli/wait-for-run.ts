/** Waits for another wasbox command that uses a run, not for ever, and says so. */
import type { RunInUseError } from '../changes/index.js';
import { err } from './terminal.js';

const pause = new Int32Array(new SharedArrayBuffer(4));
const stepMs = 20;
const toldAfterMs = 1000;
const longestMs = 30_000;

/** Returns a function for {@link openRun}, which is called again and again while the run is in use. */
export function waitForRun(): (error: RunInUseError, waitedMs: number) => void {
  let told = false;
  return (error, waitedMs) => {
    if (waitedMs > longestMs) throw error;
    if (!told && waitedMs > toldAfterMs) {
      err(`wasbox: ${error.message} Waiting up to ${longestMs / 1000} s.\n`);
      told = true;
    }
    Atomics.wait(pause, 0, 0, stepMs);
  };
}
