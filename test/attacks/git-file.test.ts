/**
 * A `.git` file is the untrusted directory's own: what it names is not what wasbox advises to mount. The
 * control is a worktree, whose git directory names it back.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

describe.each(identities())('a hostile .git file, as $label', (as) => {
  test('no option is advised for what it names', async () => {
    const ssh = { '.ssh/id_ed25519': 'key', '.ssh/config': 'Host *\n' };
    const base = makeProject(as, { ...ssh, 'repo/f': 'x', 'evil/f': 'x' }, 'home');
    const cwd = join(base, 'evil');
    const prepare = `cd repo; git init -q; git config user.email a@b; git config user.name n
      git add f; git commit -qm one; git worktree add -q ../tree`;
    expect((await runProgram(['sh', '-ec', prepare], { as, cwd: base })).status).toBe(0);
    const noteIn = async (directory: string): Promise<string> => {
      const env = { HOME: base, XDG_STATE_HOME: makeProject(as, {}, 'state') };
      const args = ['run', '--workdir', '.', '--discard', '--', 'true'];
      return (await runWasbox(args, { as, cwd: directory, env })).err;
    };
    const make = (files: Record<string, string>): void => {
      for (const [name, content] of Object.entries(files)) {
        fs.mkdirSync(join(cwd, name, '..'), { recursive: true });
        fs.writeFileSync(join(cwd, name), content);
      }
    };
    const inTree = `${cwd}/g/`;
    for (const [named, files] of [
      [`${base}/.ssh`, {}],
      ['../.ssh', {}],
      // A directory of the tree that leads on.
      [inTree, { 'g/commondir': '../../.ssh', 'g/gitdir': `${cwd}/.git`, 'g/HEAD': 'ref: refs/x' }],
      [inTree, { 'g/commondir': '../../repo/.git', 'g/gitdir': `${cwd}/.git` }],
      // Repositories of the user that are not this directory's.
      [`${base}/repo/.git`, {}],
      [`${base}/repo/.git/worktrees/tree`, {}],
    ] as const) {
      make({ ...files, '.git': `gitdir: ${named}\n` });
      const said = await noteIn(cwd);
      expect(said, named).toContain('git finds no repository inside');
      expect(said, named).not.toMatch(/--ro|--cow/);
    }
    // Control: with what names it back, the option is there.
    expect(await noteIn(join(base, 'tree'))).toContain(`Use --ro ${base}/repo/.git so that`);
  });
});
