/** Hard cases of git: worktrees and submodules, whose git directory lies outside. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../../support/identity.js';
import { makeProject } from '../../support/project.js';
import { runProgram, runWasbox } from '../../support/wasbox.js';

describe.each(identities())('git, as $label', (as) => {
  async function repository() {
    const base = makeProject(as, { 'repo/f': 'one\n', 'state/': '' });
    const script = `set -e; cd repo; git init -q; git config user.email a@b; git config user.name n
      git add f; git commit -qm one; git worktree add -q ../tree
      cd ..; git init -q super; cd super; git config user.email a@b; git config user.name n
      git -c protocol.file.allow=always submodule add -q ../repo sub
      git -C sub config user.email a@b; git -C sub config user.name n; git commit -qm sub`;
    const made = await runProgram(['sh', '-c', script], { as, cwd: base });
    expect([made.status, made.err]).toEqual([0, expect.anything()]);
    const env = { XDG_STATE_HOME: join(base, 'state') };
    const log = async (directory: string) =>
      (await runProgram(['git', 'log', '--format=%s'], { as, cwd: join(base, directory) })).out;
    return { base, env, log };
  }

  test.each([
    ['a worktree', 'tree', 'repo/.git'],
    ['a submodule', 'super/sub', 'super/.git/modules/sub'],
  ])('%s', { timeout: 240_000 }, async (_name, directory, gitDirectory) => {
    const { base, env, log } = await repository();
    const cwd = join(base, directory);
    const outside = join(base, gitDirectory);
    const commit = ['--', 'sh', '-ec', 'echo two >> f; git commit -qam two; git log --format=%s'];
    const run = (...args: string[]) => runWasbox(['run', ...args], { as, cwd, env });
    // It is not there, and the message has the option that shows it.
    const blind = await run('--discard', '--', 'git', 'status');
    expect(blind.status).toBe(128);
    expect(blind.err).toContain(`--cow ${outside} so that it can commit`);
    const reading = await run(
      '-q',
      '--discard',
      '--ro',
      outside,
      '--',
      'git',
      'log',
      '--format=%s',
    );
    expect(reading.out).toBe('one\n');
    const kept = await run('--cow', outside, ...commit);
    expect(kept.out).toBe('two\none\n');
    expect(await log(directory)).toBe('one\n');
    const applied = await runWasbox(['apply'], { as, cwd, env });
    expect([applied.status, applied.err.includes('not applied')]).toEqual([0, false]);
    expect(await log(directory)).toBe('two\none\n');
    const status = await runProgram(['git', 'status', '--short'], { as, cwd });
    expect(status.out).toBe('');
    const check = await runProgram(['git', 'fsck', '--strict'], { as, cwd });
    expect(check.status).toBe(0);
  });

  test('a hook or configuration in a git directory is not applied automatically (15)', async () => {
    const { base, env } = await repository();
    const cwd = join(base, 'tree');
    const git = join(base, 'repo/.git');
    const script = `echo evil > ${git}/hooks/post-commit; chmod 755 ${git}/hooks/post-commit
      git config core.fsmonitor ./evil; echo fine > ${git}/description`;
    const run = await runWasbox(['run', '--apply', '--cow', git, '--', 'sh', '-ec', script], {
      as,
      cwd,
      env,
    });
    const both = `${git}/config, ${git}/hooks/post-commit`;
    expect(run.err).toContain(`${both}: git runs the programs that it names`);
    expect(fs.existsSync(join(git, 'hooks/post-commit'))).toBe(false);
    expect(fs.readFileSync(join(git, 'description'), 'utf8')).toBe('fine\n');
    // Control: by name it is applied.
    await runWasbox(['apply', `${git}/hooks/post-commit`], { as, cwd, env });
    expect(fs.readFileSync(join(git, 'hooks/post-commit'), 'utf8')).toBe('evil\n');
  });

  test('a file that the configuration of git or a link here makes run is held, whatever its name (15)', async () => {
    const base = makeProject(as, { 'p/env.sh': 'one\n', 'p/shared.inc': '', 'state/': '' });
    const cwd = join(base, 'p');
    const env = { XDG_STATE_HOME: join(base, 'state') };
    const program = (script: string) => runProgram(['sh', '-ec', script], { as, cwd });
    const set = `git init -q; git config user.email a@b; git config user.name n
      git config alias.all '!sh tools/all.sh'; git config include.path ../shared.inc
      printf '[core]\n\thooksPath = %s\n' "$PWD/tools/git" > more.inc
      printf '[include]\n\tpath = more.inc\n' > shared.inc; ln -s env.sh .envrc`;
    expect((await program(set)).status).toBe(0);
    const script = `mkdir -p tools/git; printf '#!/bin/sh\ntouch ${base}/fired\n' > tools/git/pre-push
      cp tools/git/pre-push tools/git/helper; cp tools/git/pre-push tools/git/pre-commit
      chmod 755 tools/git/*; cp tools/git/helper tools/all.sh; cp tools/git/helper tools/fine.sh
      echo two > env.sh; echo '# two' >> shared.inc; echo '# two' >> more.inc`;
    await runWasbox(['run', '--', 'sh', '-ec', script], { as, cwd, env });
    const applied = await runWasbox(['apply'], { as, cwd, env });
    expect(applied.err).toContain(
      'env.sh: not applied automatically: a link that another program runs',
    );
    const here = (path: string) => fs.existsSync(join(cwd, path));
    const held = ['tools/git/pre-push', 'tools/git/pre-commit', 'tools/git/helper', 'tools/all.sh'];
    expect([...held, 'tools/fine.sh'].filter(here)).toEqual(['tools/fine.sh']);
    for (const path of ['env.sh', 'shared.inc', 'more.inc']) {
      expect(fs.readFileSync(join(cwd, path), 'utf8'), path).not.toContain('two');
    }
    const commit = 'git commit -q --allow-empty -m x';
    await program(commit);
    expect(fs.existsSync(join(base, 'fired'))).toBe(false);
    // Named, they are applied, and git runs the hook.
    const named = await runWasbox(['apply', 'tools/git/pre-commit'], { as, cwd, env });
    expect([named.status, here(held[1] ?? '')]).toEqual([0, true]);
    await program(commit);
    expect(fs.existsSync(join(base, 'fired'))).toBe(true);
  });

  test.each([
    ['a worktree', 'tree', 'tools/git'],
    ['a part of the repository', 'repo/part', 'part/tools/git'],
  ])(
    'a file that git runs in %s is held where its configuration lies outside',
    async (_name, tree, hooks) => {
      const { base, env } = await repository();
      const cwd = join(base, tree);
      const program = (script: string) => runProgram(['sh', '-ec', script], { as, cwd });
      const set = `git config core.hooksPath ${hooks}; git config include.path more.inc
      printf '[alias]\n\tall = !sh ${hooks}/../all.sh\n' > "$(git rev-parse --git-common-dir)/more.inc"`;
      fs.mkdirSync(cwd, { recursive: true });
      if (as.uid !== process.getuid?.()) fs.chownSync(cwd, as.uid, as.gid);
      expect((await program(set)).status).toBe(0);
      const script = `mkdir -p tools/git; printf '#!/bin/sh\ntouch ${base}/fired\n' > tools/git/pre-commit
      chmod 755 tools/git/pre-commit; cp tools/git/pre-commit tools/git/helper
      cp tools/git/helper tools/all.sh; cp tools/git/helper tools/fine.sh`;
      await runWasbox(['run', '--workdir', '.', '--', 'sh', '-ec', script], { as, cwd, env });
      await runWasbox(['apply'], { as, cwd, env });
      const here = (path: string) => fs.existsSync(join(cwd, path));
      const held = ['tools/git/pre-commit', 'tools/git/helper', 'tools/all.sh'];
      expect([...held, 'tools/fine.sh'].filter(here)).toEqual(['tools/fine.sh']);
      const commit = 'git commit -q --allow-empty -m x';
      expect((await program(commit)).status).toBe(0);
      expect(fs.existsSync(join(base, 'fired'))).toBe(false);
      // Control: named, it is applied, and git runs it.
      await runWasbox(['apply', 'tools/git/pre-commit'], { as, cwd, env });
      expect((await program(commit)).status).toBe(0);
      expect(fs.existsSync(join(base, 'fired'))).toBe(true);
    },
  );

  test('a tree that is such a directory itself is recognised by its name', async () => {
    const base = makeProject(as, {
      'proj/.vscode/': '',
      'proj/.config/fish/': '',
      'w/': '',
      'state/': '',
    });
    const env = { XDG_STATE_HOME: join(base, 'state') };
    const [code, fish] = [join(base, 'proj/.vscode'), join(base, 'proj/.config/fish')];
    const script = `echo {} > ${code}/tasks.json; echo x > ${fish}/config.fish; echo y > plain`;
    const options = ['--apply', '--cow', code, '--cow', fish];
    const run = await runWasbox(['run', ...options, '--', 'sh', '-ec', script], {
      as,
      cwd: join(base, 'w'),
      env,
    });
    expect(run.err).toContain(`${code}/tasks.json: the editor runs`);
    expect(run.err).toContain(`${fish}/config.fish: the shell runs it`);
    expect(fs.readdirSync(code)).toEqual([]);
    expect(fs.readdirSync(join(base, 'w'))).toEqual(['plain']);
  });
});
