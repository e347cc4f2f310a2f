import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realHost } from '../../../src/host/node.js';

let base = '';
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'wasbox-host-'));
  mkdirSync(join(base, 'dir'));
  writeFileSync(join(base, 'dir/file'), 'x'.repeat(10_000));
  symlinkSync('dir/file', join(base, 'link'));
  symlinkSync('loop', join(base, 'loop'));
  execFileSync('mkfifo', [join(base, 'fifo')]);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('the real host', () => {
  const host = realHost();
  const { files } = host;

  it('tells kinds apart, with and without following links', () => {
    expect(files.lstat(join(base, 'link'))?.kind).toBe('symlink');
    expect(files.stat(join(base, 'link'))).toMatchObject({ kind: 'file' });
    expect(files.stat(join(base, 'dir'))?.kind).toBe('directory');
    expect(files.stat(join(base, 'fifo'))?.kind).toBe('other');
    expect(files.readlink(join(base, 'link'))).toBe('dir/file');
  });

  it('gives undefined for missing files', () => {
    for (const name of ['gone', 'dir/file/below', 'loop', 'x'.repeat(300)]) {
      expect(files.stat(join(base, name))).toBeUndefined();
      expect(files.realpath(join(base, name))).toBeUndefined();
      expect(files.read(join(base, name), 10)).toBeUndefined();
      expect(files.list(join(base, name))).toEqual([]);
    }
  });

  it('reads no more than asked, and does not wait for a FIFO', () => {
    expect(files.read(join(base, 'link'), 5)?.length).toBe(5);
    expect(files.read(join(base, 'link'), 1 << 20)?.length).toBe(10_000);
    expect(files.read(join(base, 'fifo'), 5)).toBeUndefined();
    expect(files.read(join(base, 'dir'), 5)).toBeUndefined();
  });

  it('reads files of /proc, whose size is 0', () => {
    expect(files.read('/proc/self/status', 1 << 16)?.length).toBeGreaterThan(100);
  });

  it('knows the user', () => {
    expect(host.userById(0)?.home).toBe('/root');
    expect(host.userById(4_000_000_000)).toBeUndefined();
    for (let round = 0; round < 100; round++) expect(host.random(3)).toBeLessThan(3);
  });

  it('reads all of stdin, and leaves the descriptor blocking', () => {
    const script = `
      const { realHost } = await import(process.argv[1]);
      const { readFileSync } = await import('node:fs');
      const host = realHost();
      const bytes = host.readStdin(1 << 24);
      const flags = /flags:\\s*(\\d+)/.exec(readFileSync('/proc/self/fdinfo/0', 'utf8'))[1];
      console.log(bytes?.length, (parseInt(flags, 8) & 0o4000) === 0, host.readStdin(9)?.length);`;
    const outfile = join(base, 'host.mjs');
    buildSync({
      entryPoints: ['src/host/node.ts'],
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
      outfile,
    });
    const run = (input: Buffer) =>
      spawnSync(process.execPath, ['--input-type=module', '-e', script, outfile], {
        input,
        encoding: 'utf8',
      }).stdout.trim();
    expect(run(Buffer.alloc(3_000_000, 7))).toBe('3000000 true 0');
    expect(run(Buffer.alloc((1 << 24) + 1))).toBe('undefined true 0');
  });
});
