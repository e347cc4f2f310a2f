/** Tests that what a program that failed names, in any of its parts, is found: variables, files of the home, hosts. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();
const env = { GITHUB_TOKEN: 'secret', OTHER_TOKEN: 'other', HOST_LEVEL: '3' };

describe('a variable that only a part of the program names', () => {
  const reads = 'import os\nos.environ["GITHUB_TOKEN"]\n';
  const fails = 'raise SystemExit(1)\n';
  const parts: Readonly<Record<string, readonly [files: Record<string, string>, words: string[]]>> =
    {
      'a module': [{ 'a.py': 'import helper\n', 'helper.py': reads }, ['a.py']],
      'a module of a module': [
        {
          'a.py': 'from app import main\n',
          'app/__init__.py': '',
          'app/main.py': 'import app.config\n',
          'app/config.py': reads,
        },
        ['a.py'],
      ],
      'a package that is started': [
        { 'app/__main__.py': 'from . import config\n', 'app/config.py': reads },
        ['--', 'python3', '-m', 'app'],
      ],
      'a module of Node': [
        {
          'a.js': 'require("./lib/x")\n',
          'lib/x.js': 'process.exit(process.env.GITHUB_TOKEN ? 0 : 1)\n',
        },
        ['a.js'],
      ],
      'a sourced file': [{ 'a.sh': '. ./b.sh\n', 'b.sh': 'test -n "$GITHUB_TOKEN"\n' }, ['a.sh']],
      'a Makefile': [{ Makefile: 'all:\n\ttest -n "$$GITHUB_TOKEN"\n' }, ['--', 'make']],
      'a script of package.json': [
        {
          'package.json': '{"scripts":{"start":"node s.js"}}',
          's.js': 'process.exit(process.env.GITHUB_TOKEN ? 0 : 1)\n',
        },
        ['--', 'npm', 'start'],
      ],
    };
  const start = async (files: Record<string, string>, words: readonly string[]) =>
    (await runWasbox(['run', ...words], { as, cwd: makeProject(as, files), env })).err;

  test.each(Object.entries(parts))('is named: %s', async (_, [given, words]) => {
    expect(await start(given, words)).toContain(
      'GITHUB_TOKEN is set, but was not passed. If the program may have it: --env GITHUB_TOKEN\n',
    );
  });

  test.each([
    ['a file that it does not name', { 'a.py': fails, 'helper.py': reads }, ['a.py']],
    [
      'a module of its packages',
      { 'a.py': `import x\n${fails}`, 'node_modules/x.py': reads },
      ['a.py'],
    ],
    ['a Makefile of another program', { 'a.py': fails, Makefile: '# GITHUB_TOKEN\n' }, ['a.py']],
  ])('is not named: %s', async (_, given, words) => {
    expect(await start(given, words)).not.toContain('was not passed');
  });

  test('is not read from a link, pipe or directory in its place', async () => {
    const cwd = makeProject(as, { 'a.py': `import p, l\n`, 'other/secret.py': reads });
    await runProgram(['sh', '-c', 'mkfifo p.py; ln -s other/secret.py l.py'], { as, cwd });
    const { err } = await runWasbox(['run', '--timeout', '5s', 'a.py'], {
      as,
      cwd,
      env,
      timeoutMs: 60_000,
    });
    expect(err).not.toContain('was not passed');
  });
});

describe('a file of the home that the program names', () => {
  const scripts = {
    'tilde.py':
      'import os\nprint(open(os.path.expanduser("~/wasbox-data/a.csv")).read(), end="")\n',
    'home.sh': 'cat "$HOME/wasbox-data/a.csv"\n',
    'other.sh': 'cat ~/wasbox-data/missing.csv\n',
    'key.sh': 'cat ~/.ssh/id_wasbox\n',
    'directory.sh': 'SRC="$HOME/wasbox-data"\ntar -cf - -C "$SRC" . | tar -t | grep csv\n',
  };
  const held = ['wasbox-data/a.csv', '.ssh/id_wasbox'].map((name) => join(as.home, name));
  beforeAll(async () => {
    const words = ['sh', '-c', 'for f; do mkdir -p "$(dirname "$f")"; echo 1,2 > "$f"; done', 'sh'];
    await runProgram([...words, ...held], { as });
  });
  afterAll(async () => {
    await runProgram(['rm', '-f', ...held], { as });
  });
  const start = (...words: string[]) =>
    runWasbox(['run', ...words], { as, cwd: makeProject(as, scripts) });
  const option = `--ro ${join(as.home, 'wasbox-data/a.csv')}`;

  test.each([
    ['tilde.py', ['tilde.py']],
    ['home.sh', ['home.sh']],
    ['an argument', ['--', 'cat', join(as.home, 'wasbox-data/a.csv')]],
  ])('is named with the option that shows it: %s', async (_, words) => {
    const { status, err } = await start(...words);
    expect([status, err]).toEqual([
      1,
      expect.stringContaining(
        `~/wasbox-data/a.csv is hidden. If the program may read it: ${option}\n`,
      ),
    ]);
    expect(await start(...option.split(' '), ...words)).toMatchObject({ status: 0, out: '1,2\n' });
  });

  test('is named as the directory that the program names', async () => {
    const directory = `--ro ${join(as.home, 'wasbox-data')}`;
    expect((await start('directory.sh')).err).toContain(
      `If the program may read it: ${directory}\n`,
    );
    expect((await start(...directory.split(' '), 'directory.sh')).out).toBe('./a.csv\n');
  });

  test('is named with a warning where it holds a key', async () => {
    expect((await start('key.sh')).err).toMatch(/id_wasbox is hidden \(it holds .*key.*\)/);
  });

  test.each([
    ['it is missing outside, too', ['other.sh']],
    [
      'it is hidden by an option',
      ['--ro', join(as.home, 'wasbox-data'), '--hide', held[0] ?? '', 'home.sh'],
    ],
    ['it is shown', [...option.split(' '), '-c', `grep 5 ${join(as.home, 'wasbox-data/a.csv')}`]],
  ])('is not named where %s', async (_, words) => {
    const { status, err } = await start(...words);
    expect(status).not.toBe(0);
    expect(err).not.toContain('is hidden');
  });
});

describe('the line with all that was offered', () => {
  const scripts = {
    'both.py': 'import os\nURL = "https://api.host.test/"\nos.environ["HOST_LEVEL"]\n',
    'secret.py': 'import os\nURL = "https://api.host.test/"\nos.environ["GITHUB_TOKEN"]\n',
    'secrets.py':
      'import os\nURL = "https://api.host.test/"\nos.environ["GITHUB_TOKEN"] + os.environ["OTHER_TOKEN"]\n',
    'noted.py': '# See https://api.host.test/\nimport os\nos.environ["GITHUB_TOKEN"]\n',
    'only.py': 'URL = "https://api.host.test/"\nraise SystemExit(1)\n',
  };
  const all = 'to try all of it: wasbox run --env HOST_LEVEL --net api.host.test both.py a\n';
  const start = (words: readonly string[]) =>
    runWasbox(words, { as, cwd: makeProject(as, scripts), env });

  test('is the last, and keeps what was typed', async () => {
    const first = await start(['run', 'both.py', 'a']);
    expect([first.status, first.err]).toEqual([1, expect.stringContaining(all)]);
    const words = ['run', '--env', 'HOST_LEVEL', '--net', 'api.host.test', 'both.py', 'a'];
    expect((await start(words)).status).toBe(0);
  });

  test('has one secret at most, and says so', async () => {
    const { err } = await start(['run', 'secret.py']);
    expect(err).toContain(
      'GITHUB_TOKEN looks like a secret; to try all of it: wasbox run --env GITHUB_TOKEN --net api.host.test secret.py\n',
    );
    expect((await start(['run', 'secrets.py'])).err).not.toContain('to try all of it');
  });

  test.each([['noted.py'], ['only.py']])('is not there for one lead, or none: %s', async (name) => {
    const { status, err } = await start(['run', name]);
    expect(status).toBe(1);
    expect(err).not.toMatch(/to try all of it|api\.host\.test, and the network is off/);
  });
});
