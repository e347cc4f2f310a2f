import { describe, expect, it } from 'vitest';
import { mountAt, refusal, resolve } from './support.js';

const proj = '/home/ann/proj';
const shared = { '/srv/shared/script.py': 'x' };

describe('who the payload is', () => {
  it('is the user', () => {
    expect(resolve({}).identity).toEqual({
      uid: 1000,
      gid: 1000,
      hostUid: 1000,
      hostGid: 1000,
      count: 1,
      name: 'ann',
      home: '/home/ann',
      idmap: false,
      privileged: false,
    });
  });

  it('sees itself as root with --root, and stays the user outside', () => {
    const { identity } = resolve({ root: true });
    expect(identity).toMatchObject({ uid: 0, gid: 0, hostUid: 1000, count: 1, name: 'root' });
  });

  it.each([0, 1, 3999])('is an unused id under root (block %i)', (random) => {
    const { identity } = resolve({}, { uid: 0, cwd: '/srv/shared', files: shared, random });
    expect(identity).toMatchObject({ uid: 0, gid: 0, count: 65_536, idmap: true, home: '/root' });
    expect(identity.hostUid).toBe(1_879_048_192 + 65_536 * random);
    expect(identity.hostGid).toBe(identity.hostUid);
    expect(identity.hostUid + 65_535).toBeLessThan(2_147_483_647);
  });

  it('notes as root that the program cannot change a directory of another user', () => {
    const note = (uid: number, cwd: string) =>
      resolve({}, { uid, cwd, files: shared }).notes.join();
    expect(note(0, proj)).toContain('belongs to ann, and the program cannot change it');
    expect(note(0, proj)).toContain('sudo -u ann wasbox run');
    expect([note(0, '/srv/shared'), note(1000, proj)]).toEqual(['', '']);
  });

  it('is the user behind sudo in a directory of theirs', () => {
    const env = { SUDO_UID: '1000', SUDO_GID: '1000' };
    const { identity } = resolve({}, { uid: 0, env, cwd: proj });
    expect(identity).toMatchObject({ uid: 1000, hostUid: 1000, hostGid: 1000, count: 1 });
    expect(identity).toMatchObject({ idmap: false, name: 'ann', home: '/home/ann' });
  });

  it.each([
    ['elsewhere', { SUDO_UID: '1000' }, '/srv/shared'],
    ['as root', { SUDO_UID: '0', SUDO_GID: '0' }, proj],
    ['with nonsense', { SUDO_UID: '1000x' }, proj],
    ['with a number out of range', { SUDO_UID: '4294967295' }, proj],
  ])('is not the user behind sudo %s', (_what, env, cwd) => {
    const { identity } = resolve({}, { uid: 0, env, cwd, files: shared });
    expect(identity.hostUid).toBeGreaterThanOrEqual(1_879_048_192);
  });

  it('is never host uid 0', () => {
    for (const env of [{}, { SUDO_UID: '1000', SUDO_GID: '0' }, { SUDO_UID: '-1' }]) {
      for (const root of [true, false]) {
        const { identity } = resolve({ root }, { uid: 0, env, cwd: proj });
        expect(identity.hostUid).toBeGreaterThan(0);
        expect(identity.hostGid).toBeGreaterThan(0);
      }
    }
  });

  it('keeps the home of the user behind sudo from being shown', () => {
    const env = { SUDO_UID: '1000' };
    expect(refusal({ workdir: '/home' }, { uid: 0, env }).code).toBe('ERR_WORKDIR');
  });

  it.each(['/usr/sbin', '/', '/dev/null', 'relative', '/run/x', '/tmp'])(
    'gets a home of its own where its account has %s',
    (home) => {
      const users = { 1000: { name: 'svc', gid: 1000, home, shell: '/bin/sh' } };
      const spec = resolve({}, { users, env: { HOME: home }, cwd: '/srv/shared', files: shared });
      expect([spec.identity.home, spec.env.HOME]).toEqual(['/home/svc', '/home/svc']);
      expect(mountAt(spec, '/home/svc')?.type).toBe('private');
    },
  );

  it('has a name without an account', () => {
    const { identity } = resolve({}, { users: {} });
    expect(identity).toMatchObject({ name: 'user1000', home: '/home/ann' });
  });
});
