/** A link that an untrusted directory brings decides nothing outside of it. */
import { describe, expect, it } from 'vitest';
import { untrustedLink } from '../../../src/resolve/untrusted-link.js';
import { directory, type FakeEntry, type FakeMachine, fakeHost } from './fake-host.js';
import { mountAt, refusal, resolve } from './support.js';

const proj = '/home/ann/proj';
const files: Record<string, FakeEntry> = {
  [`${proj}/conf`]: { link: '../.ssh' },
  [`${proj}/far`]: { link: 'near/../conf/.' },
  [`${proj}/near`]: directory,
  [`${proj}/near/up`]: { link: '../src' },
  [`${proj}/src`]: directory,
  [`${proj}/key`]: { link: '/home/ann/.ssh/id_ed25519' },
  [`${proj}/gone`]: { link: '../.missing/file' },
  [`${proj}/sys`]: { link: '/usr/lib' },
  '/srv/cow/out': { link: '/home/ann/.ssh' },
  '/srv/mine': { link: '/home/ann/.ssh' },
  '/home/ann/dir': { link: '/srv/dir' },
  '/srv/dir/conf': { link: '/home/ann/.ssh' },
};
const machine: FakeMachine = { files };

describe('untrustedLink', () => {
  const host = fakeHost(machine);
  const at = (path: string) => untrustedLink(host, path, [proj]);

  it('names the link and the end of the way, also through several links and directories', () => {
    const out = { directory: proj, to: '/home/ann/.ssh' };
    expect(at(`${proj}/conf`)).toEqual({ ...out, link: `${proj}/conf` });
    expect(at(`${proj}/far`)).toEqual({ ...out, link: `${proj}/far` });
    expect(at(`${proj}/conf/id`)?.to).toBe('/home/ann/.ssh/id');
    expect(at(`${proj}/gone`)?.to).toBe('/home/ann/.missing/file');
  });

  it('takes no offence at links that stay inside, nor at those of other directories', () => {
    for (const path of [`${proj}/near/up`, `${proj}/near/up/x`, proj, '/srv/mine', '/bin/sh'])
      expect(at(path)).toBeUndefined();
  });
});

const message = `the link ${proj}/conf points outside ${proj}, to /home/ann/.ssh`;

describe('options', () => {
  it.each(['--ro', '--rw', '--cow', '--socket'])('%s', (option) => {
    const property = option.slice(2);
    for (const path of ['conf', `${proj}/conf`, './near/../conf', 'conf/.']) {
      const error = refusal({ [property]: [path] }, machine);
      expect([error.code, error.message]).toEqual(['ERR_PATH', `${option} ${path}: ${message}`]);
      expect(error.hint).toContain(`\n  ${option} /home/ann/.ssh`);
    }
    expect(refusal({ [property]: ['key'] }, machine).message).toContain('id_ed25519');
  });

  it('--ro PATH:DEST, for either', () => {
    expect(refusal({ ro: ['conf:/mnt'] }, machine).hint).toContain('--ro /home/ann/.ssh:/mnt');
    const dest = refusal({ ro: [`/srv/dir:${proj}/conf`] }, machine);
    expect(dest.message).toContain(message);
  });

  it('show what the user names by its own path, by own links, or by links that stay inside', () => {
    for (const path of ['/home/ann/.ssh', '/srv/mine', `${proj}/near/up`]) {
      expect(() => resolve({ ro: [path] }, machine)).not.toThrow();
    }
    expect(mountAt(resolve({ ro: ['/srv/mine'] }, machine), '/home/ann/.ssh')).toMatchObject({
      source: '/home/ann/.ssh',
    });
  });

  it('--ro of what is shown read-only anyway shows nothing more', () => {
    expect(() => resolve({ ro: ['sys'] }, machine)).not.toThrow();
    expect(refusal({ rw: ['sys'] }, machine).message).toContain('points outside');
  });

  it('treats links in --rw and --cow directories the same way', () => {
    for (const given of [{ rw: ['/srv/cow'] }, { cow: ['/srv/cow'] }]) {
      const error = refusal({ ...given, ro: ['/srv/cow/out'] }, machine);
      expect(error.message).toContain('/srv/cow/out points outside /srv/cow');
    }
    // Control: a directory that is not given away is the user's own.
    expect(() => resolve({ ro: ['/srv/cow/out'] }, machine)).not.toThrow();
  });

  it('--hide and --policy; a profile can only tighten then (profile.test.ts)', () => {
    expect(refusal({ hide: ['conf'] }, machine).message).toBe(`--hide conf: ${message}`);
    expect(refusal({ policy: 'conf/id' }, machine).message).toContain('points outside');
  });

  it('--workdir, where the current directory brings the link and is not home', () => {
    const error = refusal({ workdir: 'conf' }, { ...machine, cwd: '/srv/dir' });
    expect([error.code, error.message]).toEqual([
      'ERR_WORKDIR',
      '--workdir conf: the link /srv/dir/conf points outside /srv/dir, to /home/ann/.ssh',
    ]);
    expect(error.hint).toContain('--workdir /home/ann/.ssh');
    const own = resolve({ workdir: 'dir', command: 'sh' }, { ...machine, cwd: '/home/ann' });
    expect(own.realCwd).toBe('/srv/dir');
  });

  it('the current directory around --workdir is as untrusted, unless it is home', () => {
    const error = refusal({ workdir: 'src', ro: ['conf'], command: 'sh' }, machine);
    expect(error.message).toContain(message);
    const own = { workdir: 'proj', ro: ['dir'], command: 'sh' };
    expect(() => resolve(own, { ...machine, cwd: '/home/ann' })).not.toThrow();
  });
});
