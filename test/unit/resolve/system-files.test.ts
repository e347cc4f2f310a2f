/** Files of the system that the sandbox shows with a content or owner of their own. */
import { describe, expect, it } from 'vitest';
import { recordedHost } from '../../../src/host/recorded.js';
import { resolveSpec } from '../../../src/resolve/resolve.js';
import type { SandboxSpec } from '../../../src/resolve/spec.js';
import { type FakeEntry, type FakeMachine, fakeHost } from './fake-host.js';
import { mountAt, resolve } from './support.js';

const textAt = (spec: SandboxSpec, path: string): string | undefined => {
  const mount = mountAt(spec, path);
  return mount?.type === 'file' && mount.covers ? Buffer.from(mount.content).toString() : undefined;
};

describe('/etc/hosts', () => {
  const hosts = '127.0.0.1 localhost\n127.0.1.1 machine.example.org machine';
  const machine: FakeMachine = { files: { '/etc/hosts': hosts } };

  it('names the sandbox first, and holds what the host has', () => {
    const spec = resolve({}, machine);
    const text = textAt(spec, '/etc/hosts');
    expect(text).toBe(`127.0.1.1\t${spec.hostname}\n${hosts}\n::1\t${spec.hostname}\n`);
  });

  it('is covered where a link leads to, if that is shown', () => {
    const linked = (to: string) =>
      resolve({}, { files: { '/etc/hosts': { link: to }, [to]: hosts } });
    expect(textAt(linked('/usr/lib/hosts'), '/usr/lib/hosts')).toContain('machine');
    expect(textAt(linked('/run/hosts'), '/run/hosts')).toBeUndefined();
  });

  it('stays the host’s where there is none, a huge one, or another was asked for', () => {
    expect(textAt(resolve({}), '/etc/hosts')).toBeUndefined();
    const huge = { files: { '/etc/hosts': 'x'.repeat(300_000) } };
    expect(textAt(resolve({}, huge), '/etc/hosts')).toBeUndefined();
    expect(textAt(resolve({ hide: ['/etc/hosts'] }, machine), '/etc/hosts')).toBeUndefined();
    const other = { files: { ...machine.files, '/srv/hosts': '', '/srv/etc/x': '' } };
    expect(textAt(resolve({ ro: ['/srv/hosts:/etc/hosts'] }, other), '/etc/hosts')).toBeUndefined();
    expect(textAt(resolve({ ro: ['/srv/etc:/etc'] }, other), '/etc/hosts')).toBeUndefined();
  });
});

describe('a file that ssh’s configuration includes', () => {
  const d = '/etc/ssh/ssh_config.d';
  const files: Record<string, FakeEntry> = {
    '/etc/ssh/ssh_config': `# Include /etc/passwd\nInclude ${d}/*.conf other "with blank"\nHost *\n`,
    [`${d}/10-a.conf`]: 'include=/usr/lib/crypto.config\nInclude /etc/ssh/ssh_config\n',
    [`${d}/20-b.conf`]: { link: '../../../usr/lib/b.conf' },
    [`${d}/30-own.conf`]: { text: 'mine', uid: 1000 },
    [`${d}/40-loose.conf`]: { text: 'loose', mode: 0o666 },
    [`${d}/README`]: 'no',
    '/usr/lib/b.conf': 'Host b\n',
    '/usr/lib/crypto.config': 'Ciphers x\n',
    '/etc/ssh/other': 'Host c\n',
    '/etc/ssh/with blank': 'Host d\n',
  };

  it('belongs to the payload, in a copy of each file that belongs to root', () => {
    const spec = resolve({}, { files });
    const covered = spec.views.flatMap((mount) =>
      mount.type === 'file' && mount.covers ? [mount.target] : [],
    );
    expect(covered.sort()).toEqual(
      [
        '/etc/ssh/other',
        `${d}/10-a.conf`,
        '/etc/ssh/with blank',
        '/usr/lib/b.conf',
        '/usr/lib/crypto.config',
      ].sort(),
    );
    expect(textAt(spec, '/usr/lib/b.conf')).toBe('Host b\n');
  });

  it('is bounded', () => {
    const many = Array.from({ length: 99 }, (_, i) => [`${d}/${i}.conf`, 'x'] as const);
    const spec = resolve({}, { files: { ...files, ...Object.fromEntries(many) } });
    expect(spec.views.filter(({ type }) => type === 'file').length).toBeLessThan(32);
  });

  it('is asked for in ways that a start without Node can repeat', () => {
    const recording = recordedHost(fakeHost({ files }));
    resolveSpec({ command: 'script.py' }, recording.host);
    expect(recording.obstacle()).toBeUndefined();
    expect(recording.reads()).toContainEqual(expect.objectContaining({ kind: 'list', path: d }));
  });
});
