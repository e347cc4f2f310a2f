/**
 * The home as a layer: nothing of it reaches the host unless it is named, whatever the payload leaves there, and with
 * `--home cow` no secret is read. The oracle is the host. Needs: user namespaces, overlayfs in them.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Identity, identities, isolatedIdentities } from '../support/identity.js';
import { type Files, makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

function makeHome(as: Identity, files: Files = {}) {
  const home = makeProject(as, { 'demo/': '', ...files }, 'home');
  const cwd = join(home, 'demo');
  const env = { HOME: home, XDG_STATE_HOME: join(home, '.local/state') };
  return {
    home,
    run: (args: readonly string[]) => runWasbox(args, { as, cwd, env }),
    outside: (code: string) => runProgram(['sh', '-c', code], { as, cwd, env }),
    read: (name: string) => fs.readFileSync(join(home, name), 'utf8'),
    has: (name: string) => fs.existsSync(join(home, name)),
  };
}

/** Files that programs run by themselves later. */
const started = [
  '.bashrc',
  '.profile',
  '.zshenv',
  '.ssh/authorized_keys',
  '.ssh/config',
  '.gitconfig',
  '.config/git/config',
  '.config/autostart/x.desktop',
  '.config/systemd/user/x.service',
  '.local/bin/ls',
  'bin/ls',
  '.cargo/bin/cargo',
  '.config/fish/config.fish',
  '.vimrc',
  '.config/nvim/init.lua',
  '.npmrc',
  '.config/Code/User/settings.json',
];

describe.each(isolatedIdentities())('as $label with $isolation', (as) => {
  it('nothing that runs by itself comes home with a directory or with everything', async () => {
    const { home, run, outside, has } = makeHome(as);
    const write = started
      .map((name) => `mkdir -p "$(dirname "$HOME/${name}")"; echo evil > "$HOME/${name}"`)
      .join('\n');
    await run(['run', '-c', write]);
    await run(['apply']);
    expect(started.filter(has)).toEqual([]);
    const everything = await run(['apply', home]);
    expect(everything.status).toBe(3);
    expect(started.filter(has)).toEqual([]);
    // Named, each comes. And the control: without wasbox, all are there at once.
    await run(['apply', '~/.local/bin/ls', '~/.ssh/config']);
    expect(started.filter(has)).toEqual(['.ssh/config', '.local/bin/ls']);
    await outside(write);
    expect(started.filter(has)).toEqual(started);
  });

  it('a file in the PATH is held back wherever it is', async () => {
    const { home, run, has } = makeHome(as, { 'tools/old': '' });
    const env = { PATH: `${join(home, 'tools')}:/usr/bin:/bin` };
    const asked = { as, cwd: join(home, 'demo'), env: { HOME: home, ...env } };
    const write = [
      'run',
      '-c',
      'mkdir -p ~/tools ~/other; echo x > ~/tools/ls; echo x > ~/other/ls',
    ];
    const ran = await runWasbox(write, asked);
    const id = /wasbox diff (\w+)/.exec(ran.err)?.[1] ?? '';
    const applied = await runWasbox(['apply', id, home], asked);
    expect(applied.err).toContain('~/tools/ls: not applied automatically');
    expect([has('tools/ls'), has('other/ls')]).toEqual([false, true]);
    expect((await run(['runs'])).status).toBe(0);
  });

  it('attributes of overlayfs and devices that the payload makes hide nothing and delete nothing', async () => {
    const { home, run, read, has } = makeHome(as, { '.config/app/rc': 'mine', '.keep': 'k' });
    const python = [
      'import os',
      'h = os.environ["HOME"]',
      'os.makedirs(h + "/.config/app")',
      'for d in ("", "/.config", "/.config/app"):',
      '  for v in ("opaque", "redirect", "metacopy"):',
      '    try: os.setxattr(h + d, "user.overlay." + v, b"y")',
      '    except OSError: pass',
      'try: os.mknod(h + "/.keep", 0o20600, 0)',
      'except OSError: pass',
      'open(h + "/.config/app/new", "w").write("n")',
    ].join('\n');
    await run(['run', '--lang', 'python', '-c', python]);
    const diff = await run(['diff', '--name-only']);
    expect(diff.out).not.toContain('rc');
    await run(['apply', home, '--theirs']);
    expect([read('.config/app/rc'), read('.keep')]).toEqual(['mine', 'k']);
    expect(has('.config/app')).toBe(true);
  });

  it('a link or a moved directory in the home leads apply nowhere', async () => {
    const { home, run, has } = makeHome(as, { 'target/': '' });
    const code =
      'ln -s /etc ~/etc; ln -s ../../../../../../../../tmp ~/tmp; mkdir ~/d; ln -s ~/../.. ~/d/up; mkdir -p ~/target; echo x > ~/target/file';
    await run(['run', '-c', code]);
    // Meanwhile the directory becomes a link on the host.
    fs.rmdirSync(join(home, 'target'));
    const outside = makeProject(as, {});
    fs.symlinkSync(outside, join(home, 'target'));
    const applied = await run(['apply', home]);
    expect(applied.status).toBe(3);
    expect(fs.readdirSync(outside)).toEqual([]);
    expect([has('etc'), has('tmp'), has('d/up')]).toEqual([false, false, false]);
  });
});

describe.each(identities())('as $label', (as) => {
  it('the state directory, the next run’s home and a killed run’s: nothing crosses', async () => {
    const { home, run } = makeHome(as);
    await run(['run', '-c', 'echo secret > ~/first']);
    const second = await run(['run', '-c', 'ls -A ~; ls ~/.local/state/wasbox/saved/*']);
    expect(second.out).not.toContain('first');
    expect(second.out).not.toContain('upper');
    const cow = await run(['run', '--home', 'cow', '-c', 'find ~/.local/state; mv ~/.local ~/x']);
    expect(cow.out).not.toContain('first');
    expect(cow.err).toMatch(/busy|cannot move/);
    // The control: on the host it is there.
    const found = fs.readdirSync(join(home, '.local/state/wasbox/saved'));
    expect(found.length).toBeGreaterThan(0);
  });

  it('--home cow shows no secret, by no way', async () => {
    const secrets: Files = {
      '.ssh/id_ed25519': 'S3CRET',
      '.aws/credentials': 'S3CRET',
      '.config/gh/hosts.yml': 'S3CRET',
      '.config/gcloud/x': 'S3CRET',
      '.netrc': 'S3CRET',
      '.npmrc': 'S3CRET',
      '.git-credentials': 'S3CRET',
      '.mozilla/firefox/key4.db': 'S3CRET',
      '.bash_history': 'S3CRET',
      '.cargo/credentials.toml': 'S3CRET',
      '.local/share/keyrings/login': 'S3CRET',
      'work/other/.env': 'S3CRET',
      'work/deep/er/id_rsa': 'S3CRET',
    };
    const { run, outside } = makeHome(as, { ...secrets, '.bashrc': 'plain', 'demo/.env': 'own' });
    const look =
      'cat ~/.bashrc .env; grep -rs S3CRET ~; cp -r ~/.ssh /tmp/a; mv ~/.ssh ~/b; mv ~/work ~/c; cat /tmp/a/* ~/b/* ~/c/other/.env; ln ~/.netrc ~/n; cat ~/n; true';
    const ran = await run(['run', '--home', 'cow', '-c', look]);
    expect(ran.out).toContain('plain');
    expect(ran.out).toContain('own'); // the project's own, as ever
    expect(ran.out).not.toContain('S3CRET');
    // The control: each is found without the sandbox.
    const control = await outside('grep -rls --exclude-dir=state S3CRET ~ | wc -l');
    expect(Number(control.out)).toBe(Object.keys(secrets).length);
  });
});
