/**
 * Tests that what a program writes to its home is saved with the run, shown below `~`, and applied by name; what was
 * written to a home that no user has is discarded, and said. Needs: user namespaces, overlayfs in them.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { makeFastpath } from '../support/fastpath.js';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { type Files, makeProject } from '../support/project.js';
import { onTerminal } from '../support/terminal.js';
import { runWasbox, wasboxArgv } from '../support/wasbox.js';

/** A home of the identity's own, with a project in it. */
function makeHome(as: Identity, files: Files = {}) {
  const home = makeProject(as, { 'src/demo/': '', ...files }, 'home');
  const cwd = join(home, 'src/demo');
  const env = { HOME: home, XDG_STATE_HOME: join(home, '.local/state') };
  const run = (args: readonly string[], at = cwd) => runWasbox(args, { as, cwd: at, env });
  const has = (name: string) => fs.existsSync(join(home, name));
  const read = (name: string) => fs.readFileSync(join(home, name), 'utf8');
  const lastId = (err: string) => /wasbox diff (\w+)/.exec(err)?.[1] ?? '';
  return { home, cwd, run, has, read, lastId };
}

describe.each(identities())('as $label', (as) => {
  it('the home is not a directory of the project that is named ~', async () => {
    const { run, has, read } = makeHome(as);
    const write =
      'mkdir -p "./~/bin" ~/bin; echo project > "./~/bin/tool"; echo home > ~/bin/tool; echo p > "./~/other"';
    expect((await run(['run', '-q', '-c', write])).status).toBe(0);
    const names = (await run(['diff', '--name-only'])).out.trim().split('\n');
    expect(names).toEqual(expect.arrayContaining(['./~/bin/tool', './~/other', '~/bin/tool']));
    const missing = await run(['apply', '~/other']);
    expect([missing.status, has('src/demo/~/other')]).toEqual([1, false]);
    expect((await run(['apply', '~/bin/tool'])).status).toBe(0);
    expect([read('bin/tool'), has('src/demo/~')]).toEqual(['home\n', false]);
    expect((await run(['apply', './~/bin/tool'])).status).toBe(0);
    expect(read('src/demo/~/bin/tool')).toBe('project\n');
  });

  it('comes with one command where an installer adds lines to what is there', async () => {
    const { run, has, read } = makeHome(as, { '.bashrc': 'alias a=b\n' });
    const write = 'echo new >> ~/.bashrc; mkdir -p ~/.local/bin; echo t > ~/.local/bin/tool';
    const { err } = await run(['run', '-c', write]);
    const [, command = ''] = /to go on: .*wasbox (apply .*) or wasbox discard\n/.exec(err) ?? [];
    expect(command).toBe('apply --append ~/.bashrc ~/.local/bin/tool');
    const done = await run(command.split(' '));
    expect([done.status, done.err]).toEqual([0, '']);
    expect([read('.bashrc'), has('.local/bin/tool')]).toEqual(['alias a=b\nnew\n', true]);
    // Control: a program that exists is no text to add lines to, so that there is a choice to make.
    const other = await run([
      'run',
      '-c',
      "printf '#!/bin/sh\\n' > ~/.local/bin/tool; chmod +x ~/.local/bin/tool; echo > ~/.local/bin/x",
    ]);
    expect(other.err).not.toContain('--append');
  });

  it('the home is empty, named at the end, shown, and applied by name', async () => {
    const { run, has, read, lastId, home } = makeHome(as, { '.bashrc': 'alias a=b\n' });
    const write =
      'ls -A ~; echo new > ~/.bashrc; mkdir -p ~/.local/bin ~/.config/app; echo t > ~/.local/bin/tool; echo c > ~/.config/app/c; echo p > here';
    const ran = await run(['run', '-c', write]);
    const id = lastId(ran.err);
    expect([ran.status, ran.out]).toEqual([0, 'src\n']);
    expect(ran.err).toBe(
      [
        'wasbox: 1 file added (not applied; your files are untouched)',
        'wasbox: 3 files written to your home: ~/.bashrc, ~/.local/bin/tool, ~/.config/app/c (not applied)',
        `wasbox:   ~/.bashrc exists; the run did not see it: wasbox apply ${id} --append ~/.bashrc`,
        `wasbox: to go on: wasbox diff ${id}, then wasbox apply, wasbox apply --append ~/.bashrc ~/.local/bin/tool ~/.config/app/c or wasbox discard`,
        '',
      ].join('\n'),
    );
    expect([has('.local/bin/tool'), read('.bashrc')]).toEqual([false, 'alias a=b\n']);
    const diff = await run(['diff', '--no-pager']);
    for (const line of ['b/~/.local/bin/tool', '+new', '# ~/.bashrc: exists outside', 'b/here']) {
      expect(diff.out).toContain(line);
    }
    // A patch for git is about the project alone.
    const patch = await run(['diff', '--patch']);
    expect([patch.status, patch.out.includes('tool')]).toEqual([0, false]);
    // An apply without a name applies the working directory alone.
    const all = await run(['apply']);
    expect([all.status, all.out]).toEqual([0, 'added    here\n']);
    expect(all.err).toContain(
      `what is in your home is applied by name: wasbox apply ${id} ~/.config/app/c ~/.local/bin/tool\n`,
    );
    expect([has('src/demo/here'), has('.config/app/c'), has('.local/bin')]).toEqual([
      true,
      false,
      false,
    ]);
    // A directory brings what is in it, but not what runs by itself.
    const some = await run(['apply', id, '~/.config', join(home, '.local')]);
    expect([some.status, has('.config/app/c'), has('.local/bin/tool')]).toEqual([3, true, false]);
    expect(some.err).toContain('~/.local/bin/tool: not applied automatically');
    expect((await run(['apply', id, '~/.local/bin/tool'])).status).toBe(0);
    expect(read('.local/bin/tool')).toBe('t\n');
    // A file that was there: appended, replaced, or skipped, as the user says.
    const refused = await run(['apply', id, '~/.bashrc']);
    expect([refused.status, read('.bashrc')]).toEqual([3, 'alias a=b\n']);
    expect(refused.err).toContain(`add lines:  wasbox apply ${id} --append ~/.bashrc`);
    const added = await run(['apply', id, '--append', '~/.bashrc']);
    expect([added.status, added.out, read('.bashrc')]).toEqual([
      0,
      'appended ~/.bashrc\n',
      'alias a=b\nnew\n',
    ]);
    expect((await run(['runs'])).out).toContain('No saved changes');
  });

  it.each([
    ['--theirs', 'new\n'],
    ['--ours', 'alias a=b\n'],
  ])('a file that was there, with %s', async (how, content) => {
    const { run, read } = makeHome(as, { '.bashrc': 'alias a=b\n' });
    await run(['run', '-c', 'echo new > ~/.bashrc']);
    const applied = await run(['apply', how, '~/.bashrc']);
    expect([applied.status, read('.bashrc')]).toEqual([0, content]);
    expect((await run(['runs'])).out).toContain('No saved changes');
  });

  it('appends no lines twice, and nothing to what is no text', async () => {
    const { run, read } = makeHome(as, { '.profile': 'a\nexport X=1\n', '.bin': 'a\0b' });
    await run(['run', '-c', 'echo export X=1 > ~/.profile; echo x > ~/.bin']);
    const applied = await run(['apply', '--append', '~/.profile', '~/.bin']);
    expect([applied.status, read('.profile'), read('.bin')]).toEqual([
      3,
      'a\nexport X=1\n',
      'a\0b',
    ]);
  });

  it('a directory of programs brings them where it is named itself', async () => {
    const { run, has } = makeHome(as);
    await run(['run', '-c', 'mkdir -p ~/.nvm/versions; echo x > ~/.nvm/versions/n']);
    expect((await run(['apply', '~/.nvm'])).status).toBe(0);
    expect(has('.nvm/versions/n')).toBe(true);
  });

  it('--apply leaves the home to be named; --discard leaves nothing', async () => {
    const { run, has } = makeHome(as);
    const write = 'echo a > ~/.config-a; echo b > b';
    const applied = await run(['run', '--apply', '-c', write]);
    expect([applied.status, has('src/demo/b'), has('.config-a')]).toEqual([0, true, false]);
    expect(applied.err).toContain('1 file added (applied)');
    expect(applied.err).toContain('1 file written to your home: ~/.config-a (not applied)');
    await run(['discard', '--all']);
    const dropped = await run(['run', '--discard', '-c', write]);
    expect([dropped.status, dropped.err]).toEqual([0, '']);
    expect((await run(['runs'])).out).toContain('No saved changes');
  });

  it('nothing written is nothing to tell, whatever the sandbox itself puts there', async () => {
    const { run, home, cwd } = makeHome(as, { 'data/file': 'x' });
    const quiet = await run(['run', '-c', 'echo x > ~/x; rm ~/x; echo y > /tmp/y']);
    expect([quiet.status, quiet.err]).toEqual([0, '']);
    const into = [
      '--ro',
      `${join(home, 'data')}:${home}/other/data`,
      '--ro',
      `${join(home, 'data/file')}:${home}/file`,
    ];
    const shown = await run(['run', ...into, '-c', 'cat ~/file ~/other/data/file']);
    expect([shown.out, shown.err]).toEqual(['xx', '']);
    const own = await run(['run', ...into, '-c', 'echo y > ~/other/own']);
    expect(own.err).toContain('1 file written to your home: ~/other/own (not applied)');
    expect((await run(['apply', '~/other'])).status).toBe(0);
    expect(fs.readdirSync(join(home, 'other'))).toEqual(['own']);
    expect(fs.existsSync(join(cwd, 'file'))).toBe(false);
  });

  it('the home is in the report', async () => {
    const { run } = makeHome(as);
    const ran = await run(['run', '--json', '-c', 'echo x > ~/x; echo y > y']);
    const { changes } = JSON.parse(ran.err) as RunReport;
    expect(changes?.home).toEqual({ added: 1, modified: 0, deleted: 0 });
    expect(changes?.paths.map(({ path, home }) => [path, home])).toEqual([
      ['y', undefined],
      ['~/x', true],
    ]);
  });

  it('the home does not keep what is held in the project from being named, however many paths changed', async () => {
    const { run, cwd } = makeHome(as);
    const write = (more: string) =>
      `i=0; while [ $i -lt 1200 ]; do : > $i; i=$((i+1)); done; mkdir zz; echo > ~/x; ${more}`;
    const held =
      'for n in 1 2; do echo evil > zz/.envrc$n; done; echo evil > zz/.envrc; ln -s / zz/l';
    const ran = await run(['run', '-c', write(held)]);
    expect(ran.err).toContain(
      'untouched)\nwasbox:   applied only if you name it: zz/.envrc, zz/.envrc1, zz/.envrc2 and 1 more\nwasbox: 1 file written',
    );
    expect((await run(['apply'])).status).toBe(3);
    expect(fs.readdirSync(join(cwd, 'zz'))).toEqual([]);
    // Control: where nothing is held, nothing is named.
    fs.rmdirSync(join(cwd, 'zz'));
    const plain = await run(['run', '-c', write('echo x > zz/x')]);
    expect(plain.err).not.toContain('only if you name it');
    expect((await run(['apply'])).status).toBe(0);
  });

  it('the home is named and counted, dangerous files first, however many paths changed', async () => {
    const { run } = makeHome(as, { '.profile': 'mine\n' });
    const write =
      'mkdir many ~/.d; i=0; while [ $i -lt 1200 ]; do : > many/$i; i=$((i+1)); done; mkdir -p ~/data; for n in 1 2 3 4 5; do : > ~/data/$n; done; echo evil >> ~/.profile; echo evil > ~/.zshenv';
    const ran = await run(['run', '-c', write]);
    expect(ran.err).toContain(
      'wasbox: 1200 files added (not applied; your files are untouched)\nwasbox: 7 files written to your home: ~/.profile, ~/.zshenv, ~/data/ (not applied)\n',
    );
    expect(ran.err).toMatch(
      /~\/\.profile exists; the run did not see it: .* --append ~\/\.profile\n/,
    );
    const report = await run(['run', '--json', '-c', write]);
    const { changes } = JSON.parse(report.err) as RunReport;
    expect(changes?.paths).toHaveLength(1000);
    expect(changes?.truncated).toBe(true);
    const home = changes?.paths.filter((one) => one.home).map(({ path }) => path);
    expect(home).toEqual(expect.arrayContaining(['~/.profile', '~/.zshenv', '~/data/5']));
  });

  it('advises to add lines to text alone, and tells a sticky bit from set-id bits', async () => {
    const { run, lastId } = makeHome(as, { data: 'a\0b', text: 'a\n' });
    const write =
      'printf "x" > ~/data; printf "x\\0" > ~/text; mkdir d t; chmod 1777 d; chmod 2755 t';
    const ran = await run(['run', '-c', write]);
    const id = lastId(ran.err);
    expect(ran.err).toContain('~/data exists; the run did not see it: wasbox apply');
    for (const path of ['~/data', '~/text']) {
      const refused = await run(['apply', id, path]);
      expect([refused.status, refused.err.includes('--append')]).toEqual([3, false]);
    }
    const diff = (await run(['diff', id, '--no-pager'])).out;
    expect(diff).toContain('# d: the sticky bit is not applied');
    expect(diff).not.toContain('# d: set-id');
    const applied = await run(['apply', id]);
    expect(applied.err).toContain('d: applied without its sticky bit');
    expect(applied.err).not.toContain('d: applied without its set-id');
  });

  it('the home is continued with the run', async () => {
    const { run, lastId } = makeHome(as);
    const id = lastId((await run(['run', '-c', 'echo x > ~/x'])).err);
    const on = await run(['run', '--continue', id, '-c', 'cat ~/x; echo y > ~/y']);
    expect(on.out).toBe('x\n');
    expect(on.err).toContain('2 files written to your home: ~/x, ~/y');
  });

  it('counts for the limit of the disk', async () => {
    const { run } = makeHome(as);
    const big =
      'for n in 1 2; do dd if=/dev/zero of=$HOME/big$n bs=1M count=6; done 2>/dev/null; sleep 100';
    const ran = await run(['run', '--disk', '8M', '-c', big]);
    expect(ran.status).toBe(137);
    expect(ran.err).toContain('disk');
  });

  it('--home none: there is none', async () => {
    const { run, has } = makeHome(as);
    const ran = await run(['run', '--home', 'none', '-c', 'echo x > ~/x; ls -A ~; echo p > p']);
    expect([ran.out.split('\n')[0], has('x')]).toEqual(['src', false]);
    // Root's is below /tmp here.
    if (as.label !== 'root') expect(ran.err).toContain('Read-only file system');
    expect(ran.err).toContain('1 file added');
    expect(ran.err).not.toContain('home:');
  });

  it.each([
    ['--home cow', ['--home', 'cow']],
    ['--cow ~', ['--cow', '']],
  ])('%s: the own one, as it would change', async (_name, option) => {
    const { home, run, read, has } = makeHome(as, { '.bashrc': 'a\n', '.old': 'x', up: 'u' });
    const args = option.map((word) => (word === '' ? home : word));
    const ran = await run(['run', ...args, '-c', 'echo b >> ~/.bashrc; rm ~/.old; cat ../../up']);
    expect([ran.status, ran.out]).toEqual([0, 'u']);
    expect(ran.err).toContain('2 files written to your home: ~/.bashrc, ~/.old (not applied)');
    const diff = await run(['diff', '--no-pager', '~/.bashrc']);
    expect(diff.out).toContain(' a\n+b\n');
    expect([(await run(['apply'])).status, read('.bashrc'), has('.old')]).toEqual([0, 'a\n', true]);
    expect((await run(['apply', '~/.bashrc', '~/.old'])).status).toBe(0);
    expect([read('.bashrc'), has('.old')]).toEqual(['a\nb\n', false]);
  });

  it('--home cow starts in the home itself as well', async () => {
    const { home, run, read } = makeHome(as, { '.profile': 'a\n' });
    const ran = await run(['run', '--home', 'cow', '-c', 'pwd; echo b >> .profile'], home);
    expect(ran.out).toBe(`${home}\n`);
    expect((await run(['apply', '.profile'], home)).status).toBe(0);
    expect(read('.profile')).toBe('a\nb\n');
    // Without it, the user is told.
    expect((await run(['run', '-c', 'pwd'], home)).err).toContain('wasbox run --home cow -c pwd');
  });

  it('a home that does not exist is in memory, and what was written is said to be gone', async () => {
    const cwd = makeProject(as);
    const env = { HOME: '/home/nobody-has-this' };
    const ran = await runWasbox(['run', '-c', 'echo x > ~/x'], { as, cwd, env });
    expect([ran.status, ran.err]).toEqual([
      0,
      'wasbox: 1 file written to the private home was discarded: ~/x\n',
    ]);
  });

  it('a failure says how to see more, where a person reads stderr', async () => {
    const cwd = makeProject(as);
    const failing = wasboxArgv(as, ['run', '-c', 'cat ~/.config/missing; exit 3']);
    const seen = await onTerminal(failing, { as, cwd });
    expect(seen.exit).toBe(3);
    expect(seen.output).toContain('exited 3. To see what it lacked: wasbox why');
    const piped = await runWasbox(['run', '-c', 'exit 3'], { as, cwd });
    expect([piped.status, piped.err]).toEqual([3, '']);
    // A file that it leads to is named.
    const audit = await runWasbox(['run', '--audit', '-v', '-c', 'cat ~/.config/missing; exit 3'], {
      as,
      cwd,
    });
    expect(audit.err).toContain('.config/missing');
  });
});

needs('ordinary user').test(
  'a home is saved by a start without Node as well, and nothing of one run is in the next',
  async () => {
    const as = ordinaryUser();
    const cwd = makeProject(as);
    const fastpath = makeFastpath(as);
    const write = ['run', '-c', 'ls -A ~; echo x > ~/.wasbox-test-rc; mkdir ~/empty'];
    for (const times of [1, 2, 3]) {
      const run = await fastpath.run(write, { cwd });
      expect([times, run.status, run.out.includes('-test-rc')]).toEqual([times, 0, false]);
      expect(run.err).toContain('1 file written to your home: ~/.wasbox-test-rc (not applied)');
    }
    // Control: without such files it is over without Node, and its directories serve again.
    await fastpath.run(['run', '--', 'true'], { cwd });
    for (const times of [1, 2, 3]) {
      await fastpath.settled();
      const quiet = await fastpath.run(['run', '--', 'true'], { cwd });
      expect([times, quiet.nodes, quiet.err]).toEqual([times, 0, '']);
    }
  },
);
