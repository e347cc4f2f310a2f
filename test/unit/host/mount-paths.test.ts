import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mountPathsOf, parseMounts } from '../../../src/host/mount-paths.js';

test('mounts are read with what is escaped in them', () => {
  const line = '36 35 98:0 /a\\040b /mnt\\134c rw,noatime master:1 - ext3 /dev/root rw';
  expect(parseMounts(`${line}\n`)).toEqual([
    { id: '36', device: '98:0', root: '/a b', point: '/mnt\\c' },
  ]);
});

test('a directory is found through each mount of its file system, and a part of it as one', () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'wasbox-mounts-')));
  try {
    const directory = join(base, 'state/wasbox'); // not there yet
    const text = readFileSync('/proc/self/mountinfo', 'utf8');
    const own = parseMounts(text)
      .filter(({ point }) => base.startsWith(point === '/' ? '/' : `${point}/`))
      .sort((a, b) => a.point.length - b.point.length)
      .at(-1);
    const rootOf = (path: string) =>
      join(own?.root ?? '', path.slice(own?.point === '/' ? 0 : own?.point.length));
    const added = [
      ['1', own?.device, rootOf(base), '/other'],
      ['2', own?.device, rootOf(join(directory, 'saved')), '/part'],
      ['3', own?.device, rootOf(join(base, 'beside')), '/beside'],
      ['4', '0:999', rootOf(base), '/foreign'],
    ].map(([id, device, root, point]) => `${id} 1 ${device} ${root} ${point} rw - t t rw\n`);
    const { whole, parts, seen } = mountPathsOf(directory, text + added.join(''));
    expect(whole).toContain(directory);
    expect(whole).toContain('/other/state/wasbox');
    expect(parts).toEqual(['/part']);
    expect([...whole, ...parts].join()).not.toMatch(/foreign|beside/);
    expect(seen?.lines).toContain(`${own?.device} ${rootOf(base)} /other\n`);
    expect(seen?.lines).not.toContain('/foreign');
  } finally {
    rmSync(base, { recursive: true });
  }
});
