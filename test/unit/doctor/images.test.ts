import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { imagesFinding } from '../../../src/doctor/images.js';
import { type Host, type HostFacts, realHost } from '../../../src/host/index.js';

const state = tmpdir();

function hostWith(subuid: string | undefined): Host {
  const host = realHost();
  const bytes = subuid === undefined ? undefined : new TextEncoder().encode(subuid);
  return {
    ...host,
    uid: 1000,
    userById: () => ({ name: 'ann', gid: 1000, home: '/home/ann', shell: '/bin/sh' }),
    files: { ...host.files, read: (path) => (path === '/etc/subuid' ? bytes : undefined) },
  };
}

const facts = (kernel: string) => ({ kernel }) as unknown as HostFacts;
const found = (kernel: string, subuid?: string, overlayErrno = 0) =>
  imagesFinding(hostWith(subuid), facts(kernel), state, overlayErrno);

describe('the part of doctor about images', () => {
  it('says where they are, and how much space is left', () => {
    const { detail } = found('6.12.0');
    expect(detail).toContain(`stored in ${state}/images (`);
    expect(detail).toMatch(/\(\S.*, \d+\.\d GiB free\); one user ID inside$/);
  });

  it('says which subordinate ids the user has', () => {
    const ranges = 'bob:1:7\nann:100000:65536\n1000:300000:1000\nann:bad\n';
    expect(found('6.12.0', ranges).detail).toContain('the 66536 of /etc/subuid are not used');
    expect(found('6.12.0', 'bob:1:7\n').detail).not.toContain('subuid');
  });

  it('says what an older kernel cannot do, and what there has to be', () => {
    expect(found('6.1.0-28-amd64')).toMatchObject({
      verdict: 'degraded',
      fix: expect.stringMatching(/space|6\.6/),
    });
    expect(found('6.12.0', undefined, 1)).toMatchObject({
      verdict: 'missing',
      detail: 'their layers need overlayfs in a user namespace',
    });
  });
});
