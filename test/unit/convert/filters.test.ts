/** Finished filters read as policies: what comes out decides as the filter does. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, layout } from '../../../src/core/index.js';
import { importPolicy } from '../../../src/policy/formats/index.js';
import {
  compilePolicy,
  diffPolicies,
  init,
  PolicyError,
  simulateFilter,
} from '../../../src/policy/index.js';
import { requestOf } from '../../../src/policy/source.js';
import { seedsFor } from '../../support/seeds.js';
import { calls, Random, X86_64 } from './random-formats.js';

beforeAll(() => init());

type Insn = readonly [code: number, jt: number, jf: number, k: number];

const [LD, JEQ, JGT, JGE, JSET, AND, RET] = [0x20, 0x15, 0x25, 0x35, 0x45, 0x54, 0x06];
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;

function bytesOf(insns: readonly Insn[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(insns.length * 8));
  insns.forEach(([code, jt, jf, k], i) => {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, jt);
    view.setUint8(8 * i + 3, jf);
    view.setUint32(8 * i + 4, k, true);
  });
  return new Uint8Array(view.buffer);
}

/** Puts instructions behind a test of the architecture. */
const onX86 = (insns: readonly Insn[]): Uint8Array =>
  bytesOf([[LD, 0, 0, 4], [JEQ, 1, 0, X86_64], [RET, 0, 0, KILL], ...insns]);

function errorOf(bpf: Uint8Array): PolicyError {
  try {
    importPolicy(bpf, { from: 'bpf', name: 'x.bpf' });
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Asks the filter, by the interpreter, and the policy that it became. */
function sameDecisions(bpf: Uint8Array, values: readonly bigint[], random: Random): void {
  const { text, diagnostics } = importPolicy(bpf, { from: 'bpf' });
  // A number without a name gets what most of them get, and a warning where that is not all.
  const unnamed = diagnostics.some(({ message }) => message.includes('names no call'))
    ? []
    : [5000];
  const arity = new Map<number, number>([
    ...calls.map(({ nr, widths }) => [nr, widths.length] as const),
    [0, 3],
    [1, 3],
    [39, 0],
  ]);
  const events = Array.from({ length: 200 }, () => {
    const nr = random.pick([...arity.keys(), ...unnamed]);
    const count = arity.get(nr) ?? 6;
    const args = Array.from({ length: 6 }, (_, i) => (i < count ? random.pick(values) : 0n));
    return { arch: X86_64, nr, args };
  });
  const result = compile({ ...requestOf({ text }, {}), events });
  const codes = result.diagnostics.map(({ code }) => layout.codeNames[code]).join();
  expect(result.ok, `${codes} in ${text}`).toBe(true);
  events.forEach(({ nr, args }, i) => {
    const wanted = simulateFilter(bpf, { call: nr, args, arch: 'x86_64' }).action;
    const [got] = [result.decisions[i]?.action ?? 0];
    const kinds = { allow: ALLOW, kill_process: KILL } as Record<string, number>;
    const number = kinds[wanted.kind] ?? 0x00050000 + wanted.value;
    if (got !== number) expect.fail(`${nr}(${args}): ${got} instead of ${number} in ${text}`);
  });
}

describe('a filter as a policy', () => {
  it.each(['default', 'net-guard', 'set-id-guard', 'terminal-guard'])(
    'decides as %s, which it was compiled from',
    (builtin) => {
      for (const arch of ['x86_64', 'aarch64'] as const) {
        const { bpf } = compilePolicy({ builtin }, { arch });
        const { text, diagnostics } = importPolicy(bpf, { from: 'bpf', arch });
        expect(diagnostics).toEqual([]);
        expect(diffPolicies({ builtin }, { text }, { arch })).toEqual([]);
      }
    },
  );

  it('has several architectures, and what others get', () => {
    const source = {
      text: 'target x86_64, aarch64\nforeign errno(ENOSYS)\nallow read\nallow write where fd == 1\n',
    };
    const { text } = importPolicy(compilePolicy(source).bpf, { from: 'bpf' });
    expect(text).toMatch(/^target x86_64, aarch64\n/);
    expect(text).toContain('foreign errno(ENOSYS)');
    expect(diffPolicies(source, { text })).toEqual([]);
    const other = { text: source.text.replace('fd == 1', 'fd == 2') };
    expect(diffPolicies(other, { text }).length).toBeGreaterThan(0);
  });

  it('random ones decide alike', () => {
    const jumps = [JEQ, JGT, JGE, JSET];
    for (const seed of seedsFor('filters', 30, 300)) {
      const random = new Random(seed);
      const count = 4 + random.below(24);
      const values: bigint[] = [0n, 0xffff_ffff_ffff_ffffn];
      const body = Array.from({ length: count }, (_, i): Insn => {
        const left = count - i;
        const k = Number(random.pick([...calls.map(({ nr }) => BigInt(nr)), random.value(32), 1n]));
        for (const half of [BigInt(k), BigInt(k) << 32n, BigInt(k) + 1n, BigInt(k) - 1n])
          values.push(BigInt.asUintN(64, half));
        const kind = random.below(8);
        if (kind === 0) return [LD, 0, 0, random.pick([0, 4, 16, 20, 24, 28, 32, 36])];
        if (kind === 1) return [AND, 0, 0, k];
        if (kind === 2) return [RET, 0, 0, random.pick([ALLOW, KILL, 0x00050007])];
        return [random.pick(jumps), random.below(left), random.below(left), k];
      });
      const bpf = onX86([[LD, 0, 0, 0], ...body, [RET, 0, 0, 0x00050001]]);
      sameDecisions(bpf, values, random);
    }
  });

  it('may move values through X and the memory', () => {
    const bpf = onX86([
      [LD, 0, 0, 16],
      [0x02, 0, 0, 3], // M[3] = A
      [0x07, 0, 0, 0], // X = A
      [LD, 0, 0, 0],
      [JEQ, 0, 3, 16],
      [0x60, 0, 0, 3], // A = M[3]
      [JEQ, 0, 1, 7],
      [RET, 0, 0, ALLOW],
      [RET, 0, 0, KILL],
    ]);
    sameDecisions(bpf, [0n, 7n, 7n + (1n << 32n), 8n], new Random(1));
  });

  it('is told of if it has no test of the architecture', () => {
    const bpf = bytesOf([
      [LD, 0, 0, 0],
      [JEQ, 0, 1, 0],
      [RET, 0, 0, ALLOW],
      [RET, 0, 0, KILL],
    ]);
    const { diagnostics } = importPolicy(bpf, { from: 'bpf', arch: 'x86_64' });
    expect(diagnostics.map(({ message }) => message).join()).toMatch(
      /architecture 0x.* gets allow/,
    );
  });

  it.each<[string, readonly Insn[], RegExp]>([
    [
      'looks at the instruction pointer',
      [
        [LD, 0, 0, 8],
        [JEQ, 0, 0, 1],
        [RET, 0, 0, ALLOW],
      ],
      /instruction 3: .*pointer/,
    ],
    [
      'computes with an argument',
      [
        [LD, 0, 0, 16],
        [0x04, 0, 0, 1],
        [JEQ, 0, 0, 1],
        [RET, 0, 0, ALLOW],
      ],
      /instruction 4: .*computes/,
    ],
    [
      'compares two arguments',
      [
        [LD, 0, 0, 16],
        [0x07, 0, 0, 0],
        [LD, 0, 0, 24],
        [0x1d, 0, 0, 0],
        [RET, 0, 0, ALLOW],
      ],
      /instruction 6: .*two arguments/,
    ],
  ])('is refused with the instruction if it %s', (_, insns, message) => {
    expect(errorOf(onX86(insns)).diagnostics[0]?.message).toMatch(message);
  });

  it('is refused if the kernel would not load it: a jump past the end, 4,097 instructions, half of one', () => {
    expect(
      errorOf(
        onX86([
          [0x05, 0, 0, 900],
          [RET, 0, 0, ALLOW],
        ]),
      ).code,
    ).toBe('ERR_POLICY_INVALID');
    const long = Array.from({ length: 4097 }, (): Insn => [RET, 0, 0, ALLOW]);
    expect(errorOf(bytesOf(long)).code).toBe('ERR_POLICY_INVALID');
    expect(errorOf(bytesOf(long).subarray(0, 12)).code).toBe('ERR_POLICY_INVALID');
    expect(errorOf(new Uint8Array()).code).toBe('ERR_POLICY_INVALID');
  });

  it('made to have too many paths is refused soon', () => {
    const body = Array.from(
      { length: 2000 },
      (_, i): Insn => (i % 2 === 0 ? [LD, 0, 0, 16] : [JEQ, 0, 0, i]),
    );
    const [found] = errorOf(onX86([...body, [RET, 0, 0, ALLOW]])).diagnostics;
    expect(found?.message).toMatch(/too many paths/);
  });

  it('is read with 4,096 instructions, most of them out of reach, and says which', () => {
    const rest = Array.from({ length: 4092 }, (): Insn => [RET, 0, 0, KILL]);
    const { text, diagnostics } = importPolicy(onX86([[RET, 0, 0, ALLOW], ...rest]), {
      from: 'bpf',
    });
    expect(text).toContain('default allow');
    expect(diagnostics.map(({ message }) => message)).toContain(
      'instruction 4: never reached, and 4091 more',
    );
  });

  it('is read with 4,096 instructions that compare the number one after the other', () => {
    const chain = Array.from({ length: 2000 }, (_, i): Insn[] => [
      [JEQ, 0, 1, i],
      [RET, 0, 0, i % 3 === 0 ? ALLOW : KILL],
    ]).flat();
    const bpf = onX86([[LD, 0, 0, 0], ...chain, [RET, 0, 0, 0x00050001]]);
    const { text, diagnostics } = importPolicy(bpf, { from: 'bpf' });
    expect(diagnostics.map(({ message }) => message).join()).not.toContain('never reached');
    const compiled = compilePolicy({ text }, { arch: 'x86_64' }).bpf;
    for (const call of [0, 1, 2, 3, 231, 472])
      expect(simulateFilter(compiled, { call, arch: 'x86_64' }).actionText, `${call}`).toBe(
        simulateFilter(bpf, { call, arch: 'x86_64' }).actionText,
      );
  });
});
