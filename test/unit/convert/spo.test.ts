/** Profiles of the Security Profiles Operator, held to the evaluator of OCI profiles (evaluator.ts). */

import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { compile } from '../../../src/core/index.js';
import { importPolicy } from '../../../src/policy/formats/index.js';
import { diffPolicies, init, PolicyError } from '../../../src/policy/index.js';
import { requestOf } from '../../../src/policy/source.js';
import { seedsFor } from '../../support/seeds.js';
import { evaluator, type Profile } from './evaluator.js';
import { calls, pointsOf, Random, X86_64 } from './random-formats.js';

/** A busy machine takes long, in milliseconds. */
const busy = 1_800_000;

beforeAll(() => init());

const host = { arch: 'x86_64', goArch: 'amd64', caps: [], kernel: [6, 12] } as const;

const operators = { '==': 'EQ', '!=': 'NE', '<': 'LT', '<=': 'LE', '>': 'GT', '>=': 'GE' } as const;
const actions = [
  ['SCMP_ACT_ALLOW', undefined],
  ['SCMP_ACT_LOG', undefined],
  ['SCMP_ACT_ERRNO', 7],
  ['SCMP_ACT_KILL_PROCESS', undefined],
] as const;

type Entry = NonNullable<Profile['syscalls']>[number];

/** An entry, whose values have no more bits than the kernel reads of the argument. */
function drawEntry(random: Random, only?: number): Entry {
  const call = random.pick(calls);
  const [action, errnoRet] = actions[only ?? random.below(actions.length)] ?? actions[0];
  const args = Array.from({ length: random.below(3) }, () => {
    const { arg, mask, op, value } = random.test(call.widths);
    const text = (number: bigint) => `${number}`;
    return mask === undefined
      ? { index: arg, value: text(value), op: `SCMP_CMP_${operators[op]}` }
      : { index: arg, value: text(mask), valueTwo: text(value), op: 'SCMP_CMP_MASKED_EQ' };
  });
  return {
    names: [call.name],
    action,
    ...(errnoRet === undefined ? {} : { errnoRet }),
    ...(args.length > 0 ? { args } : {}),
  };
}

/** YAML or JSON with integers of 64 bits, which stand in strings here. */
function written(profile: object, random: Random): string {
  const numbers = (text: string) => text.replace(/"(\d+)"/g, '$1');
  return random.below(2) === 0
    ? numbers(JSON.stringify(profile))
    : numbers(stringify(profile, { defaultStringType: 'PLAIN', defaultKeyType: 'PLAIN' }));
}

const document = (spec: object, name = 'mine') => ({
  apiVersion: 'security-profiles-operator.x-k8s.io/v1beta1',
  kind: 'SeccompProfile',
  metadata: { name },
  spec,
});

const ranks = [0x7fff, 0x7ffc, 0x7fc0, 0x7ff0, 0x0005, 0x0003, 0x0000, 0x8000];

function ask(text: string, points: readonly bigint[], random: Random, includes = {}) {
  const imported = importPolicy(text, { from: 'spo', includes }).text;
  const events = Array.from({ length: 100 }, () => ({
    arch: X86_64,
    nr: random.pick([...calls.map(({ nr }) => nr), 39]),
    args: Array.from({ length: 6 }, () => random.pick(points)),
  }));
  // The arguments are as wide as the kernel reads: an evaluator of 64 bits then agrees.
  const cut = events.map(({ nr, args, arch }) => {
    const widths: readonly number[] = calls.find((call) => call.nr === nr)?.widths ?? [];
    return { arch, nr, args: args.map((value, i) => BigInt.asUintN(widths[i] ?? 64, value)) };
  });
  const result = compile({ ...requestOf({ text: imported }, {}), events: cut });
  expect(result.ok, imported).toBe(true);
  return { imported, events: cut, got: result.decisions.map(({ action }) => action) };
}

describe('profiles of the Security Profiles Operator', () => {
  it('random ones decide as the OCI profile in them', { timeout: busy }, () => {
    for (const seed of seedsFor('SPO', 10, 300)) {
      const random = new Random(seed);
      // Entries of one action: of several, libseccomp knows no order.
      const kind = random.below(actions.length);
      const syscalls = Array.from({ length: 1 + random.below(6) }, () => drawEntry(random, kind));
      const spec = { defaultAction: 'SCMP_ACT_TRAP', syscalls };
      const text = written(document(spec), random);
      const { imported, events, got } = ask(text, pointsOf(text), random);
      const wanted = evaluator(spec, host);
      events.forEach(({ nr, args }, i) => {
        if (got[i] !== wanted(nr, args))
          expect.fail(
            `${nr}(${args}): ${got[i]} instead of ${wanted(nr, args)} in\n${text}\n${imported}`,
          );
      });
    }
  });

  it('random ones allow what their base allows, and what they allow themselves', {
    timeout: busy,
  }, () => {
    for (const seed of seedsFor('SPO with a base', 10, 300)) {
      const random = new Random(seed);
      const [first, second] = [random.below(actions.length), random.below(actions.length)];
      const lists = [first, second].map((kind) =>
        Array.from({ length: 1 + random.below(4) }, () => drawEntry(random, kind)),
      );
      const [own = [], base = []] = lists;
      const text = written(
        document({ baseProfileName: 'runc-v1.2.0', defaultAction: 'SCMP_ACT_TRAP', syscalls: own }),
        random,
      );
      const below = written(
        document({ defaultAction: 'SCMP_ACT_KILL', syscalls: base }, 'runc'),
        random,
      );
      const { imported, events, got } = ask(text, pointsOf(text + below), random, {
        'runc-v1.2.0.yaml': below,
      });
      const none = 0x0003_0000;
      const each = lists.map((syscalls) =>
        evaluator({ defaultAction: 'SCMP_ACT_TRAP', syscalls }, host),
      );
      events.forEach(({ nr, args }, i) => {
        const said = each.map((judge) => judge(nr, args)).filter((action) => action !== none);
        const rank = (action: number) => ranks.indexOf(action >>> 16);
        const wanted = said.sort((a, b) => rank(a) - rank(b))[0] ?? none;
        if (got[i] !== wanted)
          expect.fail(
            `${nr}(${args}): ${got[i]} instead of ${wanted} in\n${text}\n${below}\n${imported}`,
          );
      });
    }
  });

  it('are the same as the OCI profile that the core reads', () => {
    const spec = {
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
      syscalls: [
        { action: 'SCMP_ACT_ALLOW', names: ['read', 'write', 'openat', 'clone3'] },
        { action: 'SCMP_ACT_ERRNO', errnoRet: 38, names: ['statx'] },
        {
          action: 'SCMP_ACT_ALLOW',
          names: ['clone', 'personality'],
          args: [{ index: 0, value: 2114060288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
        },
      ],
    };
    const spo = importPolicy(stringify(document(spec)), { from: 'spo' }).text;
    const oci = importPolicy(JSON.stringify(spec), {
      from: 'oci',
      arch: ['x86_64', 'aarch64'],
    }).text;
    expect(diffPolicies({ text: spo }, { text: oci })).toEqual([]);
    const other = spo.replace('errno(38)', 'errno(37)');
    expect(diffPolicies({ text: other }, { text: oci }).length).toBeGreaterThan(0);
  });

  it('are chosen by name from a file with several', () => {
    const two = ['a', 'b']
      .map((name) =>
        stringify(document({ defaultAction: `SCMP_ACT_${name === 'a' ? 'ALLOW' : 'LOG'}` }, name)),
      )
      .join('---\n');
    expect(importPolicy(two, { from: 'spo', part: 'b' }).text).toContain('default log');
    expect(() => importPolicy(two, { from: 'spo' })).toThrow(PolicyError);
  });

  const base = (name: string, own: string) =>
    stringify(document({ baseProfileName: name, defaultAction: 'SCMP_ACT_LOG' }, own));
  const syscalls = (entry: string) =>
    `kind: SeccompProfile\nspec:\n  defaultAction: SCMP_ACT_ALLOW\n  syscalls:\n  - ${entry}\n`;

  it.each<[string, RegExp, number]>([
    ['kind: [', /not valid YAML/, 1],
    ['kind: Pod\n', /no SeccompProfile/, 1],
    ['kind: SeccompProfile\nspec: 1\n', /`spec`/, 2],
    [
      'kind: SeccompProfile\nspec:\n  defaultAction: SCMP_ACT_MAYBE\n',
      /unknown action `SCMP_ACT_MAYBE`/,
      3,
    ],
    [syscalls('action: SCMP_ACT_ERRNO\n    errnoRet: 5000\n    names: [read]'), /not an errno/, 6],
    [
      syscalls(
        'action: SCMP_ACT_LOG\n    names: [read]\n    args: [{index: 3, value: 1, op: SCMP_CMP_EQ}]',
      ),
      /read has 3 arguments/,
      7,
    ],
    [
      syscalls('action: SCMP_ACT_LOG\n    names: [read]\n    args: [{index: 0, value: 1, op: EQ}]'),
      /unknown operator/,
      7,
    ],
    [base('gone', 'a'), /base profile `gone` not found/, 6],
    ['a: &x [*x]\nkind: SeccompProfile\nspec: *x\n', /aliases are not read/, 1],
    ['['.repeat(30_000), /nested too deeply|not valid YAML/, 1],
  ])('with errors are refused with the place: %#', (text, message, line) => {
    try {
      importPolicy(text, { from: 'spo' });
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      expect(error.diagnostics[0]?.message).toMatch(message);
      expect(error.diagnostics[0]?.line).toBe(line);
      return;
    }
    throw new Error('nothing was thrown');
  });

  it('are refused if they build on themselves', () => {
    const includes = { 'a.yaml': base('b', 'a'), 'b.yaml': base('a', 'b') };
    expect(() => importPolicy(base('a', 'c'), { from: 'spo', includes })).toThrow(
      /builds on itself/,
    );
  });
});
