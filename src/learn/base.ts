/** Stage: learn. The policy of the runs: nothing is allowed that it refuses. */
import {
  type Architecture,
  compilePolicy,
  diffPolicies,
  explain,
  listCalls,
  type PolicySource,
  simulateFilter,
} from '../policy/index.js';

const namespaceFlags =
  'CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET';

/** A call that is allowed whole, but for uses that no program is learned with. */
export interface WholeCall {
  /** As a policy has it. */
  readonly rules: string;
  /** The same as a single rule, to be compared with a policy. */
  readonly rule: string;
}

export const wholeCalls: ReadonlyMap<string, WholeCall> = new Map([
  [
    'clone', // new processes and threads, in the namespaces that are there
    {
      rules: `deny clone where flags & (${namespaceFlags})\nallow clone`,
      rule: `allow clone where flags & (${namespaceFlags}) == 0`,
    },
  ],
  [
    'fcntl', // no leases, which others would wait for
    {
      rules: 'deny fcntl where cmd in [F_SETLEASE, F_NOTIFY]\nallow fcntl',
      rule: 'allow fcntl where cmd != F_SETLEASE and cmd != F_NOTIFY',
    },
  ],
]);

/** How the base policy treats a call: as it is, by its arguments, or not at all. */
export type Treatment = 'always' | 'sometimes' | 'never';

export function treatments(base: PolicySource, arch: Architecture): Map<string, Treatment> {
  return new Map(
    explain(base, { arch: [arch] }).map(({ name, cases }) => {
      const allowing = cases.filter(
        ({ action }) => action.kind === 'allow' || action.kind === 'log',
      );
      if (allowing.length === 0) return [name, 'never'];
      return [name, allowing.length === cases.length ? 'always' : 'sometimes'];
    }),
  );
}

/** Whether the base policy allows a call with a value, the other arguments being 0. */
export function permits(base: PolicySource, arch: Architecture) {
  const { bpf } = compilePolicy(base, { arch: [arch] });
  const calls = new Map(listCalls(arch).map((call) => [call.name, call.arguments]));
  return (call: string, argument: string, value: string): boolean => {
    const at = calls.get(call)?.findIndex(({ name }) => name === argument) ?? -1;
    if (at < 0) return false;
    const args = Array.from({ length: at + 1 }, (_, i) => (i === at ? value : 0n));
    const { kind } = simulateFilter(bpf, { call, args, arch }).action;
    return kind === 'allow' || kind === 'log';
  };
}

/**
 * Calls that `text` allows in a way that the base policy does not. A comparison gives one example of a
 * call, so the rules are put above the base: then no call can differ by being refused.
 */
export function loosened(base: PolicySource, text: string, arch: Architecture): Set<string> {
  const single = [...wholeCalls.values()].reduce(
    (whole, { rules, rule }) => whole.replace(rules, rule),
    text,
  );
  const rules = single.split('\n').filter((line) => line.startsWith('allow '));
  const named = 'text' in base ? { name: 'policy', includes: {}, ...base } : undefined;
  const name = named?.name ?? ('builtin' in base ? base.builtin : '');
  const above = {
    name: 'learned',
    text: [...rules, `include ${JSON.stringify(name)}`, ''].join('\n'),
    includes: named === undefined ? {} : { ...named.includes, [name]: named.text },
  };
  return new Set(
    diffPolicies(base, above, { arch: [arch] })
      .filter(({ first }) => first.kind !== 'log')
      .map(({ name, number }) => name ?? String(number)),
  );
}
