/** What ends one program of a session. */
import { constants } from 'node:os';
import { onAbort } from '../launch/index.js';
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
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    wasAborted = true;
    send(SIGKILL);
  };
  const unwatch = onAbort(signal, stop);
  if (signal?.aborted) stop();
  if (timeoutMs !== undefined) {
    timer = setTimeout(() => {
      timedOut = true;
      send(SIGTERM);
      timer = setTimeout(() => send(SIGKILL), graceMs);
    }, timeoutMs);
  }
  const release = (): void => {
    clearTimeout(timer);
    unwatch();
  };
  ended.then(release, release);
  return { isAborted: () => wasAborted, hasTimedOut: () => timedOut, release };
}
