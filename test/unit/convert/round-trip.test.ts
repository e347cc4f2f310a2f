/**
 * Exports of each format: what was written is read again, and the core compares it with the policy. A format
 * that says all is equal; where it cannot, each difference is told, and none of them allows more.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ExportedPolicy,
  type ExportFormat,
  exportPolicy,
  importPolicy,
} from '../../../src/policy/formats/index.js';
import {
  diffPolicies,
  init,
  type PolicyAction,
  type PolicyDifference,
  PolicyError,
} from '../../../src/policy/index.js';
import { firstSeed, seedsFor } from '../../support/seeds.js';
import { calls, Random } from './random-formats.js';

beforeAll(() => init());

const actions = ['allow', 'errno(7)', 'errno(ENOSYS)', 'kill_process', 'log'];

/** A random policy whose unknown numbers get the default, which all formats can say. */
function draw(random: Random, kinds: readonly string[], byDefault: string): string {
  const lines = [`target x86_64`, `default ${byDefault}`, `unknown ${byDefault}`];
  lines.push(`${kinds[0]} exit_group execve execveat prctl read`);
  lines.push('allow write'); // which systemd always allows
  for (let n = 1 + random.below(5); n > 0; n--) {
    const call = random.pick(calls.filter(({ name }) => name !== 'prctl'));
    const tests = Array.from({ length: 1 + random.below(2) }, () => {
      const { arg, width, mask, op, value } = random.test(call.widths);
      const bits = mask === undefined ? '' : ` & ${mask}`;
      return `arg${arg} as u${width}${bits} ${op} ${value}`;
    });
    const where = random.below(4) === 0 ? '' : ` where ${tests.join(' and ')}`;
    lines.push(`${random.pick(kinds)} ${call.name}${where}`);
  }
  lines.push(`${random.pick(kinds)} mount reboot`);
  return `${lines.join('\n')}\n`;
}

const strictness = [
  'kill_process',
  'kill_thread',
  'trap',
  'errno',
  'trace',
  'notify',
  'log',
  'allow',
];
const rank = ({ kind }: PolicyAction) => strictness.indexOf(kind);

interface Checked {
  readonly equal: boolean;
  readonly told: number;
  readonly allowsMore: readonly string[];
}

/** Compares a policy with its export; undefined where the format has no words for the policy. */
function check(to: ExportFormat, text: string): Checked | undefined {
  const written = tryExport(to, text);
  return written && compared(to, text, written);
}

function tryExport(to: ExportFormat, text: string): ExportedPolicy | undefined {
  try {
    return exportPolicy({ text }, { to });
  } catch (error) {
    const codes = error instanceof PolicyError ? error.diagnostics.map(({ code }) => code) : [];
    if (codes.includes('inexpressible')) return undefined;
    throw error;
  }
}

/** Returns the differences; undefined where the policies are too complex to compare. */
function differencesOf(first: string, second: string): PolicyDifference[] | undefined {
  try {
    return diffPolicies({ text: first }, { text: second });
  } catch (error) {
    if (error instanceof PolicyError) return undefined;
    throw error;
  }
}

function compared(to: ExportFormat, text: string, written: ExportedPolicy): Checked {
  const { text: exported, equal, diagnostics } = written;
  const back = importPolicy(exported, { from: to, arch: 'x86_64' }).text;
  const differences = differencesOf(text, back);
  if (differences !== undefined) expect(equal, exported).toBe(differences.length === 0);
  const told = diagnostics.filter(({ code }) => code === 'difference').length;
  const unproved = diagnostics.some(({ code }) => code === 'complex');
  expect(told > 0 || (unproved && !equal)).toBe(!equal);
  const allowsMore = (differences ?? [])
    .filter(({ first, second }) => rank(second) > rank(first) && rank(second) >= 6)
    .map(
      ({ name, firstText, secondText, args }) =>
        `${name}(${args}): ${firstText} -> ${secondText} in\n${text}\n${exported}`,
    );
  return { equal, told, allowsMore };
}

describe('an exported policy', () => {
  /**
   * The last number is how many of the first six are equal. OCI profiles have no way to say some of them, and minijail
   * no order of bits.
   */
  it.each<[ExportFormat, readonly string[], number]>([
    ['kafel', actions, 6],
    ['seccompiler', ['allow', 'errno(1)'], 4],
    ['minijail', ['allow', 'errno(1)'], 2],
    ['oci', ['allow', 'errno(7)'], 3],
    ['spo', ['allow', 'errno(7)'], 3],
  ])(
    'is equal in the format %s or the difference is told',
    { timeout: 1_800_000 },
    (to, kinds, least) => {
      const found = Array.from(seedsFor(`round trips of ${to}`, 6, 30), (seed) => {
        const { allowsMore = [], equal = false } =
          check(to, draw(new Random(seed), kinds, 'errno(1)')) ?? {};
        expect(allowsMore).toEqual([]);
        return equal;
      });
      if (firstSeed === 1)
        expect(found.slice(0, 6).filter(Boolean).length).toBeGreaterThanOrEqual(least);
      if (to === 'kafel') expect(found.every(Boolean)).toBe(true);
    },
  );

  it.each<[ExportFormat, readonly string[], string]>([
    ['systemd', ['allow', 'errno(7)'], 'errno(1)'],
    ['systemd', ['errno(7)', 'allow'], 'allow'],
    ['firejail', ['allow', 'errno(1)'], 'errno(1)'],
    ['seccompiler', actions, 'errno(1)'],
    ['minijail', actions, 'kill_process'],
  ])('never allows more in the format %s', { timeout: 1_800_000 }, (to, kinds, byDefault) => {
    for (const seed of seedsFor(`exports to ${to} after ${byDefault}`, 4, 20))
      expect(check(to, draw(new Random(seed), kinds, byDefault))?.allowsMore).toEqual([]);
  });

  it('is equal in lists, too, for calls without conditions', () => {
    const text =
      'target x86_64\nforeign errno(1)\ndefault errno(1)\nunknown errno(1)\nallow @default read write openat execve execveat prctl\n';
    const firejail = exportPolicy({ text }, { to: 'firejail' });
    expect(firejail.diagnostics.filter(({ code }) => code === 'difference')).toEqual([]);
    const unit = text.replace('unknown errno(1)', 'unknown errno(ENOSYS)');
    const { diagnostics } = exportPolicy({ text: unit }, { to: 'systemd' });
    const told = diagnostics.filter(({ code }) => code === 'difference');
    // systemd knows fewer calls of old kernels, which it says are missing.
    for (const { message } of told)
      expect(message).toMatch(/gets errno\(ENOSYS\) in|^and \d+ more|calls 1073741824 to/);
  });

  it('says so if it is for one architecture', () => {
    const text = 'target x86_64, aarch64\ndefault errno(1)\nunknown errno(1)\nallow read\n';
    const { diagnostics, equal } = exportPolicy({ text }, { to: 'kafel' });
    expect(diagnostics.map(({ message }) => message)).toContain(
      'the format is for one architecture: this is for x86_64',
    );
    expect(equal).toBe(true);
  });

  it('tells a difference with a call', () => {
    const text =
      'target x86_64\ndefault errno(1)\nunknown errno(1)\nallow @default write socket where arg0 == 1\n';
    const only = text.replace(
      '@default write socket where arg0 == 1',
      'write\nallow socket where domain == 1',
    );
    const { diagnostics } = exportPolicy({ text: only }, { to: 'firejail' });
    expect(diagnostics.map(({ message }) => message).join('\n')).toContain(
      'x86_64 socket(0x1, 0x0, 0x0, 0x0, 0x0, 0x0) gets errno(EPERM) in the exported policy, not allow',
    );
  });
});
