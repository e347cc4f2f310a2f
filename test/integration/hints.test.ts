/** Tests what a user is told after a slip, or where only they can decide: the command that is named then works. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { type Files, makeProject } from '../support/project.js';
import { onTerminal } from '../support/terminal.js';
import { runWasbox, wasboxArgv } from '../support/wasbox.js';

describe.each(identities())('hints as $label', (as) => {
  function place(files: Files = {}, project: Files = {}) {
    const home = makeProject(as, files, 'home');
    const cwd = makeProject(as, project);
    const env = { HOME: home, XDG_STATE_HOME: makeProject(as, {}, 'state') };
    const run = (args: readonly string[], at = cwd) => runWasbox(args, { as, cwd: at, env });
    const ask = (args: readonly string[], typed: Parameters<typeof onTerminal>[2]) =>
      onTerminal(wasboxArgv(as, args), { as, cwd, env }, typed);
    const read = (path: string) => fs.readFileSync(join(home, path), 'utf8');
    return { home, cwd, run, ask, read };
  }
  /** The words of a command that a message names. */
  const commandIn = (text: string, start: string): string[] => {
    const line = text.split('\n').find((one) => one.includes(`wasbox ${start}`)) ?? '';
    return line
      .slice(line.indexOf(`wasbox ${start}`))
      .replace(/(?:, | or )wasbox .*/, '')
      .split(' ')
      .slice(1);
  };

  test('lines are added to start-up files, not to programs', async () => {
    const { home, run, read } = place({ '.profile': 'old\n', '.local/bin/tool': 'old\n' });
    fs.chmodSync(join(home, '.local/bin/tool'), 0o755);
    const install =
      'mkdir -p ~/.local/bin; echo new > ~/.local/bin/tool; chmod +x ~/.local/bin/tool';
    const ran = await run(['run', '-c', install]);
    expect(ran.err).toContain('~/.local/bin/tool exists');
    expect(ran.err).not.toContain('--append');
    const refused = await run(commandIn(ran.err, 'apply'));
    expect(refused.status).toBe(3);
    expect(refused.err).not.toContain('--append');
    const replace = refused.err.split('\n').find((line) => line.includes('--theirs')) ?? '';
    expect((await run(commandIn(replace, 'apply'))).status).toBe(0);
    expect(read('.local/bin/tool')).toBe('new\n');
    // The control: for a start-up file they are.
    const profile = await run(['run', '-c', 'echo new > ~/.profile']);
    expect((await run(commandIn(profile.err, 'apply'))).status).toBe(0);
    expect(read('.profile')).toBe('old\nnew\n');
  });

  test('name diff for a file that the run did not see, and the apply command that works', async () => {
    const lines = Array.from({ length: 50 }, (_, n) => `own line ${n}\n`).join('');
    const { run, read } = place({ '.bashrc': lines });
    await run(['run', '-c', 'echo new >> ~/.bashrc; echo x > f']);
    const diff = (await run(['diff', '--no-pager'])).out;
    expect(diff).toContain('+new\n');
    expect(diff).not.toContain('own line');
    const applied = await run(['apply']);
    const command = commandIn(applied.err, 'apply');
    expect(command).toContain('--append');
    const brought = await run(command);
    expect([brought.status, read('.bashrc')], brought.err).toEqual([0, `${lines}new\n`]);
  });

  test('diff says whose changes it shows where this directory has none', async () => {
    const { cwd, run } = place();
    const other = makeProject(as);
    await run(['run', '-c', 'echo x > f']);
    const shown = await run(['diff', '--no-pager'], other);
    expect(shown.out).toContain('+x');
    expect(shown.err).toContain(`in ${cwd}`);
    // Control: where it was made, nothing has to be said.
    expect((await run(['diff', '--no-pager'])).err).toBe('');
  });

  test('a start-up file that is a link leads to --home cow', async () => {
    const { home, run, read } = place({ 'dotfiles/bashrc': 'old\n' });
    fs.symlinkSync('dotfiles/bashrc', join(home, '.bashrc'));
    await run(['run', '-c', 'echo new >> ~/.bashrc']);
    const refused = await run(['apply', '--append', '~/.bashrc']);
    expect(refused.status).toBe(3);
    expect(refused.err).toContain('run again with --home cow');
    expect(refused.err).not.toContain('add lines');
    expect(fs.readlinkSync(join(home, '.bashrc'))).toBe('dotfiles/bashrc');
    const cow = await run(['run', '--home', 'cow', '-c', 'echo new >> ~/.bashrc']);
    expect(cow.err).toContain('~/dotfiles/bashrc');
    expect((await run(commandIn(cow.err, 'apply'))).status).toBe(0);
    expect(read('.bashrc')).toBe('old\nnew\n');
  });

  test('a conflict in the home is resolved by a command that names it', async () => {
    const lines = 'a\nb\nc\nd\ne\nf\n';
    const { home, run, read } = place({ '.bashrc': lines });
    await run(['run', '--home', 'cow', '-c', 'echo run >> ~/.bashrc']);
    fs.writeFileSync(join(home, '.bashrc'), `mine\n${lines}`);
    const refused = await run(['apply', '~/.bashrc']);
    expect(refused.status).toBe(3);
    const merge = refused.err.split('\n').find((line) => line.includes('--merge')) ?? '';
    const merged = await run(commandIn(merge, 'apply'));
    expect([merged.status, read('.bashrc')]).toEqual([0, `mine\n${lines}run\n`]);
  });

  test('apply -i says what only the user can decide', async () => {
    const { ask, run } = place({ '.bashrc': 'old\n' });
    await run(['run', '-c', 'echo new > ~/.bashrc; echo x > here']);
    const asked = await ask(['apply', '-i'], [{ after: 'p,?]? ', type: 'y\\n' }]);
    expect(asked.output).toContain('~/.bashrc exists, and the run did not see it');
    expect(asked.output).toMatch(/add lines: {2}wasbox apply \w+ --append ~\/\.bashrc/);
  });

  test('a diff tells a directory named ~ from the home', async () => {
    const { run } = place();
    await run(['run', '-c', 'mkdir ./~; echo own > ./~/file; echo home > ~/file']);
    const { out } = await run(['diff', '--no-pager']);
    const headers = out.split('\n').filter((line) => line.startsWith('+++ '));
    expect(headers).toEqual(['+++ b/./~/file', '+++ b/~/file']);
    const stat = (await run(['diff', '--stat', '--no-pager'])).out;
    expect(stat).toContain(' ./~/file');
    const applied = await run(['apply', './~/file']);
    expect([applied.status, applied.out]).toEqual([0, 'added    ./~\nadded    ./~/file\n']);
  });

  test('a name that was mistyped is no last run', async () => {
    const { run } = place({}, { 'script.sh': 'exit 4\n' });
    await run(['run', 'script.sh']);
    expect((await run(['run', 'skript.sh'])).status).toBe(127);
    expect((await run(['skript.sh'])).status).toBe(127);
    expect((await run(['why'])).out).toContain('script.sh exited 4');
  });

  test('an option behind the program is told, if it is the one that was lacking', async () => {
    const script = 'import socket, sys\nsocket.create_connection(("192.0.2.1", 80), 5)\n';
    const { run } = place({}, { 'script.py': script });
    const args = ['script.py', '--net', '192.0.2.1:80'];
    const ran = await run(['run', ...args]);
    expect(ran.err).toContain(
      '--net went to the program, because it stands behind script.py. For wasbox: wasbox run --net … script.py',
    );
    const other = await run(['run', 'script.py', '--socket', '/', '--network']);
    expect(other.err).toContain('the network is off');
    expect(other.err).not.toContain('went to the program');
  });

  test('why: a directory of --rw in the project is watched from a subdirectory', async () => {
    const { cwd, run } = place({}, { 'package.json': '{}', 'out/kept': 'old\n', 'src/x': '' });
    const words = ['--rw', '../out', '-c', 'echo new > ../out/kept; exit 4'];
    await run(['run', ...words], join(cwd, 'src'));
    expect(fs.readFileSync(join(cwd, 'out/kept'), 'utf8')).toBe('new\n'); // the control: it was real
    fs.writeFileSync(join(cwd, 'out/kept'), 'old\n');
    const why = await run(['why', '--rerun'], join(cwd, 'src'));
    expect([why.status, why.out], why.err).toEqual([1, expect.stringContaining('exited 4')]);
    expect(fs.readFileSync(join(cwd, 'out/kept'), 'utf8')).toBe('old\n');
  });

  test('do not say to bring home what a tool writes for itself', async () => {
    const { run } = place();
    const logs = await run(['run', '-c', 'mkdir -p ~/.npm/x; echo x > ~/.npm/x/a']);
    expect(logs.err).toContain('written to your home: ~/.npm/x/a');
    expect(logs.err).not.toContain('wasbox apply');
    const more = await run(['run', '-c', 'mkdir -p ~/.npm; echo x > ~/.npm/a; echo x > ~/tool']);
    expect(more.err).toContain('then wasbox apply ~/tool or wasbox discard\n');
  });

  test('--apply behind a program that fails is told', async () => {
    const { run } = place({}, { 'script.sh': 'echo x > made; test "$1" != --apply\n' });
    const failed = await run(['run', 'script.sh', '--apply']);
    expect(failed.err).toContain('--apply went to the program');
    const own = await run(['run', 'script.sh', '--other', '--apply']); // it does not mind
    expect([own.status, own.err.includes('went to')]).toEqual([0, false]);
  });

  test('a tool that looked for its registry has a preset, told unless it was given', async () => {
    const { cwd, run } = place({}, { 'bin/npm.sh': '#!/bin/sh\ngetent hosts registry.example\n' });
    fs.renameSync(join(cwd, 'bin/npm.sh'), join(cwd, 'bin/npm'));
    fs.copyFileSync(join(cwd, 'bin/npm'), join(cwd, 'bin/ordinary'));
    const env = { PATH: `${cwd}/bin:/usr/bin:/bin`, XDG_STATE_HOME: makeProject(as, {}, 'state') };
    const told = async (...words: string[]) =>
      (await runWasbox(['run', ...words], { as, cwd: makeProject(as), env })).err;
    const lookup = 'lookup registry.example';
    const without = await told('npm');
    expect(without).toContain(lookup);
    expect(without).toContain('npm has a preset: wasbox run --for npm');
    const given = await told('--for', 'npm', 'npm');
    expect(given).toContain('names no host');
    expect(given).not.toContain('has a preset');
    const ordinary = await told('ordinary');
    expect(ordinary).toContain(lookup);
    expect(ordinary).not.toContain('has a preset');
    expect((await run(['run', 'true'])).err).toBe('');
  });

  test('a mistyped program of PATH is told', async () => {
    const { run } = place();
    const typo = await run(['run', 'pyton3', 'x.py']);
    expect([typo.status, typo.err]).toEqual([
      127,
      expect.stringContaining('Did you mean python3?'),
    ]);
    expect((await run(['run', './pyton3'])).err).not.toContain('Did you mean');
  });

  test('a mistyped verb is told in the home, where nothing runs', async () => {
    const { home, run } = place();
    const typo = await run(['dif'], home);
    expect(typo.err).toContain('Did you mean: wasbox diff');
    expect((await run(['true'], home)).err).not.toContain('Did you mean');
  });
});
