/**
 * The code that runs programs is loaded by the first call that needs it, so that a program that imports the library
 * need not wait for it. Further calls go on at once.
 */
import { isBytes, withInherited } from '../text/index.js';
import { holdInput } from './hold-input.js';

type Runs = typeof import('./runs.js');

let loaded: Runs | undefined;
let loading: Promise<Runs> | undefined;

/**
 * @param given the arguments of a call of `run`, `spawn` or `dryRun`
 * @param use gets them as they are now
 */
export const withRuns = <Result>(
  given: readonly unknown[],
  use: (runs: Runs, given: readonly unknown[]) => Promise<Result>,
): Promise<Result> => (loaded === undefined ? loadFirst(given, use) : use(loaded, given));

async function loadFirst<Result>(
  given: readonly unknown[],
  use: (runs: Runs, given: readonly unknown[]) => Promise<Result>,
): Promise<Result> {
  // The caller may change them meanwhile, and an input may fail.
  const own = given.map(copyOf);
  const closers = own.map(closerOf);
  try {
    loading ??= import('./runs.js');
    const runs = await loading;
    runs.refuseOtherRuntimes(); // before anything uses what an older Node lacks
    loaded = runs;
  } catch (error) {
    loading = undefined;
    for (const close of closers) close();
    throw error;
  }
  return use(loaded, own);
}

const isOptions = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isBytes(value);

/** An argument as it is now, for a call that first has to load something. */
export function copyOf<Value>(value: Value): Value {
  if (Array.isArray(value)) return [...value] as Value;
  return isOptions(value) ? withInherited(value) : value;
}

const closerOf = (value: unknown): (() => void) =>
  isOptions(value) && 'input' in value ? holdInput(value.input) : () => {};
