import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realHost } from '../../../src/spec/index.js';
import { mountAt, resolve } from './support.js';

const files = {
  '/srv/data/agent': { other: true },
  '/srv/data/more/agent': { other: true },
} as const;

describe('sockets of the host', () => {
  it('in a directory shown read-only are hidden, wherever it appears', () => {
    const spec = resolve({ ro: ['/srv/data:/mnt'] }, { files });
    expect(mountAt(spec, '/mnt/agent')).toMatchObject({ type: 'hide' });
    expect(mountAt(spec, '/mnt/more/agent')).toMatchObject({ type: 'hide' });
  });

  it('stay where the user names one, or gives the directory away', () => {
    const named = resolve({ ro: ['/srv/data/agent'] }, { files });
    expect(mountAt(named, '/srv/data/agent')).toMatchObject({ type: 'bind' });
    const writable = resolve({ rw: ['/srv/data'] }, { files });
    expect(mountAt(writable, '/srv/data/agent')).toBeUndefined();
  });
});

describe('realHost().files.sockets', () => {
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
      const { sockets } = realHost().files;
      expect(sockets(base, 1000)).toEqual([join(base, 'near'), join(base, 'a', 'b', 'deep')]);
      expect(sockets(base, 23)).toEqual([join(base, 'near')]);
      expect(sockets(join(base, 'none'), 1000)).toEqual([]);
    } finally {
      server.close();
      deep.close();
      rmSync(base, { recursive: true });
    }
  });
});
