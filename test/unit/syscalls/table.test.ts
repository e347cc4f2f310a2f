/** The table of system calls beside the policy, the kernel's tables and the filter that emulates. */
import { beforeAll, describe, expect, test } from 'vitest';
import { emulatedCalls } from '../../../src/plan/emulate.js';
import {
  explain,
  init,
  listArchitectures,
  listCalls,
  simulateFilter,
} from '../../../src/policy/index.js';
import { callsWhere, syscall, syscalls } from '../../../src/syscalls/index.js';

const names = Object.keys(syscalls);
const architectures = [
  ['x86_64', 'x64'],
  ['aarch64', 'arm64'],
] as const;

beforeAll(() => init());

describe('the built-in policy', () => {
  /** Calls that it refuses, whole or in part. */
  const refused = () =>
    architectures.flatMap(([arch]) =>
      explain({ builtin: 'default' }, { arch: [arch] })
        .filter(({ cases }) => cases.some(({ action }) => action.kind !== 'allow'))
        .map(({ name }) => name),
    );

  test('refuses no call without a row that says why', () => {
    expect(refused().length).toBeGreaterThan(150);
    const bare = refused().filter((name) => syscall(name).refused === undefined);
    const fix =
      'give a row with `refused` in src/syscalls/table.ts, or allow it in wasm-core/policies/default.policy';
    expect(bare, fix).toEqual([]);
  });

  test('refuses every call whose row gives a reason', () => {
    const known = new Set(refused());
    // These calls are of 32-bit architectures, which the policy is not for.
    const elsewhere = ['umount'];
    expect(callsWhere(({ refused }) => refused !== undefined)).toEqual(
      names.filter((name) => known.has(name) || elsewhere.includes(name)),
    );
  });
});

test('all rows and what they name are calls of the kernel', () => {
  const known = new Set(
    listArchitectures().flatMap(({ name }) =>
      listCalls(name as Parameters<typeof listCalls>[0]).map((call) => call.name),
    ),
  );
  const named = Object.values(syscalls).flatMap(({ brings = '', family = 'open' }) => [
    ...brings.split(' ').filter(Boolean),
    family,
  ]);
  const missing = [...names, ...named].filter((name) => !known.has(name));
  expect(missing, 'not in the core: run wasm-core/syscalls/gen/generate.mjs').toEqual([]);
});

test('subjects and conditions are arguments that the call has', () => {
  const calls = new Map(listCalls('x86_64').map((call) => [call.name, call.arguments]));
  const wrong = names.filter((name) => {
    const args = calls.get(name);
    const { subject = 'values', condition, refused } = syscall(name);
    if (args === undefined) return false;
    const [kind, ...numbers] = subject.split(' ');
    const types = numbers.map((number) => args[Number(number)]?.type);
    const right = types.every(
      (type) => type !== undefined && (kind === 'values') === (type !== 'pointer'),
    );
    const uses = [...(condition === undefined ? [] : [condition]), ...(refused?.uses ?? [])];
    return !right || uses.some((use) => !args.some((argument) => argument.name === use));
  });
  expect(wrong).toEqual([]);
});

test.each(architectures)(
  'the filter on %s sends to the supervisor what it emulates',
  (arch, cpu) => {
    const own = [{ inside: 1000, outside: 1000, count: 1 }];
    const bpf = emulatedCalls({ uids: own, gids: own }, cpu);
    // An id that the sandbox does not have, and RLIMIT_CORE.
    const args = Array.from({ length: 6 }, () => 4n);
    const sent = listCalls(arch)
      .filter(({ name }) => simulateFilter(bpf, { call: name, args, arch }).action.kind !== 'allow')
      .map(({ name }) => name);
    const known = new Set(listCalls(arch).map(({ name }) => name));
    const emulated = callsWhere((row) => row.emulated !== undefined);
    expect(sent.sort()).toEqual(emulated.filter((name) => known.has(name)).sort());
  },
);
