import { beforeAll, describe, expect, it } from 'vitest';
import { compilePolicy, explain, init, simulate } from '../../../src/policy/index.js';

beforeAll(() => init());

const source = {
  name: 'p.policy',
  text: `target x86_64
default errno(EPERM)
allow read write
errno(EACCES) socket where domain == AF_NETLINK and type & 15 == SOCK_RAW
trap socket where domain in [2, 10, 16]
allow socket where protocol < 8
allow clone where flags & 0x7e020000 == 0
kill lseek where offset >= 0x100000000
allow lseek
`,
};

const lines = (call: string) =>
  explain(source, { calls: [call] })[0]?.cases.map(({ rule }) => rule?.line ?? 'default');

describe('explain', () => {
  it('finds every rule that decides a call, in their order', () => {
    expect(lines('read')).toEqual([3]);
    expect(lines('socket')).toEqual([4, 5, 6, 'default']);
    expect(lines('clone')).toEqual([7, 'default']);
    expect(lines('lseek')).toEqual([8, 9]);
    expect(lines('mount')).toEqual(['default']);
  });

  it('gives examples that are decided as it says', () => {
    for (const call of explain(source))
      for (const { args, actionText, rule } of call.cases) {
        const decision = simulate(source, { call: call.number, args });
        expect(decision).toMatchObject({ actionText, rule });
      }
  });

  it('explains every call of the built-in policy, on either byte order', () => {
    for (const arch of ['x86_64', 'aarch64', 's390x'] as const) {
      const calls = explain({ builtin: 'default' }, { arch });
      expect(calls.length).toBe(compilePolicy({ builtin: 'default' }, { arch }).figures.known);
      for (const { cases, name } of calls) expect(cases.length, name).toBeGreaterThan(0);
    }
  });

  it('refuses an unknown call', () => {
    expect(() => explain(source, { calls: ['reed'] })).toThrow('x86_64 has no system call reed');
  });
});
