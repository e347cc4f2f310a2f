/**
 * Writes what was seen as a policy: a group where most of it was used, a condition where an argument
 * had few values, a comment on each line. It allows nothing that the policy of the runs refused.
 */
import { type Architecture, listCalls, listGroups, type PolicySource } from '../policy/index.js';
import { callsWhere, syscall, syscalls } from '../syscalls/index.js';
import { loosened, permits, type Treatment, treatments, wholeCalls } from './base.js';
import { callsOf, families, fittingGroups, valueFamilies } from './features.js';
import type { Seen } from './seen.js';
import { shownFeatures, valuesOf } from './shown-features.js';

/** More values than this are not written as a condition. */
const valueLimit = 24;
/** The part of a group that must have been seen. */
const fittingShare = 0.6;

const internetSockets = [
  'type & 0xf == SOCK_STREAM and protocol in [0, IPPROTO_TCP]',
  'type & 0xf == SOCK_DGRAM and protocol in [0, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6]',
];
/** The calls that are allowed for a kind of socket if the policy of the runs allows only a part. */
const narrower: Readonly<Record<string, readonly string[]>> = {
  AF_UNIX: ['type & 0xf in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] and protocol in [0, AF_UNIX]'],
  AF_INET: internetSockets,
  AF_INET6: internetSockets,
  AF_NETLINK: ['protocol == NETLINK_ROUTE'],
};

export interface LearnedPolicy {
  readonly text: string;
  /** Calls that it allows, whole or in part. */
  readonly allowed: number;
  readonly calls: ReadonlySet<string>;
  /** The number of calls that the policy of the runs allows. */
  readonly base: number;
}

/** A call goes under the first heading whose groups contain it; the last takes the rest. */
const headings: readonly (readonly [heading: string, groups: readonly string[]])[] = [
  ['files', ['file-system', 'basic-io', 'sync', 'chown']],
  ['network', ['network-io']],
  ['waiting, time', ['io-event', 'timer', 'clock']],
  ['processes, signals', ['process', 'signal']],
  ['memory between processes', ['ipc']],
  ['what every program needs', ['default']],
  ['other', []],
];

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

class Learner {
  readonly #seen: Seen;
  readonly #treated: Map<string, Treatment>;
  readonly #groups: ReadonlyMap<string, readonly string[]>;
  readonly #permits: ReturnType<typeof permits>;
  readonly #narrow: ReadonlySet<string>;
  readonly #refused: ReadonlySet<string>;
  /** Calls that are allowed, and why if they were not seen. */
  readonly #allowed = new Map<string, string>();

  /**
   * @param narrow calls whose rules need more conditions than a value
   * @param refused calls that stay refused even if they were seen
   */
  constructor(
    seen: Seen,
    base: PolicySource,
    arch: Architecture,
    narrow: ReadonlySet<string>,
    refused: ReadonlySet<string>,
  ) {
    this.#seen = seen;
    this.#permits = permits(base, arch);
    this.#narrow = narrow;
    this.#refused = refused;
    this.#treated = treatments(base, arch);
    const known = new Set(listCalls(arch).map(({ name }) => name));
    this.#groups = new Map(
      [...listGroups()].map(([name, calls]) => [name, calls.filter((call) => known.has(call))]),
    );
  }

  #add(call: string, why: string): void {
    if (this.#allowed.has(call)) return;
    if ((this.#treated.get(call) ?? 'never') !== 'never') this.#allowed.set(call, why);
  }

  #generalise(): void {
    for (const call of Object.keys(this.#seen.calls)) this.#add(call, '');
    for (const call of callsWhere(({ learned }) => learned === 'always'))
      this.#add(call, 'every program');
    for (const family of families()) {
      const used = family.filter((call) => Object.hasOwn(this.#seen.calls, call));
      if (used.length === 0) continue;
      for (const call of family) this.#addUnseen(call, `like ${used[0]}`);
    }
  }

  /** A call that depends on an argument is allowed only if values of it are known. */
  #addUnseen(call: string, why: string): void {
    const known = valuesOf(this.#seen, `${call}.${syscall(call).condition}`).length > 0;
    const plain = this.#treated.get(call) === 'always' || wholeCalls.has(call) || known;
    if (plain && syscall(call).learned !== 'if seen') this.#add(call, why);
  }

  #imply(): void {
    for (const [call, { brings }] of Object.entries(syscalls)) {
      if (brings === undefined || !Object.hasOwn(this.#seen.calls, call)) continue;
      for (const other of brings.split(' ')) this.#addUnseen(other, `goes with ${call}`);
    }
    for (const { name, what } of shownFeatures(this.#seen)) {
      for (const call of callsOf(name)) this.#addUnseen(call, `goes with ${what}`);
    }
  }

  /** Groups most of whose members were seen, if all members are harmless. */
  #fitting(): string[] {
    return fittingGroups.filter((name) => {
      const calls = this.#groups.get(name) ?? [];
      const used = calls.filter((call) => Object.hasOwn(this.#seen.calls, call));
      const harmless = calls.every(
        (call) => this.#treated.get(call) === 'always' && syscall(call).condition === undefined,
      );
      return harmless && used.length >= 3 && used.length / calls.length >= fittingShare;
    });
  }

  #times(call: string): string {
    const count = this.#seen.calls[call];
    if (count === undefined) return this.#allowed.get(call) ?? '';
    return count === 1 ? 'once' : `${count} times`;
  }

  /** The rule of a call that depends on an argument; undefined for others. */
  #conditional(call: string): string | undefined {
    const whole = wholeCalls.get(call);
    if (whole !== undefined) return whole.rules;
    const argument = syscall(call).condition;
    if (argument === undefined) return undefined;
    // An audit also contains refused calls, and earlier runs may have had another policy.
    const permitted = (value: string) => this.#permits(call, argument, value);
    const values = valuesOf(this.#seen, `${call}.${argument}`).filter(permitted);
    const plain = values.length > 0 && values.every((value) => !value.includes(' | '));
    if (!plain || this.#seen.moreValues) return undefined;
    if (values.length > valueLimit && this.#treated.get(call) === 'always') return undefined;
    const more = valueFamilies
      .filter((family) => family.some((value) => values.includes(value)))
      .flat()
      .filter(permitted);
    const all = new Set([...values, ...more]);
    const rules = Object.entries(narrower)
      .filter(([value]) => argument === 'domain' && this.#narrow.has(call) && all.delete(value))
      .flatMap(([value, more]) =>
        more.map((condition) => `allow ${call} where domain == ${value} and ${condition}`),
      );
    if (all.size > 0) rules.push(`allow ${call} where ${argument} in [${[...all].join(', ')}]`);
    return rules.join('\n');
  }

  /** Returns the line of a call; undefined for one that was not seen and needs no condition. */
  #line(call: string): string | undefined {
    const rule = this.#refused.has(call) ? undefined : this.#conditional(call);
    const whole = this.#treated.get(call) === 'always' && !this.#refused.has(call);
    const seen = Object.hasOwn(this.#seen.calls, call);
    if (rule === undefined && whole && !seen) return undefined;
    if (rule !== undefined || whole) {
      return `${rule ?? `allow ${call}`}    # ${this.#times(call)}`;
    }
    // The base policy allows a part of it, and how it was used is unknown: it stays refused.
    this.#allowed.delete(call);
    return seen
      ? `# not allowed: ${call}, seen ${this.#times(call)}: its arguments are unknown`
      : '';
  }

  write(): LearnedPolicy {
    this.#generalise();
    this.#imply();
    const lines: string[] = [];
    const done = new Set<string>();
    for (const name of this.#fitting()) {
      const calls = this.#groups.get(name) ?? [];
      const used = calls.filter((call) => Object.hasOwn(this.#seen.calls, call));
      lines.push(
        `allow @${name}    # ${used.length} of its ${plural(calls.length, 'call')}: ${used.map((call) => `${call} ${this.#times(call)}`).join(', ')}`,
      );
      for (const call of calls) {
        this.#add(call, `@${name}`);
        done.add(call);
      }
    }
    for (const [heading, names] of headings) {
      const members = new Set(names.flatMap((name) => this.#groups.get(name) ?? []));
      const calls = [...this.#allowed.keys()].filter(
        (call) => !done.has(call) && (names.length === 0 || members.has(call)),
      );
      if (calls.length > 0) lines.push(...(lines.length > 0 ? [''] : []), `# ${heading}`);
      const unseen = new Map<string, string[]>();
      for (const call of calls.sort()) {
        const line = this.#line(call);
        const why = this.#times(call);
        if (line === undefined) unseen.set(why, [...(unseen.get(why) ?? []), call]);
        else if (line !== '') lines.push(line);
        done.add(call);
      }
      for (const [why, names] of unseen)
        lines.push(`allow ${names.join(' ')}    # not seen: ${why}`);
    }
    const text = [
      'default errno(EPERM)',
      'unknown errno(ENOSYS)',
      'deny(ENOSYS) clone3 statmount listmount    # programs then use other calls',
      '',
      ...lines,
      '',
    ];
    const base = [...this.#treated.values()].filter((treatment) => treatment !== 'never').length;
    return {
      text: text.join('\n'),
      allowed: this.#allowed.size,
      calls: new Set(this.#allowed.keys()),
      base,
    };
  }
}

/** @param base the policy under which it was seen: nothing is allowed that it refuses */
export function learnPolicy(seen: Seen, base: PolicySource, arch: Architecture): LearnedPolicy {
  const none: ReadonlySet<string> = new Set();
  const first = new Learner(seen, base, arch, none, none).write();
  const loose = loosened(base, first.text, arch);
  if (loose.size === 0) return first;
  const second = new Learner(seen, base, arch, loose, none).write();
  const still = loosened(base, second.text, arch);
  return still.size === 0 ? second : new Learner(seen, base, arch, loose, still).write();
}
