/** Entries of the native command that were damaged, exchanged or opened to others are not used. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Front, makeFastpath, tool } from '../support/fastpath.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';

const as = ordinaryUser();

describe('an entry', () => {
  const cwdAndFront = async (): Promise<{ cwd: string; fastpath: Front; entry: string }> => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const fastpath = makeFastpath(as);
    await fastpath.run(['run', 'a.sh'], { cwd });
    const [name = ''] = fs.readdirSync(join(fastpath.state, 'plans'));
    expect((await fastpath.run(['run', 'a.sh'], { cwd })).nodes).toBe(0);
    return { cwd, fastpath, entry: join(fastpath.state, 'plans', name) };
  };
  const own = (path: string) => fs.lchownSync(path, as.uid, as.gid);

  const poisons: Record<string, (entry: string) => void> = {
    'is open to others': (entry) => fs.chmodSync(entry, 0o644),
    'is in an open directory': (entry) => fs.chmodSync(join(entry, '..'), 0o755),
    'is a link': (entry) => {
      fs.renameSync(entry, `${entry}.real`);
      fs.symlinkSync(`${entry}.real`, entry);
      own(entry);
    },
    'is cut short': (entry) => fs.truncateSync(entry, 4096),
    'is empty': (entry) => fs.truncateSync(entry, 0),
    'is longer than it says': (entry) => fs.appendFileSync(entry, Buffer.alloc(64)),
    'is a directory': (entry) => {
      fs.rmSync(entry);
      fs.mkdirSync(entry);
      own(entry);
    },
    'has a plan with another byte': (entry) => {
      const bytes = fs.readFileSync(entry);
      const at = bytes.indexOf('/usr/bin/');
      bytes.write('/bin', at);
      fs.writeFileSync(entry, bytes);
    },
  };

  test.each(Object.entries(poisons))('is not used if it %s', async (_name, poison) => {
    const { cwd, fastpath, entry } = await cwdAndFront();
    poison(entry);
    const run = await fastpath.run(['run', 'a.sh'], { cwd });
    expect([run.nodes, run.out, run.status]).toEqual([1, 'one\n', 0]);
  });

  test('is not used if it was damaged anywhere', async () => {
    const { cwd, fastpath, entry } = await cwdAndFront();
    const whole = fs.readFileSync(entry);
    for (let round = 0; round < 24; round++) {
      const bytes = Buffer.from(whole);
      const at = Math.floor((round / 24) * whole.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (round % 8));
      fs.writeFileSync(entry, bytes);
      const run = await fastpath.run(['run', 'a.sh'], { cwd });
      expect([run.nodes, run.out, run.status], `byte ${at}`).toEqual([1, 'one\n', 0]);
    }
    fs.writeFileSync(entry, whole);
    expect((await fastpath.run(['run', 'a.sh'], { cwd })).nodes).toBe(0); // control
  });

  test('is not used under another command’s name', async () => {
    const { cwd, fastpath, entry } = await cwdAndFront();
    await fastpath.run(['run', '--', 'echo', 'other'], { cwd });
    const others = fs
      .readdirSync(join(fastpath.state, 'plans'))
      .map((name) => join(entry, '..', name));
    const other = others.find((path) => path !== entry) ?? '';
    fs.copyFileSync(other, entry);
    const run = await fastpath.run(['run', 'a.sh'], { cwd });
    expect([run.nodes, run.out]).toEqual([1, 'one\n']);
  });
});
