/** Saved changes of runs that were ended by an error. */
import { AbortError } from '../errors/index.js';
import type { KeptRun } from '../runs/index.js';
import type { SandboxResult } from './result.js';

const keptBy = new WeakMap<object, KeptRun>();

/** Notes what a run left that was ended by an error of the program's own, which cannot carry it. */
export function noteKept(error: unknown, result: object): void {
  const { kept } = result as { readonly kept?: KeptRun | undefined };
  if (kept !== undefined && isObject(error)) keptBy.set(error, kept);
}

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

/**
 * The saved changes of the run that ended with an error: with what a callback or the input of `run` or
 * `pool.run` threw, or with an AbortError.
 * @returns undefined where none are saved, and for a value that is thrown but no object
 */
export function keptRunOf(error: unknown): KeptRun | undefined {
  if (error instanceof AbortError) return (error.result as SandboxResult | undefined)?.kept;
  return isObject(error) ? keptBy.get(error) : undefined;
}
