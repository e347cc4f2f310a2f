/**
 * Runs of the native command that changed nothing leave their directory for the next: nothing of one
 * run comes with it into another, two runs never have the same, and a damaged one is not used.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeFastpath } from '../support/fastpath.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';

const as = ordinaryUser();
const spares = (state: string): string[] => fs.readdirSync(join(state, 'spare'));
const inode = (path: string): number => fs.lstatSync(path).ino;

/** A native command with one spare, and where it lies. */
async function withSpare(script: string, args: readonly string[] = []) {
  const cwd = makeProject(as, { 'it.sh': `#!/bin/sh\n${script}\n` });
  const fastpath = makeFastpath(as);
  const run = () => fastpath.run(['run', ...args, 'it.sh'], { cwd });
  expect((await run()).nodes).toBe(1);
  expect((await run()).nodes).toBe(0);
  await fastpath.settled();
  expect(spares(fastpath.state)).toEqual(['home-0']);
  return { cwd, fastpath, run, spare: join(fastpath.state, 'spare', 'home-0') };
}

describe("a run's directory", () => {
  test('is used again, with an upper and a work directory of its own', async () => {
    const { fastpath, run, spare } = await withSpare('true');
    const [directory, upper] = [inode(spare), inode(join(spare, 'layers/0/upper'))];
    // Held open, so that its inode cannot be given to the next.
    const held = fs.openSync(join(spare, 'layers/0/upper'), 'r');
    try {
      expect([(await run()).nodes, (await run()).nodes]).toEqual([0, 0]);
      await fastpath.settled();
      const kept = spares(fastpath.state).map((name) => join(fastpath.state, 'spare', name));
      expect(kept.map(inode)).toContain(directory);
      expect(kept.map((path) => inode(join(path, 'layers/0/upper')))).not.toContain(upper);
    } finally {
      fs.closeSync(held);
    }
  });

  test('takes nothing of one run into the next', async () => {
    const { cwd, fastpath, run } = await withSpare('stat -c %y .; touch -d 2001-01-01 .');
    const before = fs.statSync(cwd).mtime.getFullYear();
    for (let round = 0; round < 3; round++) {
      const { out, nodes } = await run();
      expect([nodes, out.slice(0, 4)]).toEqual([0, String(before)]);
      await fastpath.settled();
    }
  });

  test('takes no attribute into the next, which is a change and kept with its run', async () => {
    const list = `python3 -c "import os; print(os.listxattr('.'))"`;
    const set = `python3 -c "import os; os.setxattr('.', 'user.mark', b'x')"`;
    const script = `${list}; [ ! -e go ] || { ${set}; ${list}; }`;
    const { cwd, fastpath, run, spare } = await withSpare(script);
    const directory = inode(spare);
    fs.writeFileSync(join(cwd, 'go'), '');
    for (let round = 0; round < 3; round++) {
      const { out, nodes } = await run();
      // The native command starts it, and leaves the end to Node.
      expect([out, nodes]).toEqual(["[]\n['user.mark']\n", 1]);
    }
    const saved = fs.readdirSync(join(fastpath.state, 'saved')).filter((id) => /^0\w{8}$/.test(id));
    expect(saved).toHaveLength(3);
    expect(saved.map((id) => inode(join(fastpath.state, 'saved', id)))).toContain(directory);
  });

  test('is kept with its changes if it has any, and is not a spare then', async () => {
    const { fastpath, run, spare } = await withSpare('true');
    const directory = inode(spare);
    const cwd = makeProject(as, { 'it.sh': '#!/bin/sh\necho new > file\n' });
    const changed = () => fastpath.run(['run', 'it.sh'], { cwd });
    await changed();
    const { err } = await changed();
    expect(err).toContain('1 file added');
    const [kept = ''] = fs
      .readdirSync(join(fastpath.state, 'saved'))
      .filter((id) => inode(join(fastpath.state, 'saved', id)) === directory);
    const path = join(fastpath.state, 'saved', kept);
    expect(fs.readFileSync(join(path, 'layers/0/upper/file'), 'utf8')).toBe('new\n');
    expect(JSON.parse(fs.readFileSync(join(path, 'run.json'), 'utf8')).id).toBe(kept);
    expect((await run()).out).toBe('');
  });

  test('serves one run at a time', async () => {
    const { fastpath, run } = await withSpare('sleep 0.2; ls');
    const runs = await Promise.all(Array.from({ length: 6 }, run));
    for (const { out, status } of runs) expect([out, status]).toEqual(['it.sh\n', 0]);
    await fastpath.settled();
    expect(spares(fastpath.state).length).toBeLessThanOrEqual(32);
    const inodes = spares(fastpath.state).map((name) => inode(join(fastpath.state, 'spare', name)));
    expect(new Set(inodes).size).toBe(inodes.length);
  });

  test.each<[string, (spare: string) => void]>([
    ['without a lock', (spare) => fs.rmSync(join(spare, 'lock'))],
    ['without a journal entry', (spare) => fs.rmSync(join(spare, 'run.json'))],
    ['without an upper directory', (spare) => fs.rmdirSync(join(spare, 'layers/0/upper'))],
    [
      'that is a link to another',
      (spare) => {
        fs.renameSync(spare, `${spare}.moved`);
        fs.symlinkSync(`${spare}.moved`, spare);
      },
    ],
    [
      'whose lock is a link',
      (spare) => {
        fs.renameSync(join(spare, 'lock'), join(spare, 'other'));
        fs.symlinkSync('other', join(spare, 'lock'));
      },
    ],
  ])('is made anew in place of one %s', async (_what, damage) => {
    const { fastpath, run, spare } = await withSpare('ls');
    damage(spare);
    const { out, err, status, nodes } = await run();
    expect([nodes, out, err, status]).toEqual([0, 'it.sh\n', '', 0]);
    await fastpath.settled();
    expect(spares(fastpath.state)).toContain('home-1');
  });
});
