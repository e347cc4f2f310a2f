/** The policy of the runs: a learned policy allows nothing that it refuses. */
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

/** A call that is allowed whole, except for uses that are never learned. */
export interface WholeCall {
  /** The rules in a policy. */
  readonly rules: string;
  /** The rules with `allow` only, to compare with a policy. */
  readonly allowing: string;
}

export const wholeCalls: ReadonlyMap<string, WholeCall> = new Map([
  [
    'clone', // new processes and threads, in the existing namespaces
    {
      rules: `deny clone where flags & (${namespaceFlags})\nallow clone`,
      allowing: `allow clone where flags & (${namespaceFlags}) == 0`,
    },
  ],
  [
    'fcntl', // no leases, which block other programs
    {
      rules: 'deny fcntl where cmd in [F_SETLEASE, F_NOTIFY]\nallow fcntl',
      allowing: 'allow fcntl where cmd != F_SETLEASE and cmd != F_NOTIFY',
    },
  ],
  [
    'setsockopt', // no protocol on top of TCP, no IPsec below UDP, no pages handed to the network
    {
      rules: [
        'deny(ENOPROTOOPT) setsockopt where level == IPPROTO_TCP and optname == 31',
        'deny(ENOPROTOOPT) setsockopt where level == IPPROTO_UDP and optname == 100',
        'deny(ENOPROTOOPT) setsockopt where level == SOL_SOCKET and optname == SO_ZEROCOPY',
        'allow setsockopt',
      ].join('\n'),
      allowing: [
        'allow setsockopt where level not in [IPPROTO_TCP, IPPROTO_UDP, SOL_SOCKET]',
        'allow setsockopt where level == IPPROTO_TCP and optname != 31',
        'allow setsockopt where level == IPPROTO_UDP and optname != 100',
        'allow setsockopt where level == SOL_SOCKET and optname != SO_ZEROCOPY',
      ].join('\n'),
    },
  ],
  ...['sendto', 'sendmsg', 'sendmmsg'].map((call): [string, WholeCall] => [
    call, // no out-of-band data
    {
      rules: `deny(EOPNOTSUPP) ${call} where flags & MSG_OOB\nallow ${call}`,
      allowing: `allow ${call} where flags & MSG_OOB == 0`,
    },
  ]),
]);

/** Says whether the base policy allows a call always, for some arguments, or never. */
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

/**
 * Returns whether the base policy allows a call with a value, the other arguments being 0; a socket's type SOCK_STREAM.
 */
export function permits(base: PolicySource, arch: Architecture) {
  const { bpf } = compilePolicy(base, { arch: [arch] });
  const calls = new Map(listCalls(arch).map((call) => [call.name, call.arguments]));
  return (call: string, argument: string, value: string): boolean => {
    const known = calls.get(call) ?? [];
    if (!known.some(({ name }) => name === argument)) return false;
    const other = (name: string) => (argument === 'domain' && name === 'type' ? 1n : 0n);
    const args = known.map(({ name }) => (name === argument ? value : other(name)));
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
    (whole, { rules, allowing }) => whole.replace(rules, allowing),
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
