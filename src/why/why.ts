/** The library's `why`: what the sandbox kept from a run, with the option that gives it. */
import { calledFrom, callSite, copyOf, type RunLibraryOptions } from '../launch/index.js';
import type { RunReport } from '../report/index.js';
import type { Explanation } from './explain.js';
import type { WatchedExplanation } from './watch.js';

/**
 * Says what the sandbox kept from a run: nearest cause first, each with the option of `wasbox run` that gives
 * it. Of options it makes the run once more, watched, and drops its changes; of the report of a run with
 * `audit: true` nothing runs again.
 *
 * @example
 * const options = { command: './build.sh' };
 * const { lacks, fix } = await why(options);
 * if (fix) await run({ ...options, ...fix });
 *
 * @throws UsageError for a report that is not of an audit; for options that are invalid, or let the program
 * write to real files
 * @throws SupportError where this kernel cannot watch a run
 */
export function why(report: RunReport): Promise<Explanation>;
export function why(options: RunLibraryOptions): Promise<WatchedExplanation>;
export function why(given: RunReport | RunLibraryOptions): Promise<Explanation> {
  const site = callSite(why);
  return explainSoon(given).catch((error: unknown) => {
    throw calledFrom(site, error);
  });
}

/** Loaded here: few programs ask. */
async function explainSoon(given: RunReport | RunLibraryOptions): Promise<Explanation> {
  const own = copyOf(given);
  const { explain } = await import('./watch.js');
  return explain(own);
}
