/**
 * Runs of the native front end that changed nothing leave their directory for the next: nothing of one
 * run comes with it into another, two runs never have the same, and a damaged one is not used.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeFront } from '../support/front.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';

const as = ordinaryUser();
const spares = (state: string): string[] => fs.readdirSync(join(state, 'spare'));
const inode = (path: string): number => fs.lstatSync(path).ino;

/** A front end with one spare, and where it lies. */
async function withSpare(script: string, args: readonly string[] = []) {
  const cwd = makeProject(as, { 'it.sh': `#!/bin/sh\n${script}\n` });
  const front = makeFront(as);
  const run = () => front.run(['run', ...args, 'it.sh'], { cwd });
  expect((await run()).nodes).toBe(1);
  expect((await run()).nodes).toBe(0);
  await front.settled();
  expect(spares(front.state)).toEqual(['kept-0']);
  return { cwd, front, run, spare: join(front.state, 'spare', 'kept-0') };
}

describe("a run's directory", () => {
  test('is used again, with an upper and a work directory of its own', async () => {
    const { front, run, spare } = await withSpare('true');
    const [directory, upper] = [inode(spare), inode(join(spare, 'layers/0/upper'))];
    // Held open, so that its inode cannot be given to the next.
    const held = fs.openSync(join(spare, 'layers/0/upper'), 'r');
    try {
      expect([(await run()).nodes, (await run()).nodes]).toEqual([0, 0]);
      await front.settled();
      const kept = spares(front.state).map((name) => join(front.state, 'spare', name));
      expect(kept.map(inode)).toContain(directory);
      expect(kept.map((path) => inode(join(path, 'layers/0/upper')))).not.toContain(upper);
    } finally {
      fs.closeSync(held);
    }
  });

  test('takes nothing of one run into the next', async () => {
    const { cwd, front, run } = await withSpare('stat -c %y .; touch -d 2001-01-01 .');
    const before = fs.statSync(cwd).mtime.getFullYear();
    for (let round = 0; round < 3; round++) {
      const { out, nodes } = await run();
      expect([nodes, out.slice(0, 4)]).toEqual([0, String(before)]);
      await front.settled();
    }
  });

  test('takes no attribute into the next, which is a change and kept with its run', async () => {
    const list = `python3 -c "import os; print(os.listxattr('.'))"`;
    const set = `python3 -c "import os; os.setxattr('.', 'user.mark', b'x')"`;
    const script = `${list}; [ ! -e go ] || { ${set}; ${list}; }`;
    const { cwd, front, run, spare } = await withSpare(script);
    const directory = inode(spare);
    fs.writeFileSync(join(cwd, 'go'), '');
    for (let round = 0; round < 3; round++) {
      const { out, nodes } = await run();
      // The front end starts it, and leaves the end to Node.
      expect([out, nodes]).toEqual(["[]\n['user.mark']\n", 1]);
    }
    const saved = fs.readdirSync(join(front.state, 'saved')).filter((id) => /^0\w{8}$/.test(id));
    expect(saved).toHaveLength(3);
    expect(saved.map((id) => inode(join(front.state, 'saved', id)))).toContain(directory);
  });

  test('is kept with its changes where there are some, and is no spare then', async () => {
    const { front, run, spare } = await withSpare('true');
    const directory = inode(spare);
    const cwd = makeProject(as, { 'it.sh': '#!/bin/sh\necho new > file\n' });
    const changed = () => front.run(['run', 'it.sh'], { cwd });
    await changed();
    const { err } = await changed();
    expect(err).toContain('1 added');
    const [kept = ''] = fs
      .readdirSync(join(front.state, 'saved'))
      .filter((id) => inode(join(front.state, 'saved', id)) === directory);
    const path = join(front.state, 'saved', kept);
    expect(fs.readFileSync(join(path, 'layers/0/upper/file'), 'utf8')).toBe('new\n');
    expect(JSON.parse(fs.readFileSync(join(path, 'run.json'), 'utf8')).id).toBe(kept);
    expect((await run()).out).toBe('');
  });

  test('serves one run at a time', async () => {
    const { front, run } = await withSpare('sleep 0.2; ls');
    const runs = await Promise.all(Array.from({ length: 6 }, run));
    for (const { out, status } of runs) expect([out, status]).toEqual(['it.sh\n', 0]);
    await front.settled();
    expect(spares(front.state).length).toBeLessThanOrEqual(8);
    const inodes = spares(front.state).map((name) => inode(join(front.state, 'spare', name)));
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
    const { front, run, spare } = await withSpare('ls');
    damage(spare);
    const { out, err, status, nodes } = await run();
    expect([nodes, out, err, status]).toEqual([0, 'it.sh\n', '', 0]);
    await front.settled();
    expect(spares(front.state)).toContain('kept-1');
  });
});
