import { describe, expect, it } from 'vitest';
import { HostMemory } from '../../../src/host/cached.js';
import type { FileInfo } from '../../../src/host/index.js';
import { fakeHost } from '../resolve/fake-host.js';

const info = { kind: 'directory', dev: 1n, ino: 2n, size: 0 } as unknown as FileInfo;

function counted(found: (path: string) => FileInfo | undefined = () => info) {
  const asked: string[] = [];
  const base = fakeHost();
  const look = (path: string) => {
    asked.push(path);
    return found(path);
  };
  const host = { ...base, files: { ...base.files, lstat: look, stat: look } };
  return { host, asked };
}

describe('a host with a memory', () => {
  it('asks about the system once, until a second is over', () => {
    let now = 5;
    const memory = new HostMemory(() => now);
    const { host, asked } = counted();
    for (let run = 0; run < 5; run++) {
      expect(memory.host(host).files.lstat('/usr/bin')).toBe(info);
      expect(memory.host(host).files.stat('/usr/bin')).toBe(info);
    }
    expect(asked).toEqual(['/usr/bin', '/usr/bin']);
    now += 1001;
    memory.host(host).files.lstat('/usr/bin');
    expect(asked).toHaveLength(3);
  });

  it('never remembers what users other than root can change, nor missing files', () => {
    const memory = new HostMemory(() => 0);
    const { host, asked } = counted((path) => (path.includes('missing') ? undefined : info));
    const paths = ['/home/user/x', '/tmp/usr', '/usrlocal', '/var/tmp', '/opt/x', '/usr/missing'];
    for (const path of [...paths, ...paths]) memory.host(host).files.stat(path);
    expect(asked).toEqual([...paths, ...paths]);
  });

  it('does not grow without end', () => {
    const memory = new HostMemory(() => 0);
    const { host, asked } = counted();
    for (let i = 0; i < 10_000; i++) memory.host(host).files.stat(`/usr/${i}`);
    memory.host(host).files.stat('/usr/1');
    expect(asked).toHaveLength(10_001);
  });
});
