/** The library's `learn`: a run, and the profile that allows what it used. */
import { misuse, SupportError, UsageError } from '../errors/index.js';
import {
  calledFrom,
  callSite,
  type RunLibraryOptions,
  type RunResult,
  withRuns,
} from '../launch/index.js';

/** A profile, and the run that it was learned from. */
export interface LearnedProfile {
  /** TOML, for `wasbox run --profile` and the option `profile`; the policy is in it. */
  readonly profile: string;
  /** The number of runs that it was learned from. */
  readonly runs: number;
  /** System calls that it allows, and that the policy of the run allows. */
  readonly allowed: number;
  readonly base: number;
  /** Warnings to look at before the profile is used. */
  readonly warnings: readonly string[];
  readonly result: RunResult;
}

export type LearnOptions = RunLibraryOptions & {
  /** Text of a profile that was learned before; what this run uses is added to it. */
  readonly earlier?: string | undefined;
};

/**
 * Runs a program, records what it uses, and makes a profile that allows that and similar use, as
 * `wasbox learn` does.
 * @throws UsageError where `options` is not an object
 * @throws UsageError where `earlier` is not a profile that was learned, or was edited
 * @throws SupportError where this kernel cannot watch a run
 */
export function learnProfile(options: LearnOptions): Promise<LearnedProfile> {
  const site = callSite(learnProfile);
  return learnFrom(options).catch((error: unknown) => {
    throw calledFrom(site, error);
  });
}

async function learnFrom(given: LearnOptions): Promise<LearnedProfile> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw misuse("learn(options): options must be an object, such as { command: 'make' }");
  }
  const { earlier, ...options } = given;
  if (earlier !== undefined && typeof earlier !== 'string') {
    throw new UsageError('ERR_OPTION_VALUE', 'option earlier: expected the text of a profile');
  }
  const before = earlier === undefined ? undefined : { name: 'earlier', text: earlier };
  // Loaded here: it brings the policy core, which few programs need.
  const { learn, readLearned } = await import('./learn.js');
  // A profile that cannot be merged is told before anything runs.
  if (before !== undefined) readLearned(before.name, before.text);
  const { spec, ended, result } = await withRuns(
    [{ ...options, audit: true }],
    ({ runWhole }, own) => runWhole(own),
  );
  if (ended.audit?.watched !== true) {
    throw new SupportError(
      'ERR_KERNEL',
      'could not watch the run: this kernel has no seccomp notifications',
      { hint: 'See wasbox doctor.' },
    );
  }
  const { kind, exitCode } = result.report.outcome;
  const failed = kind === 'exited' ? `exited ${exitCode}` : 'was stopped';
  const learned = await learn({
    spec,
    options: { ...options },
    audit: ended.audit,
    earlier: before,
    ended: kind === 'exited' && exitCode === 0 ? undefined : failed,
  });
  const { text, runs, allowed, base, warnings } = learned;
  return { profile: text, runs, allowed, base, warnings, result };
}
