/** The error of a process or machine that has no descriptors left: the same one, wherever it showed first. */
import { AbortError, LaunchError, RunError } from '../errors/index.js';

/** The failure of a system call, of a step of the set-up, or of what one of them made fail. */
interface Failed {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly cause?: unknown;
}

const isUsedUp = (code: unknown): code is 'EMFILE' | 'ENFILE' =>
  code === 'EMFILE' || code === 'ENFILE';

function usedUp(error: unknown): 'EMFILE' | 'ENFILE' | undefined {
  // The cause of an abort is the caller's own.
  if (typeof error !== 'object' || error === null || error instanceof AbortError) return undefined;
  const { code, errno, cause } = error as Failed;
  if (code === 'ERR_DESCRIPTORS') return undefined;
  return [code, errno].find(isUsedUp) ?? usedUp(cause);
}

/**
 * Returns the error that another call failed with, or what to do where there are no descriptors left.
 * @param ran whether the payload has run
 */
export function descriptorsError(error: unknown, ran = false): unknown {
  const code = usedUp(error);
  if (code === undefined) return error;
  const whose = code === 'EMFILE' ? 'this process has' : 'this machine has';
  const Kind = ran ? RunError : LaunchError;
  return new Kind('ERR_DESCRIPTORS', `${whose} reached its limit of open files`, {
    cause: error,
    hint: 'Start fewer sandboxes at a time (run() queues by itself: setMaxConcurrency()), or raise the limit: ulimit -n',
  });
}
