import { beforeAll, describe, expect, it } from 'vitest';
import { diffPolicies, init, simulate } from '../../../src/policy/index.js';

beforeAll(() => init());

const base = 'allow read write\nallow ioctl where request in 1..9\n';

describe('diffPolicies', () => {
  it('finds nothing between two ways of writing the same', () => {
    const other =
      'deny ioctl where request > 9\nallow ioctl where request != 0\nallow write\nallow read\n';
    expect(diffPolicies({ text: base }, { text: other })).toEqual([]);
  });

  it('gives an example that the two really decide differently', () => {
    const other = { text: 'allow read\nallow ioctl where request in 1..8\nkill getpid\n' };
    const found = diffPolicies({ text: base }, other);
    expect(found.map(({ name }) => name)).toEqual(['write', 'ioctl', 'getpid']);
    for (const { number, args, firstText, secondText } of found) {
      expect(simulate({ text: base }, { call: number, args }).actionText).toBe(firstText);
      expect(simulate(other, { call: number, args }).actionText).toBe(secondText);
      expect(firstText).not.toBe(secondText);
    }
    const ioctl = found.find(({ name }) => name === 'ioctl');
    expect(ioctl).toMatchObject({ byArguments: true, firstText: 'allow' });
    expect(BigInt.asUintN(32, ioctl?.args[1] ?? 0n)).toBe(9n);
  });

  it('sees numbers that no call has', () => {
    const found = diffPolicies({ text: 'unknown kill\n' }, { text: 'unknown allow\n' });
    expect(found.length).toBeGreaterThan(1);
    expect(found.every(({ name }) => name === undefined)).toBe(true);
    expect(found.at(-1)?.lastNumber).toBe(0x3fff_ffff);
  });

  it('compares on every target, big-endian ones and x32 too', () => {
    const arch = ['x86_64', 'x32', 'aarch64'] as const;
    const found = diffPolicies({ text: 'allow getpid\n' }, { text: '' }, { arch });
    expect(found.map((d) => d.arch).sort()).toEqual(['aarch64', 'x32', 'x86_64']);
    const one = { text: 'allow prctl where arg2 == 0x100000002' };
    const other = { text: 'allow prctl where arg2 == 0x200000001' };
    expect(diffPolicies(one, other, { arch: 's390x' })).toHaveLength(1);
  });

  it('refuses two files of one name', () => {
    const policy = (text: string) => ({ text: 'include "a"\n', includes: { a: text } });
    expect(() => diffPolicies(policy('allow read\n'), policy('allow write\n'))).toThrow(/called a/);
  });
});
