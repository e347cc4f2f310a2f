/**
 * Tests what an existing configuration of the host makes programs run or obey: a change to it, and its deletion,
 * are not applied unless they are named. The oracle is what the host has afterwards, and in the controls
 * the program that obeys it.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../../support/identity.js';
import { makeProject, writeFiles } from '../../support/project.js';
import { heldIn, reviewed } from '../../support/reviewed.js';
import { runProgram } from '../../support/wasbox.js';

describe.each(identities())('apply as $label', (as) => {
  test('deletes a file that is obeyed like any other (15)', async () => {
    const kept = {
      '.npmrc': 'ignore-scripts=true\n',
      '.gitattributes': '*.key filter=encrypt\n',
      '.gitignore': '.env\n',
      '.envrc': '',
      'tools/check.sh': '#!/bin/sh\n',
      'sub/.npmrc': 'audit=true\n',
      '.vscode/settings.json': '{}',
    };
    const plain = { 'src/a.js': '', '.venv/bin/pip': '', 'old/.npmrc': '', 'old/b.js': '' };
    const { run, has, outside, wasbox } = reviewed(as, { ...kept, ...plain, Makefile: '' });
    await outside(`git init -q; git config alias.check '!tools/check.sh'
      printf '#!/bin/sh\\nexit 1\\n' > .git/hooks/pre-commit; chmod 755 .git/hooks/pre-commit`);
    const said = await run(`rm -r ${Object.keys(kept).join(' ')} .git/hooks/pre-commit .git/config
      rm -r old src .venv Makefile; rm -r .vscode; mkdir .vscode`);
    const held = [...Object.keys(kept), '.git/hooks/pre-commit', '.git/config'];
    expect(heldIn(said)).toEqual(held.sort());
    for (const name of held) expect(has(name), name).toBe(true);
    for (const name of ['old', 'src', '.venv', 'Makefile']) expect(has(name), name).toBe(false);
    // Control: the hook that is still there refuses the commit; deleted by name, it does not.
    const commit = 'git -c user.email=a@b -c user.name=n commit -q --allow-empty -m x';
    expect((await outside(commit)).status).toBe(1);
    await wasbox('apply', '.git/hooks/pre-commit', '.npmrc');
    expect([has('.git/hooks/pre-commit'), has('.npmrc')]).toEqual([false, false]);
    expect((await outside(commit)).status).toBe(0);
  });

  test('puts a directory in its place like any other change', async () => {
    const { run, read, has } = reviewed(as, { '.npmrc': 'audit=true\n', 'plain.txt': 'old\n' });
    const said = await run('rm .npmrc plain.txt; mkdir .npmrc plain.txt');
    expect(heldIn(said)).toEqual(['.npmrc']);
    expect([read('.npmrc'), has('plain.txt/.')]).toEqual(['audit=true\n', true]);
  });

  test('holds a program in a directory of PATH, also of a relative entry', async () => {
    const usual = '/usr/local/bin:/usr/bin:/bin';
    const files = { 'bin/ls.sh': 'old\n', 'real/x': '', 'sub/node_modules/.bin/': '', f: '' };
    const script = `for name in bin/git sub/node_modules/.bin/cc sub/bin/a bins/ls top; do
        mkdir -p "$(dirname $name)"; printf '#!/bin/sh\\ntouch "$FIRED"\\n' > $name; chmod 755 $name; done
      echo run > real/x; echo text > plain; mkdir -p other; ln -s ../real other/bin`;
    const control = reviewed(as, files, { PATH: usual });
    // A file that is no link into a package is held in any PATH.
    expect(heldIn(await control.run(script))).toEqual(['sub/node_modules/.bin/cc']);
    const { run, cwd } = reviewed(as, files, { PATH: `bin:./node_modules/.bin/:${usual}` });
    const byName = ['bin/git', 'other/bin', 'real/x', 'sub/bin/a', 'sub/node_modules/.bin/cc'];
    expect(heldIn(await run(script))).toEqual(byName);
    const all = reviewed(as, files, { PATH: `${usual}:.` });
    const programs = ['bin/git', 'bins/ls', 'other/bin', 'sub/bin/a', 'sub/node_modules/.bin/cc'];
    expect(heldIn(await all.run(script))).toEqual([...programs, 'top']);
    // Control: with such a PATH, the shell runs what was applied without it.
    const fire = (directory: string) =>
      runProgram(['/bin/sh', '-c', 'git > /dev/null 2>&1; ls fired'], {
        as,
        cwd: directory,
        env: { PATH: `bin:${usual}`, FIRED: 'fired' },
      });
    expect((await fire(control.cwd)).out).toBe('fired\n');
    expect((await fire(cwd)).out).toBe('');
  });

  test('holds a program where a link in the tree makes a directory of PATH', async () => {
    const files = { 'tools/x': '', 'plain/x': '' };
    const { run, outside, read } = reviewed(as, files, { PATH: 'bin:/usr/bin:/bin' });
    await outside('ln -s tools bin');
    expect(heldIn(await run('echo run > tools/ls; echo run > plain/ls'))).toEqual(['tools/ls']);
    expect(read('plain/ls')).toBe('run\n');
  });

  /** Ways in which git runs a file of the tree: its configuration, the file, and what makes git do it. */
  const ways: readonly (readonly [string, string, string, string])[] = [
    ['a path', 'alias.x=!./tools/x', 'tools/x', 'git x'],
    ['a substitution', 'alias.x=!$(git rev-parse --show-toplevel)/tools/x', 'tools/x', 'git x'],
    ['backquotes', 'alias.x=!`pwd`/tools/x', 'tools/x', 'git x'],
    ['a variable', 'alias.x=!d="$(pwd)"; "$d/tools/x"', 'tools/x', 'git x'],
    ['another directory', 'alias.x=!cd tools && ./x', 'tools/x', 'git x'],
    [
      'a found directory',
      'alias.x=!cd "$(git rev-parse --show-toplevel)/tools" && sh x',
      'tools/x',
      'git x',
    ],
    ['a line of its own', 'alias.x=!cd tools\n./x', 'tools/x', 'git x'],
    ['PATH', 'alias.x=!PATH=tools:$PATH x', 'tools/x', 'git x'],
    ['a function', 'alias.x=!f() { sh -c "cd tools; . ./x"; }; f', 'tools/x', 'git x'],
    ['an interpreter', 'alias.x=!sh tools/x', 'tools/x', 'git x'],
    ['a wildcard', 'alias.x=!for f in tools/*; do "./$f"; done', 'tools/x', 'git x'],
    ['a name with a space', 'alias.x=!"./my tools/x"', 'my tools/x', 'git x'],
    ['a module', 'alias.x=!python3 -m tools.x', 'tools/x.py', 'git x'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    ['a default', 'alias.x=!${NONE:-tools/x}', 'tools/x', 'git x'],
    ['a filter', 'filter.a.clean=tools/x', 'tools/x', 'touch f; git add f'],
    ['a diff driver', 'diff.b.command=tools/x', 'tools/x', 'echo >> g; git diff'],
    ['a text conversion', 'diff.c.textconv=tools/x', 'tools/x', 'echo >> h; git diff'],
    ['hooks', 'core.hooksPath=tools', 'tools/post-commit', 'git commit -q --allow-empty -m x'],
    ['a monitor', 'core.fsmonitor=tools/x', 'tools/x', 'git status'],
    ['an editor', 'core.editor=tools/x', 'tools/x', 'git commit --allow-empty'],
    ['ssh', 'core.sshCommand=tools/x', 'tools/x', 'git ls-remote ssh://host.invalid/x'],
    ['signatures', 'gpg.program=./tools/x', 'tools/x', 'git commit -q -S --allow-empty -m x'],
    [
      'credentials',
      'credential.helper=!tools/x',
      'tools/x',
      'echo url=https://host.invalid | git credential fill',
    ],
    [
      'an address',
      'url.ext::tools/x #.insteadOf=z:',
      'tools/x',
      'git -c protocol.ext.allow=always ls-remote z:a',
    ],
    ['an include', 'include.path=../tools/x', 'tools/x', 'git x'],
  ];

  test('holds a file that git’s configuration makes it run (15)', {
    timeout: 300_000,
  }, async () => {
    // All at once, each with a directory, an alias and a mark of its own.
    const all = ways.map(([name, setting, file, use], at) => {
      const own = (text: string) =>
        text.replaceAll('tools', `t${at}`).replace(/\bx(?==|$)/, `x${at}`);
      const [, key = '', value = ''] =
        /^(.*?[a-zA-Z])=(.*)$/s.exec(setting.replaceAll('tools', `t${at}`)) ?? [];
      const body: Record<string, string> = {
        'an include': `[alias]\\n\\tx${at} = !touch fired-${at}\\n`,
        'a module': `open("fired-${at}", "w")\\n`,
      };
      const content =
        body[name] ??
        `#!/bin/sh\\ntouch "${'$'}{0%/*}/fired-${at}" 2> /dev/null; touch "${'$'}(git rev-parse --show-toplevel)/fired-${at}"\\n`;
      return {
        name: `${name}: ${setting}`,
        key: key === 'alias.x' ? `alias.x${at}` : key,
        value,
        file: file.replace('tools', `t${at}`),
        use: own(use),
        content,
        mark: `fired-${at}`,
      };
    });
    const one = reviewed(as, { f: 'f\n', g: 'g\n', h: 'h\n', 'src/x': 'old\n' });
    const settings = all.map(({ key, value }) => `git config '${key}' '${value}'`).join('\n');
    const start = `git init -q; git config user.email a@b; git config user.name n
      printf 'f filter=a\ng diff=b\nh diff=c\n' > .git/info/attributes; git add f g h; git commit -qm one`;
    expect((await one.outside(`${start}\n${settings}`)).err).toBe('');
    const made = all.map(
      ({ file, content }) =>
        `mkdir -p "$(dirname '${file}')"; printf %b '${content}' > '${file}'; chmod 755 '${file}'`,
    );
    const said = await one.run(`${made.join('\n')}\necho run > src/x; echo run > plain`);
    expect(said).toContain(`${all.length} changes not applied`);
    for (const { file, name } of all) expect(one.has(file), name).toBe(false);
    expect([one.read('src/x'), one.read('plain')]).toEqual(['run\n', 'run\n']);
    const uses = all.map(({ use }) => `(${use}) < /dev/null > /dev/null 2>&1 || true`).join('\n');
    await one.outside(uses);
    for (const { mark, name } of all) expect(one.has(mark), name).toBe(false);
    // Control: named, they are applied, and git runs them.
    await one.wasbox('apply', ...all.map(({ file }) => file));
    await one.outside(uses);
    for (const { mark, name } of all) expect(one.has(mark), name).toBe(true);
  });

  test('holds a file that a hook, a start-up file or a task file names', async () => {
    const HOME = makeProject(as, {}, 'home');
    const named: Record<string, string> = {
      '.git/hooks/pre-commit': '#!/bin/sh\n# plain/a\n. "$(dirname "$0")/../../t/hook.sh"\n',
      '.husky/pre-push': 'node t/push.js\neslint plain/*.js plain\n',
      '.envrc': 'PATH_add t/bin\nsource_env ./t/env.sh\n',
      '.pre-commit-config.yaml': 'repos:\n- repo: local\n  hooks:\n  - {id: x, entry: t/check}\n',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the editor's
      '.vscode/tasks.json': '{"command": "${workspaceFolder}/t/task", "args": ["t/arg.py"]}',
      'sub/.npmrc': 'script-shell=./t/shell\n',
    };
    const { cwd, run, read, outside } = reviewed(as, { 'plain/a': 'old\n' }, { HOME });
    await outside('git init -q');
    writeFiles(as, cwd, named);
    writeFiles(as, HOME, {
      '.bashrc': `# start\nsource ${cwd}/t/rc\n[ -f x ] && . ${cwd}/t/d/*.sh\n`,
    });
    const held = [
      't/hook.sh',
      't/push.js',
      't/bin/tool',
      't/env.sh',
      't/check',
      't/task',
      't/arg.py',
    ];
    held.push('sub/t/shell', 't/rc', 't/d/a.sh');
    const files = [...held, 't/other', 't/d/a.txt', 'plain/a', 'plain/b.js'];
    const said = await run(`mkdir -p t/bin t/d sub/t
      for f in ${files.join(' ')}; do echo 'echo run >&2' > $f; done`);
    expect(heldIn(said)).toEqual(held.sort());
    expect(said).toContain('t/rc: not applied automatically: your ~/.bashrc names it');
    expect(said).toContain('t/push.js: not applied automatically: .husky/pre-push names it');
    expect([read('plain/a'), read('t/other')]).toEqual(['echo run >&2\n', 'echo run >&2\n']);
    // Control: git runs what its hook names.
    const applied = reviewed(as, { ...named, 't/hook.sh': 'touch fired\n' });
    await applied.outside('git init -q; chmod 755 .git/hooks/pre-commit');
    await applied.outside('git -c user.email=a@b -c user.name=n commit -q --allow-empty -m x');
    expect(applied.has('fired')).toBe(true);
  });

  test.each([0, 500])(
    'holds a file that a hook outside the tree names, beside %d scripts in it',
    async (scripts) => {
      const git = makeProject(as, {}, 'git');
      const { run, outside } = reviewed(as, { f: '' });
      await outside(`git init -q --separate-git-dir=${git}/own; mkdir -p ${git}/own/hooks .husky
      echo 'sh t/x' > ${git}/own/hooks/pre-commit
      n=0; while [ $n -lt ${scripts} ]; do echo true > .husky/h$n; n=$((n + 1)); done`);
      const held = heldIn(await run('mkdir -p t; echo run > t/x; echo run > t/y'));
      // Beyond the number of scripts that are read, everything is held back.
      expect(held).toEqual(scripts === 0 ? ['t/x'] : ['t/x', 't/y']);
    },
  );

  test('holds a file that a variable of the user names as a command', async () => {
    const script = 'mkdir -p t; for f in t/ssh t/edit t/x; do echo run > $f; done';
    const more = { GIT_SSH_COMMAND: './t/ssh -v', EDITOR: 't/edit' };
    const { run } = reviewed(as, { f: '' }, more);
    expect(heldIn(await run(script))).toEqual(['t/edit', 't/ssh']);
    expect(heldIn(await reviewed(as, { f: '' }).run(script))).toEqual([]);
  });

  test('follows no link in a directory that may be read but not entered', async () => {
    const { run, cwd, outside, read } = reviewed(as, { 'closed/': '', 'text.txt': 'old\n' });
    await outside('ln -s ../text.txt closed/.envrc; chmod 444 closed');
    // An ordinary user can list it, and nothing else; root can do all.
    const look = await outside('ls -A closed; readlink closed/.envrc || true');
    const isRoot = as.uid === 0;
    expect(look.out).toBe(isRoot ? '.envrc\n../text.txt\n' : '.envrc\n');
    expect(heldIn(await run('echo run > text.txt'))).toEqual(isRoot ? ['text.txt'] : []);
    expect(read('text.txt')).toBe(isRoot ? 'old\n' : 'run\n');
    // The control: where it can be entered, the link counts.
    fs.chmodSync(join(cwd, 'closed'), 0o755);
    expect(heldIn(await run('echo again > text.txt'))).toEqual(['text.txt']);
  });
});
