/** What a person should know before relying on a profile. */

import { parseGlob, startState, step } from '../options/index.js';
import { type SandboxSpec, secretPatterns } from '../resolve/index.js';
import { features } from './features.js';
import type { Seen } from './seen.js';

/** As many names as a person reads in a line. */
const named = 3;

const globs = secretPatterns.flatMap(({ pattern }) => parseGlob(pattern) ?? []);

function isSecret(path: string): boolean {
  const names = path.split('/').filter(Boolean);
  return globs.some((glob) => {
    let state = startState;
    for (const name of names) {
      state = step(glob, state, name);
      if (state === -1) return true;
      if (state === 0) return false;
    }
    return false;
  });
}

function remarkOnSecrets(used: readonly string[]): string[] {
  const found = [...new Set(used.filter(isSecret))];
  if (found.length === 0) return [];
  const more = found.length > named ? ` and ${found.length - named} more` : '';
  return [
    `It reads what usually holds secrets, and the profile shows it again: ${found.slice(0, named).join(', ')}${more}. If the program has no need of it, leave it out of --ro, or --hide it.`,
  ];
}

export interface RemarkedRun {
  readonly seen: Seen;
  readonly policy: {
    readonly allowed: number;
    readonly base: number;
    /** Calls that it allows, whole or in part. */
    readonly calls: ReadonlySet<string>;
  };
  readonly spec: Pick<SandboxSpec, 'policy'>;
  /** Paths that were shown and used. */
  readonly shownAndUsed: readonly string[];
  /** How the program ended, where it did not end well. */
  readonly ended?: string | undefined;
}

export function warningsOn({ seen, policy, spec, shownAndUsed, ended }: RemarkedRun): string[] {
  const remarks = remarkOnSecrets(shownAndUsed);
  if (ended !== undefined) {
    remarks.push(`The program ${ended}: the profile knows what it did until then.`);
  }
  const kinds = Object.keys(seen.calls).length;
  const share = Math.round((policy.allowed / Math.max(policy.base, 1)) * 100);
  if (share >= 75) {
    remarks.push(
      `It allows ${share} % of what the policy ${spec.policy.name} allows: nearly everything. A profile of smaller parts would say more.`,
    );
  } else if (kinds < 20) {
    remarks.push(
      `Only ${kinds} kinds of calls were seen: the program did nearly nothing, and so may its profile.`,
    );
  }
  // Of what the policy says, not of what was seen: calls come with others that were.
  const refused = features.flatMap(({ refused }) =>
    refused !== undefined && !refused.needs.some((call) => policy.calls.has(call))
      ? refused.what
      : [],
  );
  if (refused.length > 0) {
    remarks.push(
      `Not seen, so the profile refuses: ${refused.join(', ')}. To allow it, learn from a run that does it.`,
    );
  }
  return remarks;
}
