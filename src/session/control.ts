/** What ends one program of a session, and what it is given to read. */
import { constants } from 'node:os';
import { onAbort, openInput } from '../launch/index.js';
import type { StartedProgram } from './exec.js';
import type { ExecOptions, ProgramOptions } from './options.js';

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

/** Gives a program its input; what is returned ends that. */
export function feed(
  { input }: ExecOptions,
  { stdin }: StartedProgram,
  failed: (error: unknown) => void,
): () => void {
  const file = typeof input === 'object' && 'file' in input ? input.file : undefined;
  const { createReadStream } = process.getBuiltinModule('node:fs');
  const { feed: write } = openInput(file === undefined ? input : createReadStream(file));
  if (write !== undefined) return write(stdin, failed);
  stdin.end();
  return () => {};
}
