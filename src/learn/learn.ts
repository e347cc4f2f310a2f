/** Turns what runs used into the smallest profile that lets them do it again. */

import { isWithin } from '../host/index.js';
import type { AuditRecords } from '../native/index.js';
import { shellQuote } from '../options/index.js';
import { ownArchitecture } from '../plan/index.js';
import { init, type PolicySource } from '../policy/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { shownBy } from './places.js';
import { learnPolicy } from './policy-text.js';
import { profileText, readLearned } from './profile-text.js';
import { joinSeen, seenBy } from './seen.js';
import { joinValues, learnedValues, usedPaths } from './values.js';
import { warningsOn } from './warnings.js';

export { type Feature, features } from './features.js';
export { type LearnedPolicy, learnPolicy } from './policy-text.js';
export { profileText, readLearned } from './profile-text.js';
export { joinSeen, type Seen, seenBy } from './seen.js';
export { type WarnedRun, warningsOn } from './warnings.js';

export interface LearnRequest {
  readonly spec: SandboxSpec;
  /** The options as given. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly audit: AuditRecords;
  /** A profile that was learned before: its name and text. */
  readonly earlier?: { readonly name: string; readonly text: string } | undefined;
  /** How the program ended, if it failed: `exited 1`. */
  readonly ended?: string | undefined;
}

export interface Learned {
  /** TOML. */
  readonly text: string;
  /** Calls that it allows, and that the policy of the run allows. */
  readonly allowed: number;
  readonly base: number;
  readonly runs: number;
  readonly warnings: readonly string[];
}

/**
 * Makes a profile.
 * @throws UsageError if the earlier one was edited
 */
export async function learn(request: LearnRequest): Promise<Learned> {
  await init();
  const { spec, options, audit, earlier, ended } = request;
  const before = earlier === undefined ? undefined : readLearned(earlier.name, earlier.text);
  const shown = shownBy(options);
  const now = seenBy(audit, spec.command.argv.map(shellQuote).join(' ').slice(0, 200), shown);
  const seen = before === undefined ? now : joinSeen(before.seen, now);
  const { name, text, includes } = spec.policy;
  const base: PolicySource = text === undefined ? { builtin: name } : { name, text, includes };
  const policy = learnPolicy(seen, base, ownArchitecture());
  const values = learnedValues(options, audit);
  const joined = before === undefined ? values : joinValues(before.values, values);
  const warnings = warningsOn({
    seen,
    policy,
    spec,
    shownAndUsed: usedPaths(audit).filter((path) => shown.some((place) => isWithin(path, place))),
    ended,
  });
  return {
    text: profileText(seen, policy, joined, warnings),
    allowed: policy.allowed,
    base: policy.base,
    runs: seen.runs,
    warnings,
  };
}
