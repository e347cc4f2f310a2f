/** Lints that follow from what a policy decides, whatever its text. */
import type { Judged, Questions, Target } from './decisions.js';
import { families } from './families.js';

/** Something to tell about a rule. */
export interface Remark {
  readonly code: string;
  readonly rule: number;
  readonly message: string;
  readonly hint: string;
}

type Remarks = Generator<Remark>;

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

const refusal = (ways: readonly Judged[]): number | undefined =>
  ways.find(({ allowed, rule }) => !allowed && rule !== undefined)?.rule;

const open = (ways: readonly Judged[] | undefined): boolean =>
  ways !== undefined && ways.length > 0 && ways.every(({ allowed }) => allowed);

/**
 * A rule refuses a call, or some uses of it, and a call that does the same is allowed. A call that is
 * refused with ENOSYS is meant to make programs use the other.
 */
function* siblings(target: Target): Remarks {
  const found = new Map<string, { rule: number; call: string; others: string[] }>();
  for (const { refused, also } of families)
    for (const call of refused) {
      const rule = refusal((target.ways(call) ?? []).filter(({ missing }) => !missing));
      const others = also.filter((other) => other !== call && open(target.ways(other)));
      if (rule === undefined || others.length === 0) continue;
      const before = found.get(`${rule} ${call}`);
      if (before === undefined) found.set(`${rule} ${call}`, { rule, call, others });
      else before.others.push(...others);
    }
  for (const { rule, call, others } of found.values()) {
    const names = [...new Set(others)];
    const they = names.length === 1 ? 'does the same and is' : 'do the same and are';
    const message = `refuses ${call}, but ${listed(names)} ${they} allowed`;
    yield { code: 'sibling', rule, message, hint: 'Name them in the same rule, or allow both.' };
  }
}

const readOnly = 1n;
const anonymous = 0x22n; // MAP_PRIVATE | MAP_ANONYMOUS; another value on MIPS does not matter
const executables = [7n, 5n, 4n]; // PROT_EXEC with and without PROT_WRITE and PROT_READ
const shmExec = 0x8000n;

const mapped = (protection: bigint) => [0n, 4096n, protection, anonymous, 0xffff_ffffn];
const protectedBy = (protection: bigint) => [0n, 4096n, protection];

/** mmap may not make memory executable, but a call after it may. */
function* executableMemory(target: Target): Remarks {
  if (target.decide('mmap', mapped(readOnly))?.allowed !== true) return;
  const refused = executables
    .map((protection) => ({ protection, ...target.decide('mmap', mapped(protection)) }))
    .filter(({ allowed, rule }) => allowed === false && rule !== undefined);
  const others = ['mprotect', 'pkey_mprotect'].filter((call) =>
    refused.some(({ protection }) => target.decide(call, protectedBy(protection))?.allowed),
  );
  if (refused.length > 0 && target.decide('shmat', [0n, 0n, shmExec])?.allowed)
    others.push('shmat with SHM_EXEC');
  const [first] = refused;
  if (first?.rule === undefined || others.length === 0) return;
  yield {
    code: 'sibling',
    rule: first.rule,
    message: `refuses executable memory to mmap, but ${listed(others)} can still make it`,
    hint: 'Refuse prot & PROT_EXEC to mprotect and pkey_mprotect, too, and flag & SHM_EXEC to shmat.',
  };
}

const domains = [1n, 2n, 10n, 16n, 17n];
const types = [1n, 2n, 3n, 5n];
const socketCalls = ['socket', 'socketpair'];

/** A comparison of a socket's type misses the flags that are in the same argument. */
function* socketFlags(target: Target): Remarks {
  const flags = (['SOCK_CLOEXEC', 'SOCK_NONBLOCK'] as const).map((name) => ({
    name,
    bit: target.constant(name) ?? 0n,
  }));
  for (const call of socketCalls)
    for (const domain of domains)
      for (const type of types)
        for (const { name, bit } of flags) {
          const plain = target.decide(call, [domain, type]);
          const flagged = target.decide(call, [domain, type | bit]);
          if (plain === undefined || flagged === undefined) continue;
          if (plain.allowed === flagged.allowed) continue;
          const rule = plain.rule ?? flagged.rule;
          if (rule === undefined) continue;
          yield {
            code: 'socket-flags',
            rule,
            message: plain.allowed
              ? `allows ${call} for a type alone, but not with ${name}, which most programs add`
              : `refuses ${call} for a type alone: with ${name} it is allowed`,
            hint: 'The flags are part of the argument. Compare without them: type & 0xf == SOCK_STREAM',
          };
          return;
        }
}

const namespaceFlags = [
  ['CLONE_NEWUSER', 0x1000_0000n],
  ['CLONE_NEWNS', 0x2_0000n],
  ['CLONE_NEWNET', 0x4000_0000n],
] as const;

/** unshare may not make a namespace, but clone may. */
function* namespaces(target: Target): Remarks {
  for (const [name, flag] of namespaceFlags) {
    const unshare = target.decide('unshare', [flag]);
    const args = target.name === 's390x' ? [0n, flag] : [flag];
    if (unshare?.rule === undefined || unshare.allowed) continue;
    if (target.decide('clone', args)?.allowed !== true) continue;
    yield {
      code: 'sibling',
      rule: unshare.rule,
      message: `refuses unshare with ${name}, but clone with ${name} is allowed`,
      hint: `Add: deny(EPERM) clone where flags & ${name}`,
    };
    return;
  }
}

const lints = [siblings, executableMemory, socketFlags, namespaces];

export const questions: Questions = {
  calls: [...new Set(families.flatMap(({ refused, also }) => [...refused, ...also]))],
  values: (constant) => {
    const flags = [0n, constant('SOCK_CLOEXEC') ?? 0n, constant('SOCK_NONBLOCK') ?? 0n];
    const sockets = socketCalls.flatMap((call) =>
      domains.flatMap((domain) =>
        types.flatMap((type) => flags.map((flag) => ({ call, args: [domain, type | flag] }))),
      ),
    );
    const memory = [readOnly, ...executables].flatMap((protection) => [
      { call: 'mmap', args: mapped(protection) },
      { call: 'mprotect', args: protectedBy(protection) },
      { call: 'pkey_mprotect', args: protectedBy(protection) },
    ]);
    const spaces = namespaceFlags.flatMap(([, flag]) => [
      { call: 'unshare', args: [flag] },
      { call: 'clone', args: [flag] },
      { call: 'clone', args: [0n, flag] },
    ]);
    return [...sockets, ...memory, ...spaces, { call: 'shmat', args: [0n, 0n, shmExec] }];
  },
};

export function* remarksOn(target: Target): Remarks {
  for (const lint of lints) yield* lint(target);
}
