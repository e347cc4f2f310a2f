import { beforeAll, describe, expect, it } from 'vitest';
import { buildPolicy, compilePolicy, diffPolicies, init } from '../../../src/policy/index.js';

beforeAll(() => init());

describe('buildPolicy', () => {
  it('means what the same policy as text means', () => {
    const built = buildPolicy({
      targets: ['x86_64', 'aarch64'],
      kernel: '5.10',
      default: { errno: 'EACCES' },
      unknown: { errno: 38 },
      groups: { mine: ['read', '@sync'] },
      rules: [
        { action: 'allow', calls: ['@mine'] },
        { action: 'kill', calls: ['getpid'], on: ['aarch64'] },
        {
          action: { errno: 22 },
          calls: ['ioctl'],
          where: [
            { arg: 'request', op: 'in', values: ['TIOCSTI', { from: 1, to: 9n }] },
            { arg: 'fd', as: 'u64', mask: ['O_CREAT', 'O_EXCL'], op: '!=', value: -1 },
          ],
        },
        { action: { trace: 3 }, calls: ['ptrace'] },
      ],
    });
    const text = `target x86_64 aarch64  kernel >= 5.10  default errno(EACCES)  unknown errno(ENOSYS)
group @mine = read @sync
allow @mine
kill getpid on aarch64
errno(EINVAL) ioctl where request in [TIOCSTI, 1..9] and fd as u64 & (O_CREAT | O_EXCL) != -1
trace(3) ptrace
`;
    expect(compilePolicy(built).targets).toEqual(['x86_64', 'aarch64']);
    expect(diffPolicies(built, { text })).toEqual([]);
    expect(diffPolicies(built, { text: text.replace('1..9', '1..8') })).not.toEqual([]);
  });

  it('lets nothing through that is not a name', () => {
    const rules = [{ action: 'deny', calls: ['read\nallow ptrace'] }] as const;
    expect(() => buildPolicy({ rules })).toThrow(TypeError);
    expect(() => buildPolicy({ kernel: '5 allow read', rules: [] })).toThrow(TypeError);
  });
});
