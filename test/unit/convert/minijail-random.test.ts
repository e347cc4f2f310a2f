/** The reader of minijail's format, held to an evaluator of its own. */
import { beforeAll, describe, expect, it } from 'vitest';
import { importPolicy } from '../../../src/policy/formats/index.js';
import { init } from '../../../src/policy/index.js';
import { seedsFor } from '../../support/seeds.js';
import { compare, type Judge } from './compare.js';
import { calls as all, Random } from './random-formats.js';

beforeAll(() => init());

const errno = (value: number) => 0x00050000 + value;
const actions = [
  ['1', 0x7fff0000],
  ['allow', 0x7fff0000],
  ['return 7', errno(7)],
  ['return EACCES', errno(13)],
  ['kill-process', 0x80000000],
  ['kill-thread', 0],
  ['trap', 0x00030000],
  ['log', 0x7ffc0000],
] as const;

/** The kernel reads fewer bits of prctl's arguments for some of its commands: test/golden/widths.test.ts. */
const calls = all.filter(({ name }) => name !== 'prctl');

interface Test {
  readonly arg: number;
  readonly width: number;
  readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=' | '&' | 'in';
  readonly value: bigint;
}

/** Judges as minijail says: `&` is any of the bits, `in` no other bit; the order has no sign and 64 bits. */
function holds({ arg, width, op, value }: Test, args: readonly bigint[]): boolean {
  const all = BigInt.asUintN(64, args[arg] ?? 0n);
  const read = BigInt.asUintN(width, all);
  switch (op) {
    case '==':
      return read === value;
    case '!=':
      return read !== value;
    case '<':
      return all < value;
    case '<=':
      return all <= value;
    case '>':
      return all > value;
    case '>=':
      return all >= value;
    case '&':
      return (read & value) !== 0n;
    default:
      return (read & BigInt.asUintN(width, ~value)) === 0n;
  }
}

/** A line of a policy: alternatives of tests that must all hold, or none at all. */
function drawLine(random: Random, call: (typeof calls)[number]) {
  const [word, action] = random.pick(actions);
  if (random.below(5) === 0) return { call, text: word, alternatives: [], action };
  const alternatives = Array.from({ length: 1 + random.below(3) }, () =>
    Array.from({ length: 1 + random.below(3) }, (): Test => {
      const arg = random.below(call.widths.length);
      const width = call.widths[arg] ?? 64;
      const op = random.pick(['==', '!=', '<', '<=', '>', '>=', '&', 'in'] as const);
      return { arg, width, op, value: random.value(width) };
    }),
  );
  const number = (value: bigint) =>
    random.pick([`${value}`, `0x${value.toString(16)}`, `(${value})`]);
  const tests = alternatives
    .map((all) => all.map(({ arg, op, value }) => `arg${arg} ${op} ${number(value)}`).join(' && '))
    .join(random.pick([' || ', ' || \\\n   ']));
  const otherwise = random.below(2) === 0;
  const text = otherwise ? `${tests}; ${word}` : tests;
  return { call, text, alternatives, action: otherwise ? action : undefined };
}

describe('minijail policies', () => {
  it('random ones, with files that they include, decide as written', () => {
    let included = 0;
    let made = 0;
    for (const seed of seedsFor('minijail', 20, 300)) {
      made++;
      const random = new Random(seed);
      const lines = calls.filter(() => random.below(4) > 0).map((call) => drawLine(random, call));
      const [defaultWord, defaultAction] = random.pick(actions.slice(2));
      const written = lines.map(({ call, text }) => `${call.name}: ${text}`);
      const apart = written.filter(() => random.below(3) === 0);
      const policy = written.filter((line) => !apart.includes(line));
      policy.splice(random.below(policy.length + 1), 0, `@default ${defaultWord} # a note`);
      if (apart.length > 0) policy.splice(random.below(policy.length + 1), 0, '@include ./apart');
      const counts = calls.map(({ name }) => [name, random.below(1000)] as const);
      policy.splice(random.below(policy.length + 1), 0, '@frequency ./counts');
      const includes = {
        './apart': `${apart.join('\n')}\n`,
        './counts': counts.map(([name, count]) => `${name}: ${count}`).join('\n'),
      };
      included += apart.length;
      const wanted: Judge = (nr, args) => {
        const line = lines.find(({ call }) => call.nr === nr);
        if (line === undefined) return defaultAction;
        if (line.alternatives.length === 0) return line.action ?? defaultAction;
        if (line.alternatives.some((all) => all.every((test) => holds(test, args))))
          return 0x7fff0000;
        return line.action ?? defaultAction;
      };
      const text = `${policy.join('\n')}\n`;
      compare('minijail', text, wanted, random, includes);
      expect(importPolicy(text, { from: 'minijail', includes }).weights).toBe(
        counts.map(([name, count]) => `${count} ${name}`).join('\n'),
      );
    }
    expect(included).toBeGreaterThan(made / 3);
  });

  it('would be found to differ (control)', () => {
    const text = 'kill: arg1 & 6\n@default return 1\n';
    const exact: Judge = (nr, args) =>
      nr === 62 && BigInt.asUintN(32, args[1] ?? 0n) === 6n ? 0x7fff0000 : errno(1);
    expect(() => compare('minijail', text, exact, new Random(1))).toThrow('instead of');
  });
});
