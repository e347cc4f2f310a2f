/** What ends one program of a session. */
import { constants } from 'node:os';
import { after, onAbort, type Timer } from '../launch/index.js';
import type { StartedProgram } from './exec.js';
import type { ProgramOptions } from './options.js';

const { SIGKILL, SIGTERM } = constants.signals;

/** Follows a program's time limit and signal. */
export function control(
  { signal: send, ended }: StartedProgram,
  { signal, timeoutMs }: Pick<ProgramOptions, 'signal' | 'timeoutMs'>,
  graceMs: number,
) {
  let wasAborted = false;
  let timedOut = false;
  let timer: Timer | undefined;
  const stop = (): void => {
    wasAborted = true;
    send(SIGKILL);
  };
  const unwatch = onAbort(signal, stop);
  if (signal?.aborted) stop();
  if (timeoutMs !== undefined) {
    timer = after(timeoutMs, () => {
      timedOut = true;
      send(SIGTERM);
      timer = after(graceMs, () => send(SIGKILL));
    });
  }
  const release = (): void => {
    timer?.clear();
    unwatch();
  };
  ended.then(release, release);
  return { isAborted: () => wasAborted, hasTimedOut: () => timedOut, release };
}
