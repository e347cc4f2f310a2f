/**
 * Tests what files that are obeyed name, in the spellings of the programs that read them. Each case stands beside
 * files that nothing names. The oracle is what the host has after a plain apply.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyRun, finishRun, openRun } from '../../../src/changes/index.js';
import { type Fixture, makeFixture, makeHome, runScript } from './fixture.js';

let fixture: Fixture;
let home: string;
const before = { ...process.env };
beforeEach(() => {
  fixture = makeFixture();
  home = makeHome(fixture);
  delete process.env.ZDOTDIR;
});
afterEach(() => {
  process.env.HOME = before.HOME;
  delete process.env.ZDOTDIR;
  fixture.dispose();
});

function put(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

/** Makes the files in a run and applies all. Returns those that are not there. */
function missing(names: readonly string[]): string[] {
  const made = names.map((name) => `mkdir -p "$(dirname '${name}')"; echo run > '${name}'`);
  const run = runScript(fixture, made.join('\n'));
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const kept = openRun(fixture.store);
  applyRun(fixture.store, kept);
  kept.close();
  return names.filter((name) => !existsSync(join(fixture.workdir, name)));
}

type Row = readonly [text: string, named: string];

/** Each in a directory of its own, with a file that is not named. */
function checkRows(file: string, rows: readonly Row[]): void {
  const at = (n: number, name: string) => `d${n}/${name}`;
  put(
    fixture.workdir,
    Object.fromEntries(rows.map(([text], n) => [at(n, file), `${text}\n`] as const)),
  );
  const named = rows.map(([, name], n) => at(n, name));
  const plain = rows.map((_, n) => at(n, 'plain/file.txt'));
  const held = missing([...named, ...plain]);
  const lost = named.filter((name) => !held.includes(name));
  expect(lost.map((name) => rows[Number(/\d+/.exec(name)?.[0])]?.[0])).toEqual([]);
  // Control: what is not named is applied.
  expect(held.filter((name) => plain.includes(name))).toEqual([]);
}

test('.envrc, as direnv reads it', () => {
  checkRows('.envrc', [
    ['export PATH="$PWD/tools:$PATH"', 'tools/ls'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    ['export PATH=${PWD}/tools/bin:$PATH', 'tools/bin/ls'],
    ['PATH=$(pwd)/tools:$PATH; export PATH', 'tools/ls'],
    ['PATH_add tools', 'tools/ls'],
    ['PATH_add "$PWD/tools"', 'tools/ls'],
    ['path_add PYTHONPATH lib', 'lib/os.py'],
    ['export PYTHONPATH="$PWD/lib"', 'lib/json/__init__.py'],
    ['load_prefix prefix', 'prefix/bin/ls'],
    ['load_prefix "$(expand_path prefix)"', 'prefix/lib/x.so'],
    ['source_env sub', 'sub/.envrc'],
    ['source_env "$PWD/setup"', 'setup'],
    ['. "$PWD/setup.sh"', 'setup.sh'],
    ['layout node', 'node_modules/.bin/ls'],
    ['layout php', 'vendor/bin/ls'],
    ['use nix', 'shell.nix'],
    ['use flake', 'flake.nix'],
    ['use vim', '.vimrc.local'],
    ['eval "$(./tools/env)"', 'tools/env'],
    ['export NODE_PATH=$PWD/lib', 'lib/x.js'],
    ['export PERL5LIB="$PWD/lib"', 'lib/strict.pm'],
    ['export XDG_CONFIG_HOME=$PWD/conf', 'conf/git/config'],
    ['export RUBYOPT=-r./lib.rb', 'lib.rb'],
    ['. scripts/{a,b}.sh', 'scripts/b.sh'],
    ['for f in lib*.sh; do . ./$f; done', 'lib-a.sh'],
    ['for f in lib*.sh\ndo\n  source "$f"\ndone', 'lib-a.sh'],
    ['for f in one two.sh; do if [ -e $f ]; then bash "$f"; fi; done', 'two.sh'],
    ['for f in run-*; do "./$f"; done', 'run-a'],
  ]);
  fixture.dispose();
  fixture = makeFixture();
  checkRows('.envrc', [['dotenv', '.env']]);
});

test('.mcp.json, as its clients read it', () => {
  const server = (one: object) => JSON.stringify({ mcpServers: { x: one } });
  checkRows('.mcp.json', [
    [
      server({ command: 'uv', args: ['--directory', 'server', 'run', 'main.py'] }),
      'server/main.py',
    ],
    [server({ command: 'python3', args: ['-m', 'server.main'] }), 'server/main.py'],
    [server({ command: 'node', args: ['.'] }), 'index.js'],
    [server({ command: 'node', args: ['server'] }), 'server/index.js'],
    [server({ command: 'node', args: ['main.js'], cwd: 'server' }), 'server/main.js'],
    [server({ command: 'npm', args: ['--prefix', 'server', 'start'] }), 'server/run.js'],
    [server({ command: 'x', env: { PATH: './tools:/usr/bin' } }), 'tools/x'],
    [server({ command: 'x', env: { PYTHONPATH: 'lib' } }), 'lib/os.py'],
    [server({ command: 'sh', args: ['-c', 'cd server && ./run'] }), 'server/run'],
  ]);
});

test('settings and tasks of VS Code', () => {
  checkRows('.vscode/settings.json', [
    ['// a comment\n{"typescript.tsdk": "tools/lib",}', 'tools/lib/tsserver.js'],
    ['{"eslint.nodePath": "tools"}', 'tools/eslint/index.js'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the editor's
    ['{"terminal.integrated.env.linux": {"PATH": "${workspaceFolder}/tools:$PATH"}}', 'tools/ls'],
    ['{"python.defaultInterpreterPath": "tools/python"}', 'tools/python'],
    ['{"rust-analyzer.server.path": "tools/ra"}', 'tools/ra'],
    ['{"prettier.prettierPath": "./tools/prettier"}', 'tools/prettier/index.js'],
  ]);
  fixture.dispose();
  fixture = makeFixture();
  checkRows('.vscode/tasks.json', [
    ['{"tasks": [{"command": "./run", "options": {"cwd": "tools"}}]}', 'tools/run'],
    ['{"tasks": [{"command": "python3", "args": ["-m", "tools.x"]}]}', 'tools/x.py'],
  ]);
});

test('a directory of programs that is the tree itself', () => {
  put(fixture.workdir, { '.envrc': 'export PATH="$PWD:$PATH"\n' });
  const run = runScript(
    fixture,
    'echo x > ls; chmod 755 ls; echo x > text.txt; mkdir d; echo x > d/f',
  );
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const kept = openRun(fixture.store);
  const report = applyRun(fixture.store, kept);
  kept.close();
  expect(report.refused.map(({ change }) => change.display)).toEqual(['ls']);
});

describe('files of the home', () => {
  /** @param text `@` stands for the project below the home, `%` for its absolute path */
  function named(file: string, text: string, held: string): void {
    // The project is below the home, as `%h` and `%d` mean.
    const project = join(home, 'proj');
    mkdirSync(project);
    fixture.dispose();
    fixture = makeFixture();
    process.env.HOME = fixture.base;
    put(fixture.base, { [file]: text.replaceAll('%W', fixture.workdir).replaceAll('@', 'work') });
    expect(missing([held, 'plain/file.txt'])).toEqual([held]);
  }

  test.each([
    ['.config/systemd/user/x.service', '[Service]\nExecStart=%h/@/run.sh\n', 'run.sh'],
    [
      '.config/systemd/user/x.service',
      '[Service]\nWorkingDirectory=%h/@\nExecStart=/bin/sh tools/x\n',
      'tools/x',
    ],
    [
      '.config/systemd/user/x.service',
      '[Service]\nEnvironment=PATH=%h/@/tools:/bin\nExecStart=x\n',
      'tools/x',
    ],
    ['.config/systemd/user/x.service', '[Service]\nEnvironmentFile=-%h/@/env.conf\n', 'env.conf'],
    ['.ssh/config', 'Host x\n  ProxyCommand %d/@/proxy %%h\n', 'proxy'],
    ['.ssh/config', 'Include %d/@/ssh.conf\n', 'ssh.conf'],
    ['.vimrc', 'set rtp+=~/@/vim\n', 'vim/plugin/x.vim'],
    ['.vimrc', "Plug '~/@/plugin'\n", 'plugin/autoload/x.vim'],
    ['.config/nvim/init.lua', 'vim.opt.rtp:prepend("%W/nvim")\n', 'nvim/plugin/x.lua'],
    ['.emacs', '(add-to-list \'load-path "~/@/lisp")\n', 'lisp/x.el'],
    ['.emacs.d/init.el', '(load "~/@/lisp/own")\n', 'lisp/own.el'],
    ['.zshrc', 'fpath=(~/@/zsh $fpath)\n', 'zsh/_ls'],
    ['.bashrc', 'export PATH="$HOME/@/tools:$PATH"\n', 'tools/ls'],
    [
      '.config/Claude/claude_desktop_config.json',
      '{"mcpServers": {"x": {"command": "node", "args": ["%W/server/x.js"]}}}',
      'server/x.js',
    ],
    [
      '.config/Claude/claude_desktop_config.json',
      '{"mcpServers": {"x": {"command": "uv", "args": ["--directory", "%W/server", "run", "x.py"]}}}',
      'server/x.py',
    ],
    ['.config/Code/User/settings.json', '{"eslint.nodePath": "%W/tools"}', 'tools/eslint.js'],
    ['.config/VSCodium/User/tasks.json', '{"tasks": [{"command": "%W/task"}]}', 'task'],
    ['.local/share/applications/x.desktop', '[Desktop Entry]\nExec=%W/start %%U\n', 'start'],
    [
      '.local/share/applications/x.desktop',
      '[Desktop Entry]\nPath=%W/app\nExec=./start\n',
      'app/start',
    ],
    ['.zshenv', 'export ZDOTDIR=~/@/zsh\n', 'zsh/.zshrc'],
  ])('%s: %s', (file, text, held) => {
    named(file, text, held);
  });

  test('start-up files in a directory that ZDOTDIR names', () => {
    const zsh = join(fixture.base, 'zsh');
    put(zsh, { '.zshrc': `source ${fixture.workdir}/rc\n` });
    expect(missing(['rc'])).toEqual([]);
    fixture.dispose();
    fixture = makeFixture();
    put(join(fixture.base, 'zsh'), { '.zshrc': `source ${fixture.workdir}/rc\n` });
    process.env.ZDOTDIR = join(fixture.base, 'zsh');
    expect(missing(['rc', 'plain.txt'])).toEqual(['rc']);
  });
});

test("pre-commit's configuration names what its hooks run, not which files they get", () => {
  put(fixture.workdir, {
    '.pre-commit-config.yaml': `exclude: >
  (?x)^(
    docs/one.yml|
    docs/two.yml
  )$
repos:
  - repo: local
    hooks:
      - id: a
        entry: python3 tools/a.py
        files: ^docs/three\\.yml|docs/four.yml$
      - files: |
          docs/five.yml
        id: b
        language: script
        entry: tools/b.sh
        args: [--config, tools/c.cfg]
      - exclude:
          docs/six.yml
        id: c
        entry: ./tools/d.sh
`,
  });
  const files = ['one', 'two', 'three', 'four', 'five', 'six'].map((name) => `docs/${name}.yml`);
  const run = ['tools/a.py', 'tools/b.sh', 'tools/c.cfg', 'tools/d.sh'];
  expect(missing([...files, ...run])).toEqual(run);
});
