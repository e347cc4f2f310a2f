/** The library's `why`: what the sandbox kept from a run, with the option that gives it. */
import { UsageError } from '../errors/index.js';
import { realHost } from '../host/index.js';
import {
  calledFrom,
  callSite,
  checkCall,
  type RunLibraryOptions,
  type RunResult,
  type RunSettings,
  runWhole,
  sandboxOptions,
} from '../launch/index.js';
import { loadNative } from '../native/index.js';
import { advisedOptions, callProperties, type RunOptions } from '../options/index.js';
import type { RunReport } from '../report/index.js';
import { type Explanation, explainReport, isOffered, unfit } from './explain.js';
import { refuseRealWrites, watched } from './rehearsal.js';

/** What a run lacked that was made to find it out. */
export interface WatchedExplanation extends Explanation {
  /**
   * The properties of the options to change, so that the program gets what it lacked first:
   * `run({ ...options, ...fix })`. Undefined where nothing can be offered: no option gives it, it would
   * show keys or tokens, or there is something to choose.
   */
  readonly fix: RunSettings | undefined;
  /** Of the run that was watched. Its changes were dropped. */
  readonly result: RunResult;
  /** What was other in it than in the run that was asked about, in sentences. */
  readonly notes: readonly string[];
}

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
  return explain(given).catch((error: unknown) => {
    throw calledFrom(site, error);
  });
}

async function explain(given: RunReport | RunLibraryOptions): Promise<Explanation> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError('why(options): expected the options of a run, or the report of an audit');
  }
  if ('report' in given && !('schemaVersion' in given)) {
    throw new UsageError('ERR_OPTION_VALUE', 'why: expected options or a report, got a result', {
      hint: 'Pass its report: why(result.report)',
    });
  }
  if (!('schemaVersion' in given)) return explainRun(given);
  const explanation = explainReport(given);
  if (given.audit === undefined) throw unfit('the report is not that of an audit');
  return explanation;
}

async function explainRun(given: RunLibraryOptions): Promise<WatchedExplanation> {
  checkCall('run', { ...given });
  const { native } = loadNative();
  const { options, notes } = watched(
    sandboxOptions({ ...given, tty: undefined }),
    realHost({ native }),
  );
  const call = Object.entries(given).filter(
    ([name]) => name !== 'ask' && callProperties.includes(name),
  );
  const { result } = await runWhole(
    [{ ...Object.fromEntries(call), ...options, tty: given.tty }],
    refuseRealWrites,
  );
  const explanation = explainReport(result.report);
  return { ...explanation, fix: fixOf(given, explanation), result, notes };
}

function fixOf(given: RunLibraryOptions, { lacks }: Explanation): RunSettings | undefined {
  const { option } = lacks.find(isOffered) ?? {};
  if (option === undefined) return undefined;
  return advisedOptions(given as RunOptions, [option]) as RunSettings;
}
