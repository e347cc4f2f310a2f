/** Lints: what is valid and hardly meant. Each with a policy that is meant so, which must be quiet. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  builtinNames,
  init,
  lintPolicy,
  PolicyError,
  simulate,
} from '../../../src/policy/index.js';

beforeAll(() => init());

const found = (text: string) =>
  lintPolicy({ name: 'p', text }).map(({ code, line, message }) => `${code} ${line}: ${message}`);

const head = 'target x86_64\ndefault errno(EPERM)\n';

describe('a lint', () => {
  it.each<[string, string, readonly string[]]>([
    [
      'no default',
      'target x86_64\nallow read\n',
      ['no-default 1: no `default`, so calls that no rule names get errno(EPERM)'],
    ],
    ['a default', `${head}allow read\n`, []],
    ['a default in an included policy', 'include "default"\nallow mount\n', []],
    [
      'a default that is only in a comment',
      'allow read # default allow\n',
      ['no-default 1: no `default`, so calls that no rule names get errno(EPERM)'],
    ],
    [
      'arg2 of prctl',
      `${head}allow prctl where arg2 == 9\n`,
      ['argument-number 3: `arg2` is the second argument of prctl, which the kernel calls so'],
    ],
    ['arg1 of prctl', `${head}allow prctl where arg1 == 9\n`, []],
    [
      'arg2 of keyctl and arch_prctl',
      `${head}allow keyctl where arg3 == 9\nallow arch_prctl where arg2 == 1\n`,
      [
        'argument-number 3: `arg3` is the third argument of keyctl, which the kernel calls so',
        'argument-number 4: `arg2` is the second argument of arch_prctl, which the kernel calls so',
      ],
    ],
    ['arg2 of write', `${head}allow write where arg2 == 9\n`, []],
    [
      'values joined after in',
      `${head}allow ioctl where request in TCGETS|TIOCGWINSZ\n`,
      ['joined-values 3: `TCGETS|TIOCGWINSZ` is one number, so only that number is in it'],
    ],
    ['values in a list', `${head}allow ioctl where request in [TCGETS, TIOCGWINSZ]\n`, []],
    [
      'a socket type without its flags',
      `${head}allow socket where domain == AF_UNIX and type == SOCK_STREAM\n`,
      [
        'socket-flags 3: allows socket for a type alone, but not with SOCK_CLOEXEC, which most programs add',
      ],
    ],
    [
      'a socket type without its flags, masked',
      `${head}allow socket where type & 0xf == SOCK_STREAM\n`,
      [],
    ],
    [
      'a socket type that flags evade',
      'target x86_64\ndefault allow\ndeny socket where type == SOCK_RAW\n',
      ['socket-flags 3: refuses socket for a type alone: with SOCK_CLOEXEC it is allowed'],
    ],
    [
      'mmap without mprotect',
      'target x86_64\ndefault allow\ndeny mmap where prot & PROT_EXEC\n',
      [
        'sibling 3: refuses executable memory to mmap, but mprotect, pkey_mprotect and shmat with SHM_EXEC can still make it',
      ],
    ],
    [
      'all that make memory executable',
      'target x86_64\ndefault allow\ndeny mmap, mprotect, pkey_mprotect where prot & PROT_EXEC\ndeny shmat where shmflg & SHM_EXEC\n',
      [],
    ],
    [
      'a call that is missing, so that programs use its sibling',
      'target x86_64\ndefault allow\ndeny(ENOSYS) openat2\n',
      [],
    ],
    [
      'open without its siblings',
      'target x86_64\ndefault allow\ndeny open\n',
      ['sibling 3: refuses open, but openat, openat2 and creat do the same and are allowed'],
    ],
    [
      'chmod of some modes, and other ways to it',
      'target x86_64\ndefault allow\ndeny chmod, fchmodat where mode & 0o4000\n',
      [
        'sibling 3: refuses chmod, but fchmod and fchmodat2 do the same and are allowed',
        'sibling 3: refuses fchmodat, but fchmod and fchmodat2 do the same and are allowed',
      ],
    ],
    [
      'the whole family of chmod',
      'target x86_64\ndefault allow\ndeny chmod, fchmod, fchmodat, fchmodat2\n',
      [],
    ],
    ['a family that the default refuses', `${head}allow openat\n`, []],
    [
      'unshare without clone',
      'target x86_64\ndefault allow\ndeny unshare where unshare_flags & CLONE_NEWUSER\n',
      ['sibling 3: refuses unshare with CLONE_NEWUSER, but clone with CLONE_NEWUSER is allowed'],
    ],
  ])('%s', (_, text, wanted) => {
    expect(found(text)).toEqual(wanted);
  });

  it.each(['default', 'net-guard', 'set-id-guard', 'terminal-guard'])(
    'has nothing to say of %s',
    (builtin) => {
      expect(builtinNames()).toContain(builtin);
      expect(lintPolicy({ builtin }, { arch: ['x86_64', 'aarch64'] })).toEqual([]);
    },
  );

  it('tells the truth about what a rule compares of arguments', () => {
    const text = `${head}allow prctl where arg2 == 9\n`;
    const decided = (...args: number[]) => simulate({ text }, { call: 'prctl', args }).actionText;
    expect([decided(0, 9, 0), decided(0, 0, 9)]).toEqual(['allow', 'errno(EPERM)']);
    const [remark] = lintPolicy({ text });
    expect(remark).toMatchObject({ line: 3, column: 19, length: 4 });
    expect(remark?.hint).toBe(
      '`arg1` is the same argument, counted from 0 like those of other calls. The third argument is `arg3`.',
    );
  });

  it('keeps its place behind characters of several bytes', () => {
    const text = `${head}allow read # größer\nallow prctl # öäü\n      where arg2 == 9\n`;
    expect(lintPolicy({ text })).toMatchObject([{ line: 5, column: 13, length: 4 }]);
  });

  it('is not given for a policy with errors', () => {
    expect(() => lintPolicy({ text: 'alow read' })).toThrow(PolicyError);
  });
});
