import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDriver, buildLimit, type Driver } from './support.js';

let driver: Driver;
beforeAll(() => {
  driver = buildDriver();
}, buildLimit);
afterAll(() => driver?.close());

const X86_64 = 0xc000003e;
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const errno = (value: number): number => 0x00050000 + value;

function decide(policy: string, ...calls: [nr: number, ...args: bigint[]][]): number[] {
  const imported = driver.importText(policy, { format: 'minijail' });
  expect(imported.ok, imported.raw).toBe(true);
  return driver.decide(
    imported.text,
    calls.map(([nr, ...args]) => ({ arch: X86_64, nr, args })),
  );
}

describe('minijail policies', () => {
  it('allow, refuse and kill', () => {
    const policy = '# comment\nread: 1\nwrite: allow\nmount: return EPERM\nptrace: return 5\n';
    expect(decide(policy, [0], [1], [165], [101], [2])).toEqual([
      ALLOW,
      ALLOW,
      errno(1),
      errno(5),
      KILL,
    ]);
  });

  it('take the default from @default, wherever it stands', () => {
    expect(decide('read: 1\n@default return ENOSYS\n', [0], [1])).toEqual([ALLOW, errno(38)]);
  });

  it('test arguments, joined by && and ||', () => {
    const policy =
      'socket: arg0 == AF_UNIX || arg0 == AF_INET && arg1 == SOCK_STREAM; return EACCES\n';
    expect(decide(policy, [41, 1n, 5n], [41, 2n, 1n], [41, 2n, 2n], [41, 16n, 1n])).toEqual([
      ALLOW,
      ALLOW,
      errno(13),
      errno(13),
    ]);
  });

  it('read & as any bit and `in` as no bit beyond', () => {
    const policy = 'mprotect: arg2 in PROT_READ|PROT_WRITE\nmadvise: arg2 & 4\n';
    expect(
      decide(policy, [10, 0n, 0n, 3n], [10, 0n, 0n, 4n], [28, 0n, 0n, 6n], [28, 0n, 0n, 3n]),
    ).toEqual([ALLOW, KILL, ALLOW, KILL]);
  });

  it('kill where no test holds and nothing follows', () => {
    expect(decide('dup: arg0 < 3\n', [32, 2n], [32, 3n])).toEqual([ALLOW, KILL]);
  });

  it('read lists, continued lines and octal numbers', () => {
    expect(decide('{read, write}: 1\nchmod: arg1 == \\\n  0644\n', [1], [90, 0n, 420n])).toEqual([
      ALLOW,
      ALLOW,
    ]);
  });

  it.each([
    ['write: arg0 == 1\nwrite: arg0 == 2', 'write'],
    ['read: 1\nread: return EPERM', 'read'],
    ['{read, write}: arg0 > 2; return EPERM\n# note\nwrite: 1', 'write'],
  ])('refuse a second line for a call: %j', (policy, call) => {
    const output = driver.importText(policy, { format: 'minijail' });
    expect(output.ok).toBe(false);
    expect(output.notes).toEqual([{ kind: 11, detail: call }]);
  });

  it('take a line twice where it has no tests', () => {
    expect(decide('read: 1\n{read, read, write}: allow\n', [0], [1])).toEqual([ALLOW, ALLOW]);
  });

  it.each([
    'read 1',
    'read:',
    'read: perhaps',
    'read: arg9 == 1',
    'read: arg0 == 1 ||',
    ': 1',
    '@odd 1',
  ])('refuse %j', (policy) => {
    const output = driver.importText(policy, { format: 'minijail' });
    expect(output.ok).toBe(false);
    expect(output.text).toBe('');
  });

  it('survive random bytes', () => {
    let state = 1;
    const next = (): number => {
      state = (state * 48271) % 2147483647;
      return state;
    };
    for (let i = 0; i < 100; i++)
      driver.importText(Buffer.from(Array.from({ length: 200 }, () => next() & 255)), {
        format: 'minijail',
      });
  });
});
