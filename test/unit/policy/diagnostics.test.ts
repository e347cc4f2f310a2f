import { beforeAll, describe, expect, it } from 'vitest';
import {
  compilePolicy,
  formatDiagnostic,
  init,
  type PolicyDiagnostic,
  PolicyError,
  simulateFilter,
} from '../../../src/policy/index.js';

beforeAll(() => init());

function diagnose(text: string): readonly PolicyDiagnostic[] {
  try {
    return compilePolicy({ text }).diagnostics;
  } catch (error) {
    if (error instanceof PolicyError) return error.diagnostics;
    throw error;
  }
}

describe('suggestions', () => {
  it.each([
    ['default errno(EPREM)', 'EPERM'],
    ['deny(EACES) read', 'EACCES'],
    ['allow opne', 'open'],
    ['allow @fil', '@file'],
    ['alow read', 'allow'],
    ['allow socket where domian == 1', 'domain'],
    ['allow mmap where prot & PROT_EXCE', 'PROT_EXEC'],
    ['target x86_65', 'x86_64'],
  ])('%s', (text, meant) => {
    const [first] = diagnose(text);
    expect(first).toMatchObject({ severity: 'error', line: 1, hint: `Did you mean \`${meant}\`?` });
  });

  it('lists the arguments where none is near', () => {
    const [first] = diagnose('allow setpriority where zzz == 1');
    expect(first?.hint).toBe('It has which, who, niceval; they are also called arg0 to arg2.');
  });
});

describe('warnings', () => {
  const codes = (text: string) => diagnose(text).map(({ code }) => code);

  it('says that x32 is a target', () => {
    expect(codes('target x86_64, x32\nallow read')).toContain('x32');
    expect(codes('target x86_64\nallow read')).not.toContain('x32');
  });

  it('names the multiplexer that lets a call pass', () => {
    const messages = diagnose('target i386\nallow socketcall\nallow ipc').map(
      ({ message }) => message,
    );
    expect(messages).toContain(
      'socketcall hides socket from the filter: its arguments are in memory',
    );
    expect(messages).toContain('ipc hides shmget from the filter: its arguments are in memory');
  });
});

it('shows what is around the place in a long line', () => {
  const [first] = diagnose(`allow ioctl where request in [${'1, '.repeat(500)}TIOCSTO]`);
  const [, line = '', caret = ''] = formatDiagnostic(first as PolicyDiagnostic).split('\n');
  expect(line.length).toBeLessThan(200);
  expect(line.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('TIOCSTO');
});

describe('policies of unusual size', () => {
  it('compiles 1,600 rules on one argument', () => {
    const rule = (n: number) => `errno(${(n % 100) + 1}) ioctl where request == ${n * 7919}`;
    const text = Array.from({ length: 1600 }, (_, n) => rule(n)).join('\n');
    const { bpf } = compilePolicy({ text }, { arch: ['x86_64'] });
    for (const n of [0, 1, 801, 1599]) {
      const event = { call: 'ioctl', args: [0n, BigInt(n * 7919)], arch: 'x86_64' } as const;
      expect(simulateFilter(bpf, event).action).toEqual({ kind: 'errno', value: (n % 100) + 1 });
    }
  });

  it('gives up on masks that are too complex, at the call', () => {
    const bit = (n: number) => 2 ** (n % 30);
    const rule = (n: number) =>
      `errno(${n + 1}) mmap where prot & ${bit(n * 7) + bit(n * 11 + 1)} and flags & ${bit(n * 5) + bit(n * 13 + 3)} and length & ${bit(n * 17)} == 0`;
    const text = `allow read\n${Array.from({ length: 40 }, (_, n) => rule(n)).join('\n')}`;
    expect(diagnose(text)[0]).toMatchObject({ code: 'complex', line: 2 });
    expect(compilePolicy({ text: 'allow read' }).instructions).toBeGreaterThan(4);
  }, 300_000);

  it('says which rules make a filter too long', () => {
    const list = (n: number, count: number) =>
      Array.from({ length: count }, (_, i) => (i + 1) * n).join(', ');
    const text = `allow read\nallow ioctl where request in [${list(7, 50)}]\nallow ioctl where request in [${list(11, 5000)}]`;
    const found = diagnose(text).filter(({ severity }) => severity === 'error');
    expect(found.map(({ code, line }) => [code, line])).toEqual([
      ['program-size', 1],
      ['rule-cost', 1],
      ['rule-cost', 2],
      ['rule-cost', 3],
    ]);
  });

  it('tell of calls that no target has on one line', () => {
    const calls = 'chown32 fcntl64 stat64 lstat64 fstat64 mmap2 _llseek';
    const text = `target x86_64\ndefault kill\nallow read ${calls}\n`;
    const found = compilePolicy({ text }).diagnostics.filter(({ code }) => code === 'no-target');
    expect(found).toMatchObject([
      {
        line: 3,
        column: 12,
        message: 'no target has these calls: chown32, fcntl64, stat64, lstat64, fstat64 and 2 more',
      },
    ]);
  });
});
