/** The whole way of a user: run in a repository, look, take one path, take the rest. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listTree, treeDigest } from '../../support/host.js';
import { identities } from '../../support/identity.js';
import { makeProject } from '../../support/project.js';
import { runProgram, runWasbox } from '../../support/wasbox.js';

const files = {
  'edit.txt': 'one\ntwo\nthree\n',
  'gone.txt': 'gone\n',
  'old/name.txt': 'the same text under another name\n'.repeat(20),
  'tool.sh': '#!/bin/sh\n',
  'd/kept.txt': 'kept\n',
};
const commit =
  'chmod 644 tool.sh; git init -q && git add . && git -c user.email=a@b -c user.name=n commit -qm one';
const script = `echo four >> edit.txt; rm gone.txt; mkdir -p new/deep; echo new > new/deep/file.txt
  mkdir renamed; mv old/name.txt renamed/name.txt; rmdir old; chmod 755 tool.sh; ln -s d/kept.txt link
  chmod 700 d`;

describe.each(identities())('a repository, as $label', (as) => {
  async function make(): Promise<string> {
    const cwd = makeProject(as, files);
    expect((await runProgram(['sh', '-ec', commit], { as, cwd })).err).toBe('');
    return cwd;
  }

  test('run, diff, apply of one path, apply of the rest', async () => {
    const cwd = await make();
    const twin = await make();
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    const wasbox = (...args: string[]) => runWasbox(args, { as, cwd, env });
    const status = async (directory: string): Promise<string> =>
      (await runProgram(['git', 'status', '--porcelain'], { as, cwd: directory })).out;
    /** But for git's own notes, which hold inode numbers and times. */
    const look = (directory: string) => listTree(directory, (path) => path === '.git');

    expect(await status(cwd)).toBe('');
    const before = treeDigest(cwd);
    expect((await wasbox('run', '-q', '--', 'sh', '-ec', script)).status).toBe(0);
    expect(treeDigest(cwd)).toBe(before);
    expect(await status(cwd)).toBe('');

    const stat = (await wasbox('diff', '--stat')).out;
    const listed = stat.split('\n').map((line) => line.split('|')[0]?.trim());
    expect(listed.slice(0, -2)).toEqual([
      'M d',
      'M edit.txt',
      'D gone.txt',
      'A link',
      'A new',
      'A new/deep',
      'A new/deep/file.txt',
      'R old => renamed',
      'M tool.sh',
    ]);
    expect((await wasbox('diff', 'edit.txt')).out).toContain(
      '@@ -1,3 +1,4 @@\n one\n two\n three\n+four\n',
    );

    expect((await wasbox('apply', 'edit.txt')).out).toBe('modified edit.txt\n');
    expect(await status(cwd)).toBe(' M edit.txt\n');
    expect((await wasbox('apply')).status).toBe(0);
    expect((await runProgram(['sh', '-ec', script], { as, cwd: twin })).err).toBe('');
    expect(look(cwd)).toEqual(look(twin));
    expect(await status(cwd)).toBe(await status(twin));
    // Control: the comparison sees a mode and a byte.
    await runProgram(['sh', '-c', 'chmod 644 tool.sh'], { as, cwd: twin });
    expect(look(cwd)).not.toEqual(look(twin));
    await runProgram(['sh', '-c', 'chmod 755 tool.sh; echo x >> d/kept.txt'], { as, cwd: twin });
    expect(look(cwd)).not.toEqual(look(twin));
    expect(look(cwd).some(({ path }) => path === join('new', 'deep', 'file.txt'))).toBe(true);
    expect((await wasbox('runs')).out).toBe('No saved changes.\n');
  });
});
