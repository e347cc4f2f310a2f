import { describe, expect, it } from 'vitest';
import { ownOf, resolveIsolation } from '../../../src/resolve/isolation.js';
import { fakeHost } from './fake-host.js';

const EPERM = 1;
const closed = (landlockAbi: number) => fakeHost({ namespacesErrno: EPERM, landlockAbi });

describe('the isolation of a run', () => {
  it('is namespaces wherever they work', () => {
    expect(resolveIsolation({}, fakeHost({ landlockAbi: 7 }))).toBe('namespaces');
    expect(resolveIsolation({ isolation: 'namespaces' }, closed(7))).toBe('namespaces');
  });

  it('is Landlock where they do not, and the run says so', () => {
    expect(resolveIsolation({}, closed(6))).toBe('landlock');
    expect(resolveIsolation({ isolation: 'landlock' }, fakeHost({ landlockAbi: 7 }))).toBe(
      'landlock',
    );
    expect(ownOf({ isolation: 'landlock' }).note).toContain('without namespaces');
    expect(ownOf({ isolation: 'namespaces' }).note).toBeUndefined();
  });

  it.each([
    ['processes', 11],
    ['memory', 12],
    ['namespaces of all users together', 28],
    ['open files', 24],
  ])('stays namespaces where %s are short', (_what, namespacesErrno) => {
    const host = fakeHost({ namespacesErrno, landlockAbi: 7 });
    expect(resolveIsolation({}, host)).toBe('namespaces');
  });

  it('is Landlock where the machine allows no namespaces at all', () => {
    const files = { '/proc/sys/user/max_user_namespaces': '0\n' };
    const host = fakeHost({ namespacesErrno: 28, landlockAbi: 7, files });
    expect(resolveIsolation({}, host)).toBe('landlock');
  });

  it('is never a Landlock that is off or too old', () => {
    for (const abi of [0, 1, 5]) {
      expect(resolveIsolation({}, closed(abi))).toBe('namespaces');
      expect(() => resolveIsolation({ isolation: 'landlock' }, closed(abi))).toThrow(
        expect.objectContaining({ code: 'ERR_KERNEL' }),
      );
    }
  });

  it('refuses what only a user namespace has', () => {
    for (const option of [{ root: true }, { home: 'cow' }] as const) {
      expect(() => resolveIsolation(option, closed(7))).toThrow(
        expect.objectContaining({ code: 'ERR_BACKEND' }),
      );
      expect(resolveIsolation(option, fakeHost())).toBe('namespaces');
    }
  });
});
