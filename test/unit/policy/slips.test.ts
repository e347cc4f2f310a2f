/**
 * Slips of people who know another tool, each with the line that helps. The corrected line is not
 * only expected as text: it has to compile.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  compilePolicy,
  init,
  type PolicyDiagnostic,
  PolicyError,
} from '../../../src/policy/index.js';

beforeAll(() => init());

function errorsIn(text: string): readonly PolicyDiagnostic[] {
  try {
    compilePolicy({ text });
  } catch (error) {
    if (error instanceof PolicyError)
      return error.diagnostics.filter(({ severity }) => severity === 'error');
    throw error;
  }
  throw new Error(`${text} compiles`);
}

const corrected: readonly (readonly [string, string])[] = [
  ['allow socket(AF_UNIX)', 'allow socket where domain == AF_UNIX'],
  ['allow socket(AF_UNIX, _, 0)', 'allow socket where domain == AF_UNIX and protocol == 0'],
  ['allow getpid()', 'allow getpid'],
  ['allow socket if domain == AF_UNIX', 'allow socket where domain == AF_UNIX'],
  ['allow socket where domain = AF_UNIX', 'allow socket where domain == AF_UNIX'],
  ['allow socket where domain is AF_UNIX', 'allow socket where domain == AF_UNIX'],
  ['allow clone where flags has CLONE_NEWUSER', 'allow clone where flags & CLONE_NEWUSER'],
  [
    'allow socket where domain == AF_UNIX or domain == AF_INET',
    'allow socket where domain in [AF_UNIX, AF_INET]',
  ],
  [
    'allow socket where domain == AF_UNIX, AF_INET',
    'allow socket where domain in [AF_UNIX, AF_INET]',
  ],
  [
    'allow socket where domain in (AF_UNIX, AF_INET)',
    'allow socket where domain in [AF_UNIX, AF_INET]',
  ],
  ['allow socket where not domain == AF_UNIX', 'allow socket where domain != AF_UNIX'],
  ['allow mmap where !(prot & PROT_EXEC)', 'allow mmap where prot & PROT_EXEC == 0'],
  ['allow socket where AF_UNIX', 'allow socket where domain == AF_UNIX'],
  ['allow ioctl where arg[1] == 1', 'allow ioctl where arg1 == 1'],
  ['allow ioctl where request == "TIOCSTI"', 'allow ioctl where request == TIOCSTI'],
  ['allow read;', 'allow read'],
  ['allow read # it;\n// why', '# why'],
  ['allow read\n/* why */', '# why'],
  ['allow: read', 'allow read'],
  ['default: deny', 'default deny'],
  ['default = allow', 'default allow'],
  ['default deny(-EPERM)', 'default deny(EPERM)'],
  ['default deny mount', 'default deny'],
  ['deny EPERM read', 'deny(EPERM) read'],
  ['allow read and write', 'allow read write'],
  ['allow [read, write]', 'allow read, write'],
  ['allow *', 'default allow'],
  ['allow everything else', 'default allow'],
  ['permit read', 'allow read'],
  ['block read', 'deny read'],
  ['SCMP_ACT_ALLOW read', 'allow read'],
  ['allow sys_read', 'allow read'],
  ['allow __NR_read', 'allow read'],
  ['allow !mount', 'deny mount'],
  ['read', 'allow read'],
  ['@basic-io', 'allow @basic-io'],
  ['include default', 'include "default"'],
  ['kernel 5.10', 'kernel >= 5.10'],
  ['allow read when kernel 5.10', 'allow read when kernel >= 5.10'],
  ['target amd64', 'target x86_64'],
  ['target x86-64', 'target x86_64'],
  ['target x86_64, arm64', 'target x86_64, aarch64'],
  ['allow read on armhf', 'allow read on arm'],
];

describe('a slip', () => {
  it.each(corrected)('%s', (text, right) => {
    const errors = errorsIn(text);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.hint?.split('Write: ')[1]).toBe(right);
    expect(() => compilePolicy({ text: right })).not.toThrow();
  });

  it.each([
    ['{ "defaultAction": "SCMP_ACT_ERRNO" }', 'oci'],
    ['apiVersion: security-profiles-operator.x-k8s.io/v1beta1', 'spo'],
    ['POLICY p {\n  ALLOW { read }\n}', 'kafel'],
    ['read: 1\nwrite: 1', 'minijail'],
    ['[Service]\nSystemCallFilter=@system-service', 'systemd'],
    ['seccomp.drop mount', 'firejail'],
  ])('%s is the form of another tool', (text, tool) => {
    expect(errorsIn(text)[0]?.hint).toContain(`wasbox policy import --from ${tool} FILE`);
  });

  it('takes two rules for two conditions of different arguments', () => {
    const [error] = errorsIn('allow socket where domain == AF_UNIX or type == SOCK_RAW');
    expect(error?.hint).toBe('Write a rule for each of the two conditions.');
  });

  it('says where paths are limited if it has a path', () => {
    const [error] = errorsIn('allow open where pathname == "/etc/passwd"');
    expect(error?.hint).toMatch(/never sees a path.*--ro/);
  });

  it('elsewhere on the line does not explain another error', () => {
    const [error] = errorsIn('allow raed where fd == 1 and count == 2');
    expect(error?.hint).toBe('Did you mean `read`?');
  });

  it('names the usual architecture for an unknown one of an option', () => {
    const arch = 'amd64' as 'x86_64';
    expect(() => compilePolicy({ text: 'allow read' }, { arch })).toThrow(
      expect.objectContaining({ hint: 'Policies call it x86_64.' }),
    );
  });

  it('takes no long time in a long or strange line', () => {
    for (const text of [
      `allow socket where ${'not '.repeat(5000)}x`,
      `allow ${'sys_read '.repeat(5000)}`,
      `allow read${' '.repeat(900)}${'a,'.repeat(40)};;`,
      `${'in ('.repeat(200)}`,
      `${'/* '.repeat(300)}`,
    ])
      expect(errorsIn(text).length).toBeGreaterThan(0);
  });
});
