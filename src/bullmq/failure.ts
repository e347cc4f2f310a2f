/** Decides which errors of a job are worth another attempt. The failure of its program never is: that is a result. */
import { AbortError, isWasboxError, LaunchError, PolicyError, UsageError } from '../index.js';

/**
 * `job`: the job itself is wrong, and will be on every worker. `worker`: this machine, or what happens to it now, kept
 * it from running. `ended`: the worker ended it.
 */
export type FailureClass = 'job' | 'worker' | 'ended';

/** Whatever the worker, the program that the job names is not there or cannot be executed. */
const ofTheProgram = new Set<string>(['ERR_EXEC', 'ERR_EXEC_NOT_FOUND']);
/** The interpreter may be on another worker. */
const ofTheMachine = new Set<string>(['ERR_NO_INTERPRETER', 'ERR_WORKDIR', 'ERR_PATH']);

export function classOf(error: unknown): FailureClass {
  if (error instanceof AbortError) return 'ended';
  if (!isWasboxError(error)) return 'worker';
  if (error instanceof UsageError) return ofTheMachine.has(error.code) ? 'worker' : 'job';
  if (error instanceof PolicyError) return 'worker';
  if (error instanceof LaunchError) return ofTheProgram.has(error.code) ? 'job' : 'worker';
  return 'worker';
}

/** Returns the text for the queue: what failed, with its code. */
export function failureText(error: unknown): string {
  if (!isWasboxError(error)) return error instanceof Error ? error.message : String(error);
  return `${error.code}: ${error.message}${error.hint === undefined ? '' : `. ${error.hint}`}`;
}
