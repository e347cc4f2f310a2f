/** Warnings about a learned profile. */

import { parseGlob, startState, step } from '../options/index.js';
import { type SandboxSpec, secretPatterns } from '../resolve/index.js';
import { features } from './features.js';
import type { Seen } from './seen.js';

/** Names in a line. */
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

function warningOnSecrets(used: readonly string[]): string[] {
  const found = [...new Set(used.filter(isSecret))];
  if (found.length === 0) return [];
  const more = found.length > named ? ` and ${found.length - named} more` : '';
  return [
    `The profile mounts files that usually contain secrets, because the program read them: ${found.slice(0, named).join(', ')}${more}. If the program does not need them, remove them from --ro, or use --hide.`,
  ];
}

export interface WarnedRun {
  readonly seen: Seen;
  readonly policy: {
    readonly allowed: number;
    readonly base: number;
    /** Calls that it allows, whole or in part. */
    readonly calls: ReadonlySet<string>;
  };
  readonly spec: Pick<SandboxSpec, 'policy'>;
  /** Paths that were mounted and used. */
  readonly shownAndUsed: readonly string[];
  /** How the program ended, if it failed. */
  readonly ended?: string | undefined;
}

export function warningsOn({ seen, policy, spec, shownAndUsed, ended }: WarnedRun): string[] {
  const warnings = warningOnSecrets(shownAndUsed);
  if (ended !== undefined) {
    warnings.push(`The program ${ended}: the profile covers only what it did before that.`);
  }
  const kinds = Object.keys(seen.calls).length;
  const share = Math.round((policy.allowed / Math.max(policy.base, 1)) * 100);
  if (share >= 75) {
    warnings.push(
      `The profile allows ${share}% of what the policy ${spec.policy.name} allows, which is nearly everything. To allow less, learn a profile for each part of the program.`,
    );
  } else if (kinds < 20) {
    warnings.push(
      `Only ${kinds} kinds of system calls were seen: the program did very little, so its profile allows very little.`,
    );
  }
  // These come from the policy rather than from what was seen, since seen calls bring others.
  const refused = features.flatMap(({ refused }) =>
    refused !== undefined && !refused.needs.some((call) => policy.calls.has(call))
      ? refused.what
      : [],
  );
  if (refused.length > 0) {
    warnings.push(
      `Not seen, so the profile blocks: ${refused.join(', ')}. To allow them, learn from a run that uses them.`,
    );
  }
  return warnings;
}
