import { beforeAll, describe, expect, it } from 'vitest';
import {
  compilePolicy,
  init,
  listFilter,
  PolicyError,
  type SimulatedCall,
  simulate,
  simulateFilter,
} from '../../../src/policy/index.js';

beforeAll(() => init());

const text = `target x86_64
default errno(EPERM)
unknown errno(ENOSYS)
allow read, write
errno(EACCES) socket where domain == AF_NETLINK
allow socket
trace(7) open
`;
const source = { name: 'p.policy', text };

describe('simulate', () => {
  const judge = (call: SimulatedCall) => simulate(source, call);

  it('names the rule, its place and the way through the filter', () => {
    const decision = judge({ call: 'socket', args: ['AF_NETLINK', 3n] });
    expect(decision).toMatchObject({
      arch: 'x86_64',
      number: 41,
      actionText: 'errno(EACCES)',
      decidedBy: 'rule',
      rule: { file: 'p.policy', line: 5 },
      enforceable: true,
    });
    expect(decision.args[0]).toBe(16n);
    expect(decision.path[0]).toBe(0);
    expect(judge({ call: 41, args: [2] }).rule?.line).toBe(6);
  });

  it('tells default, unknown and foreign apart', () => {
    expect(judge({ call: 'mount' })).toMatchObject({
      decidedBy: 'default',
      actionText: 'errno(EPERM)',
    });
    expect(judge({ call: 500 })).toMatchObject({ decidedBy: 'unknown', name: undefined });
    expect(judge({ call: 'read', arch: 'aarch64' })).toMatchObject({
      decidedBy: 'foreign',
      actionText: 'kill_process',
    });
    expect(judge({ call: 'open' }).action).toEqual({ kind: 'trace', value: 7 });
  });

  it('never lets x32 ride on x86_64', () => {
    expect(judge({ call: 'read', arch: 'x32' })).toMatchObject({
      number: 0x40000000,
      actionText: 'kill_process',
    });
  });

  it('reads numbers of every form, and refuses the rest', () => {
    const value = (arg: string) => judge({ call: 'read', args: [arg] }).args[0];
    expect(value('0x10')).toBe(16n);
    expect(value('-1')).toBe(0xffffffffffffffffn);
    expect(value('O_RDWR|O_CREAT')).toBe(66n);
    expect(value('0o17')).toBe(15n);
    expect(() => value('AF_UNIXX')).toThrow('AF_UNIXX is not a number');
    expect(value('0xffffffffffffffff')).toBe(0xffffffffffffffffn);
    expect(() => value('0x10000000000000000')).toThrow('does not fit');
    expect(() => value('-9223372036854775809')).toThrow('does not fit');
    expect(judge({ call: -1 }).number).toBe(0xffffffff);
    expect(() => judge({ call: 2 ** 32 })).toThrow('invalid system call number 4294967296');
    expect(() => judge({ call: 0.5 })).toThrow('invalid system call number 0.5');
    expect(() => judge({ call: 'reed' })).toThrow('x86_64 has no system call reed');
  });

  it('says which calls no filter stops', () => {
    expect(judge({ call: 335 }).enforceable).toBe(false);
    expect(judge({ call: 336 }).enforceable).toBe(false);
    expect(judge({ call: 334 }).enforceable).toBe(true);
  });

  it('knows errno values of the architecture', () => {
    const decision = simulate({ text }, { call: 9999, arch: 'mips64el' }, { arch: 'mips64el' });
    expect(decision).toMatchObject({ actionText: 'errno(ENOSYS)', action: { value: 89 } });
  });
});

describe('simulateFilter', () => {
  it('decides as the policy does', () => {
    const { bpf } = compilePolicy(source);
    const decision = simulateFilter(bpf, { call: 'socket', args: [16], arch: 'x86_64' });
    expect(decision).toMatchObject({ actionText: 'errno(EACCES)', decidedBy: 'program' });
  });

  it.each([
    ['odd length', new Uint8Array(7)],
    ['nothing', new Uint8Array()],
    ['a jump past the end', Uint8Array.of(0x15, 0, 9, 9, 0, 0, 0, 0)],
    ['noise', new Uint8Array(64).fill(0xa5)],
  ])('refuses %s', (_, bpf) => {
    expect(() => simulateFilter(bpf, { call: 0, arch: 'x86_64' })).toThrow(PolicyError);
    expect(() => listFilter({ bpf })).toThrow(PolicyError);
  });
});

describe('listFilter', () => {
  it('shows labels, names and the lines of the policy', () => {
    const listing = listFilter(compilePolicy(source));
    expect(listing).toContain('A = arch');
    expect(listing).toMatch(/0xc000003e .*# x86_64/);
    expect(listing).toContain('# socket');
    expect(listing).toContain('p.policy:5: errno(EACCES) socket');
    expect(listing).toContain('return errno(EACCES)');
    expect(listing).toMatch(/^>/m);
  });

  it('reads big-endian halves', () => {
    const policy = { text: 'default errno(EPERM)\nallow lseek where offset == 5\n' };
    const listing = listFilter({ ...compilePolicy(policy, { arch: 's390x' }), arch: 's390x' });
    expect(listing).toContain('arg1.low');
    expect(listing).toContain('arg1.high');
  });
});
