/** How a sandbox ended, as plain data. */
import { RunError } from '../errors/index.js';
import {
  buildReport,
  type EndedReport,
  type EndResult,
  endResult,
  type Refused,
  refusedIn,
  reportOutcome,
} from '../report/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { KeptRun, type RunChanges, runChanges } from '../runs/index.js';
import { plain } from '../text/index.js';
import type { Output } from './output.js';
import { joinTails } from './tail.js';
import type { LaunchResult } from './types.js';

/**
 * How a sandbox ended. A payload's failure is a result, not an error. Everything in it can be written
 * as JSON, with `null` for what is undefined.
 */
export interface SandboxResult extends EndResult {
  /** Wall time from start to the payload's end, in milliseconds. */
  readonly durationMs: number;
  /** The ID of this run; undefined where it could change nothing. */
  readonly runId: string | undefined;
  /** Says what became of the changes to the working directory; `undefined` where there were none. */
  readonly changes: RunChanges | undefined;
  /** The saved run, to review, apply or discard its changes; `undefined` where none are. */
  readonly kept: KeptRun | undefined;
  /**
   * Things that the sandbox refused it, at most 100 different things: a part of the report. Built when it is first
   * read.
   */
  readonly denied: readonly Refused[];
  /** Built when it is first read. */
  readonly report: EndedReport;
}

/** The output that a program wrote. */
export interface CollectedOutput {
  /**
   * Output decoded as UTF-8, when it is first read.
   * @throws RunError `ERR_OUTPUT_LENGTH` where it is too long for a string
   */
  readonly stdout: string;
  readonly stderr: string;
  /** Both in the order in which they came; only with the option `all`. */
  readonly all: string | undefined;
  /** Output as bytes. Not enumerable, so that JSON has the text only. */
  readonly stdoutBytes: Uint8Array;
  readonly stderrBytes: Uint8Array;
  /** True if either was longer than `maxOutputBytes`. */
  readonly truncated: boolean;
  /**
   * Lines say what a program that failed may have lacked, judging by the end of its output, such as "GITHUB_TOKEN is set, but was
   * not passed", with the option that gives it. Built when it is first read; they are for the person or agent who
   * chooses the options, because they tell what this machine has.
   */
  readonly leads: readonly string[];
}

export interface RunResult extends SandboxResult, CollectedOutput {}

export function toResult(spec: SandboxSpec, ended: LaunchResult): SandboxResult {
  const { outcome, finish, runId } = ended;
  let built: EndedReport | undefined;
  const report = (): EndedReport => {
    built ??= buildReport(spec, ended);
    return built;
  };
  const isKept = finish?.disposition === 'kept' || finish?.disposition === 'partly-applied';
  const result = {
    ...endResult(reportOutcome(outcome)),
    durationMs: outcome.durationNs / 1e6,
    runId,
    changes: finish === undefined || finish.disposition === 'none' ? undefined : runChanges(finish),
    kept: isKept ? keptRun(spec, ended) : undefined,
    // Most programs read only the properties above. The data for the report no longer changes.
    get denied() {
      return refusedIn(report());
    },
    get report() {
      return report();
    },
  };
  return plain(result);
}

function keptRun({ state }: SandboxSpec, { record }: LaunchResult): KeptRun | undefined {
  return record && new KeptRun(record.id, record.workdir.path, state.directory);
}

/** The collected streams of a run. */
export interface Outputs {
  readonly stdout: Output | undefined;
  readonly stderr: Output | undefined;
  readonly all: { join(): Uint8Array } | undefined;
}

/** Returns whether a limit or a signal ended the payload, and not the payload itself. */
export const wasStopped = ({ outcome }: Pick<LaunchResult, 'outcome'>): boolean =>
  outcome.signal !== 0 || outcome.timedOut || outcome.usage.limit !== 0;

/** Finds what a program that failed may have lacked, judging by the end of its output. */
export type FindLeads = (tail: Uint8Array) => readonly string[];

/** How a program ended, as far as it is asked here. */
export interface Ending {
  readonly exitCode?: number | undefined;
}

/**
 * Joins how a sandbox or program ended with what it wrote.
 * @param find is called when the leads of a program that failed are first read
 */
export async function withOutput<Ended extends Ending>(
  result: Ended,
  outputs: Outputs,
  find: FindLeads = () => [],
): Promise<Ended & CollectedOutput> {
  const none = { bytes: new Uint8Array(), truncated: false };
  const [stdout, stderr] = await Promise.all([outputs.stdout?.whole(), outputs.stderr?.whole()]);
  const [out, err] = [stdout ?? none, stderr ?? none];
  // Copies getters, too: a spread would read the report, which is built only when it is asked for.
  const joined: object = Object.defineProperties({}, Object.getOwnPropertyDescriptors(result));
  Object.assign(joined, { all: undefined, truncated: out.truncated || err.truncated });
  defineText(joined, 'stdout', out.bytes);
  defineText(joined, 'stderr', err.bytes);
  defineLeads(joined, result, outputs, find);
  if (outputs.all) defineText(joined, 'all', outputs.all.join());
  hide(joined, 'stdoutBytes', out.bytes);
  hide(joined, 'stderrBytes', err.bytes);
  return plain(joined as Ended & CollectedOutput);
}

function defineLeads(
  joined: object,
  { exitCode = 0 }: Ending,
  { stdout, stderr }: Outputs,
  find: FindLeads,
): void {
  const tails = exitCode === 0 ? [] : [stderr?.tail, stdout?.tail];
  let leads: readonly string[] | undefined;
  const get = (): readonly string[] => {
    leads ??= exitCode === 0 ? [] : find(joinTails(tails));
    return leads;
  };
  Object.defineProperty(joined, 'leads', { enumerable: true, configurable: true, get });
}

function hide(result: object, name: string | symbol, value: unknown): void {
  Object.defineProperty(result, name, { value, configurable: true, writable: true });
}

/** Adds a property with the text of `bytes`, which is decoded when it is first read. */
function defineText(result: object, name: string, bytes: Uint8Array): void {
  let text: string | undefined;
  Object.defineProperty(result, name, {
    enumerable: true,
    configurable: true,
    get: () => {
      text ??= decode(name, bytes);
      return text;
    },
  });
}

function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder().decode(bytes);
  } catch (error) {
    throw new RunError(
      'ERR_OUTPUT_LENGTH',
      `${name} is too long for a string: ${bytes.length} bytes`,
      {
        cause: error,
        hint: `Read ${name}Bytes, keep less with maxOutputBytes, or take it as it comes with onStdout.`,
      },
    );
  }
}
