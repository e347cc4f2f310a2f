/** Tests what a worker accepts as a job: the data come from a sender that it does not trust. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultLimits, limitsOf, networkOf } from '../../../src/bullmq/caps.js';
import { isPlainPath, readJob } from '../../../src/bullmq/schema.js';
import { isWasboxError, type UsageError } from '../../../src/index.js';
import { validateRunOptions } from '../../../src/options/index.js';

const size = { maxBytes: 1000, maxFiles: 2 };
const refusal = (data: unknown): string => {
  try {
    readJob(data, size);
  } catch (error) {
    if (isWasboxError(error) && error.code === 'ERR_JOB') return error.message;
    throw error;
  }
  return 'accepted';
};

describe('readJob', () => {
  it('takes what the types say', () => {
    const jobs = [
      { code: 'print(1)' },
      { code: '', lang: 'c++', args: ['a', ''], net: ['example.org:443'] },
      { argv: ['make', '-j'], files: { 'a/b': 'x', c: { base64: 'AP8=', executable: true } } },
      {
        code: ':',
        stdin: { base64: '' },
        env: { A_1: 'x=y' },
        limits: { timeoutMs: 3_000_000_000 },
      },
      { code: ':', encoding: 'base64', stream: true, net: 'none', limits: {} },
    ];
    for (const job of jobs) expect(readJob(job, size)).toEqual(job);
  });

  it.each([
    [undefined, 'must be an object'],
    [null, 'must be an object'],
    [[], 'must be an object'],
    ['print(1)', 'must be an object'],
    [{}, 'code: must be string'],
    [{ code: 1 }, 'code: must be string'],
    [{ code: 'a\0b' }, 'code: must not contain a NUL'],
    [{ code: 'x', argv: ['x'] }, 'both code and argv'],
    [{ argv: [] }, 'argv: must be at least 1'],
    [{ argv: [''] }, 'argv: must begin with a program'],
    [{ argv: ['-c', 'x'] }, 'argv: must begin with a program'],
    [{ argv: 'ls' }, 'argv: must be array'],
    [{ argv: ['ls'], lang: 'sh' }, 'unknown property "lang"'],
    [{ code: 'x', rw: ['/'] }, 'unknown property "rw"'],
    [{ code: 'x', workdir: '/' }, 'unknown property "workdir"'],
    [{ code: 'x', lang: '/bin/sh' }, 'lang: is not the name of a language'],
    [{ code: 'x', env: { 'A=B': '' } }, 'env.A=B: is not a variable name'],
    [{ code: 'x', env: { A: true } }, 'env.A: must be string'],
    [{ code: 'x', limits: { nice: 1 } }, 'unknown property "nice"'],
    [{ code: 'x', net: 'internet,host' }, 'net: is malformed'],
    [{ code: 'x', files: { a: { base64: '!' } } }, 'files.a'],
    [{ code: 'x', files: { '../a': '' } }, '"../a" is not a path'],
    [{ code: 'x', files: { a: '', b: '', c: '' } }, '3 files; this worker takes 2'],
    [{ code: 'x'.repeat(1001) }, '1005 bytes; this worker takes 1000'],
    [{ code: 'x', files: { a: 'é'.repeat(600) } }, 'bytes; this worker takes 1000'],
  ])('refuses %j', (data, message) => {
    expect(refusal(data)).toContain(message);
  });

  it.each([
    { memoryBytes: 0 },
    { pids: 1.5 },
    { pids: 1e300 },
    { timeoutMs: 0 },
    { cpuMs: '\u001b' },
  ])('refuses the limits %j in the words of run()', (limits) => {
    const thrown = (check: () => unknown) => {
      try {
        check();
      } catch (error) {
        const { code, message, hint } = error as UsageError;
        return { code, message, hint };
      }
      return undefined;
    };
    const told = thrown(() => readJob({ code: 'x', limits }, size));
    expect(told).toEqual(thrown(() => validateRunOptions(limits)));
    expect(told?.code).toBe('ERR_OPTION_VALUE');
  });

  it('refuses what is nested too deep to be looked at', () => {
    let nested: unknown = 'x';
    for (let depth = 0; depth < 100_000; depth += 1) nested = [nested];
    expect(refusal({ code: 'x', args: nested })).toContain('nested too deep');
  });

  it('says it without control characters of the sender, and not at length', () => {
    const message = refusal({ code: 'x', [`\u001b[2J${'y'.repeat(900)}`]: 1 });
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(400);
  });

  it('answers any JSON with a job or ERR_JOB', () => {
    const key = fc.constantFrom('code', 'argv', 'lang', 'files', 'env', 'limits', 'net', 'stdin');
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue())), (data) => {
        expect(typeof refusal(data)).toBe('string');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('isPlainPath', () => {
  it.each(['a', 'a/b.c', '...', 'a b', '-x'])('takes %j', (path) => {
    expect(isPlainPath(path)).toBe(true);
  });
  it.each(['', '/', '/a', 'a/', 'a//b', '.', './a', 'a/..', '../a', 'a\0', 'x'.repeat(256)])(
    'refuses %j',
    (path) => {
      expect(isPlainPath(path)).toBe(false);
    },
  );
});

describe('limits', () => {
  const most = { ...defaultLimits, memoryBytes: 2 ** 30 };

  it('are the defaults, or what the job asks for up to the most', () => {
    expect(limitsOf({ code: '' }, defaultLimits, most)).toEqual(defaultLimits);
    const asked = { timeoutMs: 1, memoryBytes: 2 ** 30 };
    expect(limitsOf({ code: '', limits: asked }, defaultLimits, most)).toEqual({
      ...defaultLimits,
      ...asked,
    });
  });

  it.each(Object.keys(defaultLimits))('never exceed what the worker allows of %s', (name) => {
    const value = most[name as keyof typeof most] + 1;
    expect(() => limitsOf({ code: '', limits: { [name]: value } }, defaultLimits, most)).toThrow(
      `limits.${name}: ${value} is more than this worker allows`,
    );
  });
});

describe('network', () => {
  const net = (
    asked: 'none' | 'internet' | 'host' | string[] | undefined,
    may: string | string[],
  ) => networkOf(asked === undefined ? { code: '' } : { code: '', net: asked }, may);

  it('is none unless the job asks', () => {
    for (const may of ['none', 'host', 'internet', ['a.example:1']]) {
      expect(net(undefined, may)).toBe('none');
      expect(net([], may)).toBe('none');
    }
  });

  it('is what the job asks for, where the worker allows it', () => {
    expect(net('host', 'host')).toBe('host');
    expect(net('internet', 'internet')).toEqual(['internet']);
    expect(net('internet', 'host')).toEqual(['internet']);
    expect(net(['10.0.0.1:80'], 'host')).toEqual(['10.0.0.1:80']);
    expect(net(['A.example:443'], 'a.example:443,b.example')).toEqual(['a.example:443']);
  });

  it.each([
    ['host', 'none'],
    ['host', 'internet'],
    ['internet', 'a.example:443'],
    [['a.example:444'], 'a.example:443'],
    [['a.example'], 'a.example:443'],
    // A name may resolve to an address that is not of the internet, so it is not known to be part of it.
    [['a.example:443'], 'internet'],
    [['127.0.0.1:80'], 'internet'],
    [['localhost:6379'], ['internet', 'a.example']],
    [['host'], 'internet'],
    [['a.example:443,b.example'], 'a.example:443'],
  ] as const)('%j is refused where %j is allowed', (asked, may) => {
    expect(() => net(asked as 'host', may as string)).toThrow('is not allowed by this worker');
  });

  it('a rule that is none is an invalid job', () => {
    expect(() => net(['http://x/'], 'host')).toThrow('invalid job');
  });
});
