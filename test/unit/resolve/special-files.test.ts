import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realHost } from '../../../src/host/index.js';
import { mountAt, refusal, resolve } from './support.js';

const files = {
  '/srv/data/agent': { other: true },
  '/srv/data/pipe': { other: 'pipe' },
  '/srv/data/more/agent': { other: true },
} as const;

describe('sockets and pipes of the host', () => {
  it('in a directory shown read-only are hidden, wherever it appears', () => {
    const spec = resolve({ ro: ['/srv/data:/mnt'] }, { files });
    expect(mountAt(spec, '/mnt/agent')).toMatchObject({ type: 'hidden' });
    expect(mountAt(spec, '/mnt/more/agent')).toMatchObject({ type: 'hidden' });
    expect(mountAt(spec, '/mnt/pipe')).toMatchObject({ type: 'hidden' });
  });

  it('stay where the user names a socket, or gives the directory away', () => {
    const named = resolve({ socket: ['/srv/data/agent'] }, { files });
    expect(mountAt(named, '/srv/data/agent')).toMatchObject({ type: 'host' });
    const writable = resolve({ rw: ['/srv/data', '/srv/data/pipe:/mnt/pipe'] }, { files });
    expect(mountAt(writable, '/srv/data/agent')).toBeUndefined();
    expect(mountAt(writable, '/mnt/pipe')).toMatchObject({ type: 'host' });
  });

  it('are refused by themselves where read-only would be a lie', () => {
    expect(refusal({ ro: ['/srv/data/agent'] }, { files }).hint).toContain(
      '--socket /srv/data/agent',
    );
    const pipe = refusal({ ro: ['/srv/data/pipe:/mnt/p'] }, { files });
    expect([pipe.code, pipe.hint]).toEqual(['ERR_PATH', expect.stringContaining('--rw')]);
    expect(refusal({ socket: ['/srv/data/pipe'] }, { files }).message).toContain(
      'not a UNIX socket',
    );
  });
});

describe('realHost().files.specials', () => {
  it('finds them nearest first, follows no symlink, and stops at the limit', async () => {
    const base = mkdtempSync(join(tmpdir(), 'wasbox-sockets-'));
    const server = createServer();
    const deep = createServer();
    try {
      mkdirSync(join(base, 'a', 'b'), { recursive: true });
      for (let n = 0; n < 20; n++) writeFileSync(join(base, `file${n}`), '');
      symlinkSync(join(base, 'a'), join(base, 'link'));
      await new Promise<void>((done) => deep.listen(join(base, 'a', 'b', 'deep'), done));
      await new Promise<void>((done) => server.listen(join(base, 'near'), done));
      const { specials } = realHost().files;
      execFileSync('mkfifo', [join(base, 'a', 'pipe')]);
      const [socket, pipe] = ['socket', 'pipe'] as const;
      expect(specials(base, 1000)).toEqual([
        { path: join(base, 'near'), kind: socket },
        { path: join(base, 'a', 'pipe'), kind: pipe },
        { path: join(base, 'a', 'b', 'deep'), kind: socket },
      ]);
      expect(specials(base, 23)).toEqual([{ path: join(base, 'near'), kind: socket }]);
      expect(specials(join(base, 'none'), 1000)).toEqual([]);
    } finally {
      server.close();
      deep.close();
      rmSync(base, { recursive: true });
    }
  });
});
