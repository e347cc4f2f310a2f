import { beforeAll, describe, expect, it } from 'vitest';
import { compilePolicy, init, PolicyError, widthText } from '../../../src/policy/index.js';

beforeAll(() => init());

function failure(text: string): PolicyError {
  try {
    compilePolicy({ name: 'test.policy', text });
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
  throw new Error('the policy compiled');
}

describe('compilePolicy', () => {
  it('gives a program for the built-in policy, without warnings', () => {
    for (const arch of ['x86_64', 'aarch64'] as const) {
      const compiled = compilePolicy({ builtin: 'default' }, { arch });
      expect(compiled.diagnostics).toEqual([]);
      expect(compiled.targets).toEqual([arch]);
      expect(compiled.bpf.length).toBe(compiled.instructions * 8);
      expect(compiled.instructions).toBeGreaterThan(50);
    }
  });

  it('reads includes from memory, the built-in policies among them', () => {
    const compiled = compilePolicy({
      text: 'include "lib/base.policy"\ninclude "default"\n',
      includes: { 'lib/base.policy': 'kill getpid\n' },
    });
    expect(compiled.rules[0]).toMatchObject({
      file: 'lib/base.policy',
      line: 1,
      text: 'kill getpid',
    });
  });

  it('gives the same bytes every time', () => {
    const once = compilePolicy({ builtin: 'default' }).bpf;
    expect(compilePolicy({ builtin: 'default' }).bpf).toEqual(once);
  });

  it('points at what is wrong, all of it in one pass', () => {
    const error = failure('allow opne read\nallow socket where domian == AF_UNIX\nallow @fiel\n');
    expect(error.code).toBe('ERR_POLICY_INVALID');
    expect(error.format()).toMatchInlineSnapshot(`
      "test.policy:1:7: error: unknown system call \`opne\`
          allow opne read
                ^^^^
          Did you mean \`open\`?
      test.policy:2:20: error: socket has no argument \`domian\`
          allow socket where domian == AF_UNIX
                             ^^^^^^
          Did you mean \`domain\`?
      test.policy:3:7: error: unknown group \`@fiel\`
          allow @fiel
                ^^^^^
          Did you mean \`@file\`?"
    `);
  });
});

describe('compared arguments', () => {
  it('have the width that the kernel reads, by command where it depends on one', () => {
    const text =
      'default allow\ndeny fcntl where arg == 100\ndeny mmap on x86_64 where fd == 3\n' +
      'deny prctl where option == PR_SET_TSC and arg2 == 1\n';
    const { compared } = compilePolicy({ text }, { arch: ['x86_64', 'i386'] });
    expect(compared.map(widthText)).toEqual([
      'compares fcntl arg (x86_64): 32 bits when cmd is F_DUPFD, F_SETFD, F_SETFL, F_SETOWN, F_SETSIG, 24, ' +
        'F_SETLEASE, F_NOTIFY, F_DUPFD_QUERY, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_ADD_SEALS; else 64',
      'compares fcntl arg (i386): 32 bits',
      'compares mmap fd (x86_64): 32 bits',
      'compares prctl option (x86_64, i386): 32 bits',
      expect.stringMatching(
        /^compares prctl arg2 \(x86_64\): 32 bits when option is .*PR_SET_TSC[^;]*$/,
      ),
      'compares prctl arg2 (i386): 32 bits',
    ]);
  });
});
