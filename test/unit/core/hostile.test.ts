import { beforeAll, describe, expect, it } from 'vitest';
import { importPolicy } from '../../../src/policy/formats/index.js';
import {
  compilePolicy,
  decodeFilter,
  init,
  PolicyError,
  simulateFilter,
} from '../../../src/policy/index.js';

beforeAll(() => init());

function codes(text: string, includes: Record<string, string> = {}): string[] {
  try {
    compilePolicy({ text, includes });
    return [];
  } catch (error) {
    if (error instanceof PolicyError) return error.diagnostics.map(({ code }) => code);
    throw error;
  }
}

/** The module is as good as new after whatever came before. */
function expectUsable(): void {
  expect(compilePolicy({ builtin: 'default' }, { arch: 'x86_64' }).instructions).toBeGreaterThan(
    50,
  );
}

describe('hostile policies', () => {
  it('are refused if they have 10 MB', () => {
    expect(codes('#'.repeat(10_000_000))).toContain('too-large');
    expect(codes('include "big"\n', { big: 'allow read\n'.repeat(900_000) })).toContain(
      'too-large',
    );
    expectUsable();
  });

  it('may name calls 65,536 times, and no more', () => {
    const names = (count: number) => `default errno(EPERM)\nallow ${'read '.repeat(count)}\n`;
    expect(codes(names(65_536))).toEqual([]);
    expect(codes(names(65_537))).toEqual(['too-large']);
    expectUsable();
  });

  it.each(['é', '€', '😀'])('may end in %s', (last) => {
    expect(codes(`default errno(EPERM)\n# ${last}`)).toEqual([]);
  });

  it('end in diagnostics if they are random bytes', () => {
    let state = 1;
    const random = () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state >>> 16;
    };
    for (let i = 0; i < 200; i++) {
      const text = Array.from({ length: random() % 400 }, () =>
        String.fromCharCode(random() % (i % 2 === 0 ? 128 : 0x3000)),
      ).join('');
      codes(text);
    }
    expectUsable();
  });

  it.each([
    ['parentheses', `allow kill where pid == ${'('.repeat(500_000)}`, 'deep'],
    ['signs', `allow kill where pid == ${'-'.repeat(500_000)}1`, 'deep'],
    ['alternatives', `allow kill where pid == ${'1|'.repeat(100_000)}1`, 'deep'],
  ])('nested too deeply in %s end', (_, text, code) => {
    expect(codes(text)).toContain(code);
    expectUsable();
  });

  it('end if they include one another', () => {
    expect(codes('include "a"\n', { a: 'include "b"\n', b: 'include "a"\n' })).toContain(
      'include-cycle',
    );
    const chain = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`f${i}`, `include "f${i + 1}"\n`]),
    );
    expect(codes('include "f0"\n', chain)).toContain('include-depth');
    expect(codes('include "../../etc/passwd"\n')).toContain('include');
    expect(codes('include "/etc/passwd"\n')).toContain('include');
    expectUsable();
  });

  it('end if they grow when expanded', () => {
    expect(codes(`allow ${'@known '.repeat(5000)}`)).toContain('too-large');
    expect(codes('allow ioctl where arg == 1\n'.repeat(20_000))).toContain('too-large');
    expectUsable();
  });

  it('end if they have thousands of conditions that share nothing', () => {
    const rules = Array.from(
      { length: 3000 },
      (_, i) =>
        `errno(${(i % 4000) + 1}) prctl where arg${(i % 4) + 1} & ${i + 1} == ${i & (i + 1)}`,
    );
    codes(rules.join('\n'));
    const values = Array.from({ length: 1500 }, (_, i) => i * 3);
    expect(codes(`allow ioctl where request in [${values.join(', ')}]`)).toEqual([]);
    expectUsable();
  });

  it('written in foreign letters point at the right column', () => {
    try {
      compilePolicy({ name: 'ü.policy', text: '# naïve 🙂\nallow 日本 read # 🙂\n' });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        diagnostics: [
          { line: 2, column: 7 },
          { line: 2, column: 8 },
        ],
      });
    }
  });

  it('cannot act on the terminal', () => {
    const text = 'allow \u001b]0;x\u0007 re\u202ead\n';
    try {
      compilePolicy({ name: '\u001b[2J', text });
      expect.unreachable();
    } catch (error) {
      expect((error as PolicyError).format()).not.toMatch(/[\u001b\u0007\u202e]/);
      expect((error as PolicyError).message).not.toMatch(/[\u001b\u0007\u202e]/);
    }
  });
});

describe('hostile profiles', () => {
  const refused = (text: string, from: 'oci' | 'minijail' = 'oci'): void => {
    expect(() => importPolicy(text, { from })).toThrow(PolicyError);
    try {
      importPolicy(text, { from });
    } catch (error) {
      const [first] = (error as PolicyError).diagnostics;
      expect(first).toMatchObject({ severity: 'error', line: expect.any(Number) });
    }
  };

  it.each([
    ['nothing', ''],
    ['a list', '[1, 2, 3]'],
    ['a number for the default', '{"defaultAction": 7}'],
    ['calls that are not a list', '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {"read": 1}}'],
    ['names that are numbers', '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[7]}]}'],
    ['a cut-off string', '{"defaultAction": "SCMP_'],
  ])('are refused with a place if they have another shape (%s)', (_, text) => {
    refused(text);
    expectUsable();
  });

  it('nested 100,000 deep are refused', () => {
    refused('['.repeat(100_000));
    refused('{"a":'.repeat(100_000));
    expectUsable();
  });

  it('are refused if they have 10 MB', () => {
    refused(`{"defaultAction": "${'A'.repeat(10_000_000)}"}`);
    refused('read: 1\n'.repeat(1_300_000), 'minijail');
    expectUsable();
  });
});

describe('hostile filters', () => {
  const insn = (code: number, jumps = [0, 0], k = 0): number[] => [
    ...[code, 0, ...jumps],
    ...[0, 8, 16, 24].map((shift) => (k >>> shift) & 255),
  ];
  const allow = insn(6, [0, 0], 0x7fff0000);

  it.each([
    ['of odd length', [...allow, 1, 2, 3]],
    ['of no length', []],
    ['with an illegal instruction', [...insn(0x99), ...allow]],
    ['that read past the data', [...insn(0x20, [0, 0], 64), ...allow]],
    ['that read between the words', [...insn(0x20, [0, 0], 2), ...allow]],
    ['that jump out of themselves', [...insn(0x15, [9, 0]), ...allow]],
    ['that jump far out of themselves', [...insn(0x05, [0, 0], 0xfffffffe), ...allow]],
    ['that divide by zero', [...insn(0x34), ...allow]],
    ['that read scratch memory before it is written', [...insn(0x60, [0, 0], 3), ...allow]],
    ['that do not return', insn(0x20)],
    ['of 4097 instructions', Array.from({ length: 4097 }, () => allow).flat()],
  ])('%s are refused, and say why', (_, bytes) => {
    const bpf = Uint8Array.from(bytes);
    const why = /the kernel would reject this filter: \w+/;
    expect(() => simulateFilter(bpf, { call: 'read', arch: 'x86_64' })).toThrow(why);
    expect(() => decodeFilter({ bpf })).toThrow(why);
    expectUsable();
  });

  it('control: one that only returns is run', () => {
    const decision = simulateFilter(Uint8Array.from(allow), { call: 'read', arch: 'x86_64' });
    expect(decision.actionText).toBe('allow');
  });

  it('are refused or run, whatever their bytes', () => {
    let state = 7;
    for (let i = 0; i < 300; i++) {
      const bytes = Uint8Array.from({ length: (i * 7) % 96 }, () => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 16) & (i % 3 === 0 ? 0xff : 0x3f);
      });
      try {
        simulateFilter(bytes, { call: 0, arch: 'x86_64' });
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_/) });
      }
    }
    expectUsable();
  });
});
