import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importPolicy } from '../../../src/policy/formats/index.js';
import { init, PolicyError } from '../../../src/policy/index.js';
import { buildDriver, buildLimit, type Driver } from './support.js';

let driver: Driver;
beforeAll(async () => {
  await init();
  driver = buildDriver();
}, buildLimit);
afterAll(() => driver?.close());

const X86_64 = 0xc000003e;
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const errno = (value: number): number => 0x00050000 + value;

function decide(policy: string, ...calls: [nr: number, ...args: bigint[]][]): number[] {
  const imported = importPolicy(policy, { from: 'minijail' });
  return driver.decide(
    imported.text,
    calls.map(([nr, ...args]) => ({ arch: X86_64, nr, args })),
  );
}

function refusal(policy: string, includes: Record<string, string> = {}) {
  try {
    importPolicy(policy, { from: 'minijail', includes });
  } catch (error) {
    if (error instanceof PolicyError) return error.diagnostics;
    throw error;
  }
  throw new Error('nothing was thrown');
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

  it('number the arguments of prctl from 0, though the kernel calls the second arg2', () => {
    const policy = '{prctl, kill}: arg1 == 9\n';
    const calls: [number, ...bigint[]][] = [
      [157, 0n, 9n],
      [157, 0n, 0n, 9n],
      [62, 0n, 9n],
    ];
    expect(decide(policy, ...calls)).toEqual([ALLOW, KILL, ALLOW]);
    expect(decide('prctl: arg2 == 9\n', ...calls)).toEqual([KILL, ALLOW, KILL]);
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

  it('read `in` of a value with the highest bit of the argument', () => {
    const policy = 'ioctl: arg1 in 0x80000003\n';
    const points = [0x80000001n, 0x80000003n, 3n, 0x80000004n, 0x40000000n];
    expect(
      decide(policy, ...points.map((value) => [16, 0n, value] as [number, bigint, bigint])),
    ).toEqual([ALLOW, ALLOW, ALLOW, KILL, KILL]);
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
    expect(refusal(policy)).toMatchObject([
      { code: 'duplicate', message: `\`${call}\` already has a line`, related: { line: 1 } },
    ]);
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
    expect(refusal(policy)[0]).toMatchObject({ severity: 'error', line: 1 });
  });

  it('include files, once deep', () => {
    const includes = { './base.policy': 'read: 1\nwrite: arg0 == 1\n' };
    const { text } = importPolicy('@include ./base.policy\nclose: 1\n', {
      from: 'minijail',
      includes,
    });
    const events = [[0], [1, 1n], [1, 2n], [3], [2]].map(([nr, ...args]) => ({
      arch: X86_64,
      nr: Number(nr),
      args: args as bigint[],
    }));
    expect(driver.decide(text, events)).toEqual([ALLOW, ALLOW, KILL, ALLOW, KILL]);
    expect(refusal('close: 1\n@include ./none')).toMatchObject([{ code: 'include', line: 2 }]);
    const circle = { './a': '@include ./a\n' };
    expect(refusal('@include ./a\n', circle)).toMatchObject([{ file: './a', line: 1 }]);
  });

  it('bring frequencies', () => {
    const includes = { freq: '# note\nread: 700\nwrite: 20\n' };
    const { weights } = importPolicy('@frequency freq\nread: 1\n', { from: 'minijail', includes });
    expect(weights).toBe('700 read\n20 write');
    expect(refusal('@frequency freq', { freq: 'read 7\n' })[0]).toMatchObject({ file: 'freq' });
  });

  it('survive random bytes', () => {
    let state = 1;
    const next = (): number => {
      state = (state * 48271) % 2147483647;
      return state;
    };
    for (let i = 0; i < 1000; i++) {
      const bytes = Uint8Array.from({ length: 200 }, () => next() & 127);
      try {
        importPolicy(bytes, { from: 'minijail' });
      } catch (error) {
        expect(error).toBeInstanceOf(PolicyError);
      }
    }
  });
});
