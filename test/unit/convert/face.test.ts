import { beforeAll, describe, expect, it } from 'vitest';
import { exportPolicy, importPolicy } from '../../../src/policy/formats/index.js';
import { compilePolicy, init, PolicyError } from '../../../src/policy/index.js';

beforeAll(() => init());

const profile = (syscalls: unknown[], rest = {}): string =>
  JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls, ...rest }, null, 2);

function errorOf(action: () => unknown): PolicyError {
  try {
    action();
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('importPolicy', () => {
  it('gives text that compiles to the same filter', () => {
    const { text, diagnostics } = importPolicy(
      profile([{ names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' }]),
      { from: 'oci', arch: 'x86_64' },
    );
    expect(diagnostics).toEqual([]);
    const own = 'target x86_64\ndefault errno(EPERM)\nunknown errno(EPERM)\nallow read write\n';
    expect(compilePolicy({ text }).bpf).toEqual(compilePolicy({ text: own }).bpf);
  });

  it('remarks on what it leaves out, with its place', () => {
    const { diagnostics } = importPolicy(
      profile([{ names: ['read', 'teleport'], action: 'SCMP_ACT_ALLOW' }]),
      { from: 'oci', name: 'p.json' },
    );
    expect(diagnostics).toMatchObject([
      { severity: 'warning', code: 'unknown-call', file: 'p.json', line: 7, column: 9 },
    ]);
    expect(diagnostics[0]?.sourceLine).toContain('teleport');
  });

  it('depends on capabilities where the profile does', () => {
    const text = profile([
      { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
    ]);
    expect(importPolicy(text, { from: 'oci' }).text).not.toContain('mount');
    const capabilities = ['CAP_SYS_ADMIN'];
    expect(importPolicy(text, { from: 'oci', capabilities }).text).toContain('allow mount');
    expect(() => importPolicy(text, { from: 'oci', capabilities: ['CAP_SYS_ADMIM'] })).toThrow(
      'unknown capability CAP_SYS_ADMIM',
    );
  });

  it('reads minijail policies', () => {
    expect(importPolicy('read: 1\n', { from: 'minijail' }).text).toContain('allow read');
  });

  it('refuses entries that overlap, with an example and both places', () => {
    const entry = (action: string, index: number, op: string, value: number) => ({
      names: ['kill'],
      action,
      args: [{ index, op: `SCMP_CMP_${op}`, value }],
    });
    const text = profile([
      entry('SCMP_ACT_ALLOW', 0, 'GT', 3),
      entry('SCMP_ACT_KILL_PROCESS', 1, 'EQ', 9),
    ]);
    const [found] = errorOf(() => importPolicy(text, { from: 'oci', name: 'p.json' })).diagnostics;
    expect(found).toMatchObject({
      code: 'overlap',
      line: 17,
      related: { file: 'p.json', line: 4 },
    });
    expect(found?.message).toBe(
      'kill(4, 9) on x86_64 matches this rule and the one at line 4, with different actions',
    );
    const lines = 'read: 1\nread: arg0 == 1\n';
    const error = errorOf(() => importPolicy(lines, { from: 'minijail' }));
    expect(error.diagnostics).toMatchObject([{ code: 'duplicate', line: 2, related: { line: 1 } }]);
  });

  it('says what is wrong and where', () => {
    const error = errorOf(() => importPolicy('{"defaultAction": "SCMP_ACT_SAY"}', { from: 'oci' }));
    expect(error.code).toBe('ERR_POLICY_INVALID');
    expect(error.diagnostics).toMatchObject([{ code: 'action', line: 1, column: 19 }]);
    expect(errorOf(() => importPolicy('no', { from: 'oci' })).diagnostics[0]?.code).toBe('json');
  });
});

describe('exportPolicy', () => {
  it('gives a profile', () => {
    const { text } = exportPolicy(
      { text: 'target x86_64, i386\ndefault errno(ENOSYS)\nallow read\n' },
      { to: 'oci' },
    );
    expect(JSON.parse(text)).toMatchObject({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
      syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }],
    });
  });

  it('refuses what the format cannot say, and a policy with errors', () => {
    const odd = 'target x86_64, i386\nallow read on i386\n';
    const error = errorOf(() => exportPolicy({ text: odd }, { to: 'oci' }));
    expect(error.diagnostics.map(({ code }) => code)).toContain('inexpressible');
    const broken = errorOf(() => exportPolicy({ text: 'allow reed' }, { to: 'oci' }));
    expect(broken.diagnostics[0]?.code).toBe('syscall');
  });
});
