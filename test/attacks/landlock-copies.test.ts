/**
 * Attacks 70 and 71 where the working directory is copied: files that are large only by name, and what a closed
 * directory above kept from other users. The oracles are the file system that the copy is made in, and another user.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually, uniqueMarker } from '../support/host.js';
import { everyone, identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { ended, runProgram, runWasbox, startWasbox } from '../support/wasbox.js';

const landlock = ['run', '-q', '--discard', '--isolation', 'landlock'];

describe.each(identities())('files with holes, as $label', (as) => {
  test('a terabyte by name is copied as its few bytes, each at its place', async () => {
    const cwd = makeProject(as);
    const made = `import os
f = open('big', 'r+b' if os.path.exists('big') else 'w+b')
f.truncate(1 << 40)
os.pwrite(f.fileno(), b'begin', 0)
os.pwrite(f.fileno(), b'middle', (1 << 39) + 5)
os.pwrite(f.fileno(), b'end', (1 << 40) - 3)`;
    expect((await runProgram(['python3', '-c', made], { as, cwd })).status).toBe(0);
    const look = `import os
f = os.open('big', os.O_RDONLY)
print(os.fstat(f).st_size == 1 << 40, os.fstat(f).st_blocks < 1000,
      os.pread(f, 5, 0), os.pread(f, 6, (1 << 39) + 5), os.pread(f, 4, (1 << 40) - 3), os.pread(f, 2, 1 << 30))`;
    const argv = ['--disk', '50M', '--timeout', '100s', '--', '/usr/bin/python3', '-c', look];
    const run = await runWasbox([...landlock, ...argv], { as, cwd });
    expect(run.out, run.err).toBe("True True b'begin' b'middle' b'end' b'\\x00\\x00'\n");
  });

  test('data beyond the limit on disk space is refused, and names the file', async () => {
    const cwd = makeProject(as, { 'sub/': '' });
    const made = `import os
f = open('sub/large', 'wb')
f.truncate(1 << 40)
for i in range(30): os.pwrite(f.fileno(), os.urandom(1 << 20), i << 30)`;
    expect((await runProgram(['python3', '-c', made], { as, cwd })).status).toBe(0);
    const run = await runWasbox([...landlock, '--disk', '20M', '--', 'true'], { as, cwd });
    expect(run.status).toBe(125);
    expect(run.err).toMatch(/larger than the limit on disk space.* \(at sub\/large\)/);
    const enough = await runWasbox([...landlock, '--disk', '100M', '--', 'true'], { as, cwd });
    expect(enough.status, enough.err).toBe(0);
  });
});

needs('root').describe('a copy in a file system with little room', () => {
  test('holds a sparse file, where writing its holes would fill it', async () => {
    const as = ordinaryUser();
    const cwd = makeProject(as);
    const state = makeProject(as, {}, 'small-state');
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=20m,uid=${as.uid}`, 'none', state]);
    try {
      fs.writeFileSync(join(cwd, 'big'), '');
      fs.truncateSync(join(cwd, 'big'), 3 * 2 ** 30);
      fs.chownSync(join(cwd, 'big'), as.uid, as.gid);
      const env = { XDG_STATE_HOME: state };
      const run = await runWasbox([...landlock, '--disk', '50M', '--', 'true'], { as, cwd, env });
      expect(run.status, run.err).toBe(0);
      const filled = await runProgram(['cp', '--sparse=never', 'big', join(state, 'copy')], {
        as,
        cwd,
      });
      expect(filled.err).toContain('No space left');
    } finally {
      spawnSync('umount', ['-l', state]);
    }
  });
});

const root = everyone().find((one) => one.label === 'root');
needs('root').test(
  'a file that a closed directory kept from other users stays closed in root’s copy of it',
  async () => {
    const as = root ?? ordinaryUser();
    const secret = uniqueMarker();
    const cwd = makeProject(as, { 'open.txt': secret });
    fs.chmodSync(join(cwd, 'open.txt'), 0o644);
    fs.chmodSync(cwd, 0o755);
    const before = new Set(fs.readdirSync('/var/tmp'));
    const script = 'echo ready; read line; chmod 777 . open.txt; echo again; read line; true';
    const how = { as, cwd };
    const child = startWasbox([...landlock, '--', 'sh', '-c', script], how);
    let out = '';
    child.stdout?.on('data', (text) => {
      out += text;
    });
    const other = (path: string) => runProgram(['cat', path], { as: ordinaryUser() });
    expect(await eventually(() => out.includes('ready'))).toBe(true);
    const made = fs
      .readdirSync('/var/tmp')
      .filter((name) => name.startsWith('wasbox-') && !before.has(name));
    const copies = made.map((name) => join('/var/tmp', name, 'copy0/open.txt'));
    const copy = copies.find(
      (one) => fs.existsSync(one) && fs.readFileSync(one, 'utf8') === secret,
    );
    expect(
      copy,
      `${made.join()} ${copies.filter((one) => fs.existsSync(one)).join()} ${out}`,
    ).toBeDefined();
    expect((await other(copy ?? '')).err).toContain('Permission denied');
    child.stdin?.write('\n');
    expect(await eventually(() => out.includes('again'))).toBe(true);
    expect((await other(copy ?? '')).err).toContain('Permission denied');
    // The control: with the directory above open, the copy is what other users can read.
    fs.chmodSync(join(copy ?? '', '../..'), 0o711);
    expect((await other(copy ?? '')).out).toBe(secret);
    child.stdin?.write('\n');
    expect((await ended(child, how)).status).toBe(0);
  },
);
