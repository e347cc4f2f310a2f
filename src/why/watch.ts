/** Does the work of `why`: reads the report of an audit, or makes the run once more, watched. */
import { misuse, UsageError } from '../errors/index.js';
import { realHost } from '../host/index.js';
import {
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

/** Explains what a run lacked that was made to find it out. */
export interface WatchedExplanation extends Explanation {
  /**
   * The properties of the options to change, so that the program gets what it lacked first:
   * `run({ ...options, ...fix })`. Undefined where nothing can be offered: no option gives it, it would
   * show keys or tokens, or there is something to choose.
   */
  readonly fix: RunSettings | undefined;
  /** The result of the run that was watched. Its changes were dropped. */
  readonly result: RunResult;
  /** Notes on what was other in it than in the run that was asked about, in sentences. */
  readonly notes: readonly string[];
}

/** @param given as for `why` */
export async function explain(given: RunReport | RunLibraryOptions): Promise<Explanation> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw misuse('why(options): expected the options of a run, or the report of an audit');
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
