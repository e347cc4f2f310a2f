/**
 * Stage: learn. What was seen as a policy: groups where most of one was used, conditions where an
 * argument had few values, a comment on each line. Nothing is allowed that the policy of the runs
 * refused.
 */
import {
  type Architecture,
  explain,
  listCalls,
  listGroups,
  type PolicySource,
} from '../policy/index.js';
import { always, conditions, families, fittingGroups, implied, valueFamilies } from './families.js';
import type { Seen } from './seen.js';

/** More values than this are no condition that a person would want to read. */
const valueLimit = 24;
/** The part of a group that must have been seen. */
const fittingShare = 0.6;

const namespaceFlags =
  'CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET';

export interface LearnedPolicy {
  readonly text: string;
  /** Calls that it allows, whole or in part. */
  readonly allowed: number;
  /** The same of the policy of the runs. */
  readonly base: number;
}

/** Under which heading a call stands: the first whose groups have it; the last takes the rest. */
const headings: readonly (readonly [heading: string, groups: readonly string[]])[] = [
  ['files', ['file-system', 'basic-io', 'sync', 'chown']],
  ['network', ['network-io']],
  ['waiting, time', ['io-event', 'timer', 'clock']],
  ['processes, signals', ['process', 'signal']],
  ['memory between processes', ['ipc']],
  ['what every program needs', ['default']],
  ['the rest', []],
];

/** How the base policy treats a call: as it is, by its arguments, or not at all. */
type Treatment = 'always' | 'sometimes' | 'never';

function treatments(base: PolicySource, arch: Architecture): Map<string, Treatment> {
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

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

class Learner {
  readonly #seen: Seen;
  readonly #treated: Map<string, Treatment>;
  readonly #groups: ReadonlyMap<string, readonly string[]>;
  /** Calls that are allowed, and why where they were not seen. */
  readonly #allowed = new Map<string, string>();

  constructor(seen: Seen, base: PolicySource, arch: Architecture) {
    this.#seen = seen;
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
    for (const call of always) this.#add(call, 'every program');
    for (const family of families) {
      const used = family.filter((call) => Object.hasOwn(this.#seen.calls, call));
      if (used.length === 0) continue;
      for (const call of family) {
        // What hangs on arguments is allowed only with those that were seen.
        const plain = this.#treated.get(call) === 'always' || call === 'clone';
        if (plain) this.#add(call, `like ${used[0]}`);
      }
    }
  }

  #imply(): void {
    for (const [used, also] of implied) {
      const first = used.find((call) => Object.hasOwn(this.#seen.calls, call));
      if (first === undefined) continue;
      for (const call of also) {
        if (this.#treated.get(call) === 'always') this.#add(call, `goes with ${first}`);
      }
    }
  }

  /** Groups most of whose members were seen, if all are harmless. */
  #fitting(): string[] {
    return fittingGroups.filter((name) => {
      const calls = this.#groups.get(name) ?? [];
      const used = calls.filter((call) => Object.hasOwn(this.#seen.calls, call));
      const harmless = calls.every(
        (call) => this.#treated.get(call) === 'always' && !Object.hasOwn(conditions, call),
      );
      return harmless && used.length >= 3 && used.length / calls.length >= fittingShare;
    });
  }

  #times(call: string): string {
    const count = this.#seen.calls[call];
    if (count === undefined) return this.#allowed.get(call) ?? '';
    return count === 1 ? 'once' : `${count} times`;
  }

  /** The rule of a call whose arguments matter; undefined for others. */
  #conditional(call: string): string | undefined {
    if (call === 'clone') return `deny clone where flags & (${namespaceFlags})\nallow clone`;
    const argument = conditions[call];
    const values = this.#seen.values[`${call}.${argument}`] ?? [];
    const plain = values.length > 0 && values.every((value) => !value.includes(' | '));
    if (argument === undefined || !plain || this.#seen.moreValues) return undefined;
    if (values.length > valueLimit && this.#treated.get(call) === 'always') return undefined;
    const more = valueFamilies
      .filter((family) => family.some((value) => values.includes(value)))
      .flat();
    const all = [...new Set([...values, ...more])];
    return `allow ${call} where ${argument} in [${all.join(', ')}]`;
  }

  #line(call: string): string {
    const rule = this.#conditional(call);
    if (rule !== undefined || this.#treated.get(call) === 'always') {
      return `${rule ?? `allow ${call}`}    # ${this.#times(call)}`;
    }
    // Allowed in part, and how it was used is not known: it stays refused.
    this.#allowed.delete(call);
    return `# not ${call}, though it was made ${this.#times(call)}: how it was used could not be told`;
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
      if (calls.length > 0) lines.push('', `# ${heading}`);
      for (const call of calls.sort()) {
        lines.push(this.#line(call));
        done.add(call);
      }
    }
    const text = [
      'default errno(EPERM)',
      'unknown errno(ENOSYS)',
      'deny(ENOSYS) clone3 statmount listmount    # programs then do without',
      '',
      ...lines,
      '',
    ];
    const base = [...this.#treated.values()].filter((treatment) => treatment !== 'never').length;
    return { text: text.join('\n'), allowed: this.#allowed.size, base };
  }
}

/** @param base the policy under which it was seen */
export const learnPolicy = (seen: Seen, base: PolicySource, arch: Architecture): LearnedPolicy =>
  new Learner(seen, base, arch).write();
