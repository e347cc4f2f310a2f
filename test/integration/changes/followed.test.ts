/**
 * Tests what obeyed files run in turn, what variables and programs of the user lead to, and objects of git that are
 * exchanged. Each case stands beside a file that nothing names. The oracle is what the host has after a plain apply.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyRun, finishRun, openRun } from '../../../src/changes/index.js';
import { type Fixture, makeFixture, makeHome, runScript } from './fixture.js';

let fixture: Fixture;
let home: string;
const before = { ...process.env };
beforeEach(() => {
  fixture = makeFixture();
  home = makeHome(fixture);
});
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  fixture.dispose();
});

/** Writes files below a directory; `%W` stands for the working directory. */
function put(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(dirname(join(root, name)), { recursive: true });
    fs.writeFileSync(join(root, name), text.replaceAll('%W', fixture.workdir), { mode: 0o755 });
  }
}

/** Applies what a script left. Returns the paths that are held, and those that are marked. */
function applied(script: string): { held: string[]; marked: string[] } {
  const run = runScript(fixture, script);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const kept = openRun(fixture.store);
  try {
    const { applied: done, refused } = applyRun(fixture.store, kept);
    const marked = done.filter(({ flags }) => flags.includes('runs-later'));
    return {
      held: refused.map(({ change }) => change.display).sort(),
      marked: marked.map(({ display }) => display).sort(),
    };
  } finally {
    kept.close();
  }
}

/** Makes files of these names and one that nothing names, and applies them. */
function afterMaking(...names: readonly string[]): { held: string[]; marked: string[] } {
  const all = [...names, 'plain/file'];
  const found = applied(
    all.map((name) => `mkdir -p "$(dirname ${name})"; echo run > ${name}`).join('\n'),
  );
  // Control: what is not named is applied.
  expect(fs.readFileSync(join(fixture.workdir, 'plain/file'), 'utf8')).toBe('run\n');
  return found;
}

const chains: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  [
    'a shell script that another sources',
    { '.envrc': '. t/env.sh\n', 't/env.sh': '. t/lib.sh\n', 't/lib.sh': '' },
    't/lib.sh',
  ],
  [
    'a script beside the one that a hook starts',
    {
      '.git/HEAD': 'ref: refs/heads/main\n',
      '.git/hooks/pre-commit': '#!/bin/sh\nexec t/check\n',
      't/check': '#!/bin/sh\n. "$(dirname "$0")/common.sh"\n',
      't/common.sh': '',
    },
    't/common.sh',
  ],
  [
    'a module that Python imports from beside the script',
    { '.envrc': 'python3 t/a.py\n', 't/a.py': 'import sys\nfrom b.c import d\n', 't/b/c.py': '' },
    't/b/c.py',
  ],
  [
    'a new module in place of one of Python’s',
    { '.envrc': 'python3 t/a.py\n', 't/a.py': 'import json, os\n' },
    't/json.py',
  ],
  [
    'a module that Node.js requires',
    {
      '.husky/pre-push': 'node t/a.mjs\n',
      't/a.mjs': "import x from '../u/b.js';\n",
      'u/b.js': '',
    },
    'u/b.js',
  ],
  [
    'a file of Ruby',
    { '.envrc': 'ruby t/a.rb\n', 't/a.rb': "require_relative 'b'\n", 't/b.rb': '' },
    't/b.rb',
  ],
  [
    'a file that Nix imports',
    { '.envrc': 'use nix\n', 'shell.nix': 'import ./nix/x.nix { }\n', 'nix/x.nix': '' },
    'nix/x.nix',
  ],
  [
    'a directory that Nix imports',
    { '.envrc': 'use flake\n', 'flake.nix': '{ x = import ./dev { }; }\n', 'dev/a': '' },
    'dev/default.nix',
  ],
  [
    'a directory that use flake names',
    { '.envrc': 'use flake ./dev\n', 'dev/a': '' },
    'dev/flake.nix',
  ],
  [
    'a directory that use flake names with a shell in it',
    { '.envrc': 'use flake "path:$PWD/dev/#ci" --impure\n', 'dev/a': '' },
    'dev/flake.lock',
  ],
  [
    'a directory that use nix names',
    { '.envrc': 'use nix dev/\n', 'dev/a': '' },
    'dev/default.nix',
  ],
  ['a file that use nix reads by default', { 'dev/.envrc': 'use nix\n' }, 'dev/default.nix'],
  ['a file below nix beside an .envrc', { 'dev/.envrc': 'x=1\n' }, 'dev/nix/shell.nix'],
  ['a file that direnv reads at the top of a tree', {}, 'default.nix'],
];

test.each(chains)('%s is held with what runs it', (_, files, named) => {
  put(fixture.workdir, files);
  expect(afterMaking(named).held).toEqual([named]);
});

test('a file of Nix further down that no .envrc is beside, names or imports is not held', () => {
  put(fixture.workdir, { '.envrc': 'use flake\n', 'flake.nix': '{ }\n', 'other/.envrc': 'x=1\n' });
  const { held } = afterMaking('pkgs/a/default.nix', 'pkgs/b/flake.nix', 'nix/pkgs/shell.nix');
  expect(held).toEqual([]);
});

test('a word of a followed script that it does not run is not held', () => {
  put(fixture.workdir, {
    '.envrc': '. t/env.sh\n',
    't/env.sh': 'cp README.md out\ncat src/a.c\n. ./b.sh\n',
    'README.md': '',
    'src/a.c': '',
    'b.sh': '',
  });
  expect(afterMaking('README.md', 'src/a.c', 'b.sh').held).toEqual(['b.sh']);
});

const homes: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  [
    'a file that a start-up file reads',
    { '.bashrc': '. ~/.config/own.sh\n', '.config/own.sh': '. %W/t/x\n' },
    't/x',
  ],
  ['a path behind a variable', { '.bashrc': 'P=/any\n. $P/work/t/x\n' }, 't/x'],
  [
    'a drop-in of a unit',
    { '.config/systemd/user/a.service.d/o.conf': '[Service]\nExecStart=%W/t/x\n' },
    't/x',
  ],
  [
    'a file that ssh includes',
    { '.ssh/config': 'Include own/config\n', '.ssh/own/config': 'Host a\n ProxyCommand %W/t/x\n' },
    't/x',
  ],
];

test.each(homes)('a file that %s of the home names is held', (_, files, named) => {
  put(home, files);
  expect(afterMaking(named).held).toEqual([named]);
});

test('a file that programs of PATH lead to is held', () => {
  put(home, { 'own/wrapper': '#!/bin/sh\nexec %W/t/wrapped "$@"\n', 'own/other': '#!/bin/sh\n' });
  fs.symlinkSync(join(fixture.workdir, 't/linked'), join(home, 'own/link'));
  process.env.PATH = `${join(home, 'own')}:${before.PATH}`;
  expect(afterMaking('t/wrapped', 't/linked', 't/other').held).toEqual(['t/linked', 't/wrapped']);
});

test('a file that one in a directory above names is held', () => {
  put(fixture.base, {
    '.envrc': 'PATH_add work/t\n',
    '.vscode/settings.json': '{"eslint.nodePath": "work/u"}',
  });
  expect(afterMaking('t/ls', 'u/eslint.js', 'v/x').held).toEqual(['t/ls', 'u/eslint.js']);
});

test('a file that variables of the environment name is held, and modules of a language are marked', () => {
  Object.assign(process.env, { LD_LIBRARY_PATH: 'lib:', NODE_OPTIONS: '--require ./pre.js' });
  Object.assign(process.env, { RUBYLIB: 'rb', XDG_CONFIG_HOME: join(fixture.workdir, 'conf') });
  const names = ['lib/x', 'any/libm.so.6', 'pre.js', 'rb/set.rb', 'conf/git/config', 'any/so'];
  const { held, marked } = afterMaking(...names);
  expect(held).toEqual(['any/libm.so.6', 'conf/git/config', 'lib/x', 'pre.js']);
  expect(marked).toEqual(['rb/set.rb']);
});

test('a file that no variable of the environment names is not held', () => {
  const names = ['lib/x', 'any/libm.so.6', 'pre.js', 'rb/set.rb'];
  expect(afterMaking(...names)).toEqual({ held: [], marked: [] });
});

test('a module at the top with the name of one of Python’s is marked, and python3 -m runs it', () => {
  const { held, marked } = afterMaking(
    'argparse.py',
    'own.py',
    'src/argparse.py',
    'logging/__init__.py',
  );
  expect([held, marked]).toEqual([[], ['argparse.py', 'logging/__init__.py']]);
  // Control: `run` is no name that Python knows.
  const start = () =>
    execFileSync('python3', ['-m', 'zipfile'], { cwd: fixture.workdir, stdio: 'pipe' });
  expect(start).toThrow(/NameError/);
});

test('an object of git whose content is another is held, and git would show it', () => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=a@b', ...args], {
      cwd: fixture.workdir,
      encoding: 'utf8',
    });
  put(fixture.workdir, { Makefile: 'all: ; echo reviewed\n' });
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'one');
  const hash = git('rev-parse', 'HEAD:Makefile').trim();
  const object = `.git/objects/${hash.slice(0, 2)}/${hash.slice(2)}`;
  const script = `rm -f ${object}; python3 -c 'import sys, zlib
text = b"all: ; echo EVIL\\n"
open(sys.argv[1], "wb").write(zlib.compress(b"blob %d\\0" % len(text) + text))' ${object}
    git -c user.name=n -c user.email=a@b commit -q --allow-empty -m two`;
  expect(applied(script).held).toEqual([object]);
  expect(git('show', 'HEAD:Makefile')).toBe('all: ; echo reviewed\n');
  // The commit that was made beside it has objects as git makes them.
  expect(git('log', '-1', '--format=%s').trim()).toBe('two');
  // Control: named, it is applied, and git shows its content under the same name.
  const kept = openRun(fixture.store);
  applyRun(fixture.store, kept, { paths: [object] });
  kept.close();
  expect(git('show', 'HEAD:Makefile')).toBe('all: ; echo EVIL\n');
  expect(git('rev-parse', 'HEAD:Makefile').trim()).toBe(hash);
});
