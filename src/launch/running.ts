/** The sandboxes of this process that have not ended, for the case that it ends first. */
import { isWorker, loadNative, type NativeSandbox } from '../native/index.js';

/** Sandboxes that have not ended, and what to do with each when this process ends. */
const running = new Map<NativeSandbox, () => void>();

function endAll(): void {
  for (const [sandbox, leave] of running) {
    sandbox.abandon();
    try {
      leave();
    } catch {
      // The next look at the runs puts it in order.
    }
  }
  running.clear();
  // A worker thread's end is not the process's: what others have retired is being emptied.
  if (!isWorker()) loadNative().native.removeRetired();
}

export function leaveAtExit(sandbox: NativeSandbox, leave: () => void): void {
  if (running.size === 0 && !process.listeners('exit').includes(endAll)) {
    process.once('exit', endAll);
  }
  running.set(sandbox, leave);
}

/** The sandbox has ended by itself. */
export function hasEnded(sandbox: NativeSandbox): void {
  running.delete(sandbox);
}
