/**
 * Tests what is said when a script of a usual kind fails: programs that are not installed, servers and ports of this
 * machine, variables that are not set, terminals, gems of the home. Each kind has a control that is told nothing.
 */
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { addWheel, staticMirror } from '../support/registries.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

const as = ordinaryUser();
const failing = { py: '\nraise SystemExit(1)\n', js: '\nprocess.exit(1)\n', sh: '\nexit 1\n' };
type Ending = keyof typeof failing;

/** The lines of wasbox about a script that fails at its end. */
async function said(kind: Ending, text: string, words: readonly string[] = []): Promise<string> {
  const cwd = makeProject(as, { [`a.${kind}`]: text + failing[kind] });
  const { status, err } = await runWasbox(['run', ...words, `a.${kind}`], { as, cwd });
  expect(status, err).not.toBe(0);
  return err.replace(/^(?!wasbox:).*\n/gm, '');
}

describe('a known program that a shell script starts', () => {
  test.each([
    'restic a',
    'true && restic a',
    'echo 1 | restic a',
    'x="$(restic a)"',
    'A=1 restic a',
    'if true; then restic a; fi',
  ])('is named with its package if it is not installed: %s', async (text) => {
    expect(await said('sh', text)).toContain(
      'restic is not installed. A run sees the programs of this machine. On Debian: apt install restic\n',
    );
  });

  test.each([
    ['it is installed', 'git --version'],
    ['its package is not known', 'wb-absent'],
    ['it is a function', 'restic() { :; }\nrestic'],
    ['it is a word of another', 'echo restic'],
    ['it is in single quotes', "echo 'restic'"],
    ['it is in a document', 'cat <<X\nrestic\nX'],
    ['it is in a comment', ': # restic\n# restic'],
    ['the script looks for it', 'command -v restic >/dev/null && restic'],
  ])('is not named if %s', async (_, text) => {
    expect(await said('sh', text)).toBe('');
  });
});

describe('a module of Python that another program starts', () => {
  let index: Awaited<ReturnType<typeof staticMirror>>;
  beforeAll(async () => {
    const served = makeProject(as);
    addWheel(served, { name: 'wbtool', code: 'print("tool ran")\n' });
    index = await staticMirror(served);
  });
  afterAll(() => index?.close());
  const env = () => ({ PIP_INDEX_URL: `${index.url}/simple`, PIP_CONFIG_FILE: '/dev/null' });

  test.each([
    [{ Makefile: 'all:\n\t@python3 -u -m wbtool\n' }, 'make', ['make']],
    [{ 'a.sh': 'python3 -m wbtool || exit\n' }, 'a.sh', ['a.sh']],
    [{}, 'sh', ['--', 'sh', '-c', 'python3 -m wbtool']],
  ] as const)('is named with the line that gives it: %j', async (files, _, words) => {
    const cwd = makeProject(as, files);
    const { err } = await runWasbox(['run', ...words], { as, cwd, env: env() });
    const line = `run --with wbtool ${words.join(' ')}`.replace('python3 -m wbtool', "'$&'");
    expect(err).toContain(`wbtool is not installed for Python. To run with it: wasbox ${line}\n`);
    const again = await runWasbox(['run', '--with', 'wbtool', ...words], { as, cwd, env: env() });
    expect([again.status, again.out]).toEqual([0, 'tool ran\n']);
  });

  test.each([
    ['is of Python itself', 'python3 -m json.tool /dev/null'],
    ['is in another word', 'echo python3 -mwbtool; false'],
    ["is Debian's to install", 'python3 -m venv /proc/x'],
  ])('is not named if it %s', async (_, text) => {
    expect(await said('sh', text)).toBe('');
  });
});

describe('a server that lacks a package', () => {
  const flask = 'from flask import Flask\napp = Flask(__name__)\n';
  const express = 'const app = require("wb-absent")()\n';
  test.each<[Ending, string, number]>([
    ['py', `${flask}app.run(host="0.0.0.0", port=5001)`, 5001],
    ['py', `${flask}app.run(debug=True)`, 5000],
    ['js', `${express}const port = process.env.PORT || 3000\napp.listen(port)`, 3000],
    ['js', `${express}app.listen(4000, () => {})`, 4000],
  ])('is offered the package and the port in one line: %s %s', async (kind, text, port) => {
    const name = kind === 'py' ? 'flask' : 'wb-absent';
    expect(await said(kind, text)).toContain(
      `to try all of it: wasbox run --with ${name} --publish ${port} a.${kind}\n`,
    );
  });

  test.each<[string, Ending, string, string[]]>([
    ['it is published', 'py', `${flask}app.run(port=5001)`, ['--publish', '5002:5001']],
    ['it is no server', 'py', 'import flask\nport = 5001', []],
    ['it lacks nothing else', 'py', 'def app(): pass\napp.run = app\napp.run()\nport = 5001', []],
    ['it has two ports', 'js', `${express}app.listen(4000)\napp.listen(4001)`, []],
  ])('is not told the port where %s', async (_, kind, text, words) => {
    expect(await said(kind, text, words)).not.toContain('it names port');
  });
});

describe('a server of this machine', () => {
  let server: Server;
  let port = 0;
  beforeAll(async () => {
    server = createServer((socket) => socket.end('from the machine\n'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    port = (server.address() as { port: number }).port;
  });
  afterAll(() => void server.close());
  const asks = () =>
    `import socket\nprint(socket.create_connection("localhost:${port}".split(":")).recv(99).decode(), end="")\n`;

  test('is named with the option that reaches it', async () => {
    const cwd = makeProject(as, { 'a.py': asks() });
    const first = await runWasbox(['run', 'a.py'], { as, cwd });
    expect(first.err).toContain(
      `it names a server on port ${port} of this machine. If it may reach it: --net localhost:${port}\n`,
    );
    const words = ['run', '--net', `localhost:${port}`, 'a.py'];
    expect(await runWasbox(words, { as, cwd })).toMatchObject({
      status: 0,
      out: 'from the machine\n',
    });
  });

  test('is not named where it is reached, or where nothing listens', async () => {
    expect(await said('py', asks(), ['--net', `localhost:${port}`])).not.toContain('it names');
    expect(await said('py', 'x = "localhost:1"')).not.toContain('it names');
  });
});

describe('a variable that is set nowhere', () => {
  test.each<[Ending, string]>([
    ['py', 'import os\nos.environ["WB_NAME"]'],
    ['js', 'process.env.WB_TOKEN || process.exit(1)'],
    ['sh', `echo "\${WB_NAME:?}"`],
  ])('is named: %s', async (kind, text) => {
    expect(await said(kind, text)).toMatch(
      /it reads WB_(?:NAME|TOKEN), which is not set. Set it, and pass it: --env WB_(?:NAME|TOKEN)\n/,
    );
  });

  test.each<[string, Ending, string]>([
    ['has a default', 'js', 'process.env.WB_PORT || 3000'],
    ['the script sets', 'py', 'import os\nos.environ["WB_NAME"] = "1"\nos.environ["WB_NAME"]'],
    ['is always there', 'py', 'import os\nos.environ["HOME"]'],
  ])('is not named if it %s', async (_, kind, text) => {
    expect(await said(kind, text)).not.toContain('it reads');
  });

  test('is not one that only a script of the same name in another language names', async () => {
    const cwd = makeProject(as, {
      'bot.js': failing.js,
      'bot.py': 'import os\nos.environ["WB_TOKEN"]\n',
    });
    const env = { WB_TOKEN: 'secret' };
    expect((await runWasbox(['run', 'bot.js'], { as, cwd, env })).err).toBe('');
    // Control: the script that names it is told.
    expect((await runWasbox(['run', 'bot.py'], { as, cwd, env })).err).toContain('--env WB_TOKEN');
  });
});

describe('a program that needs a terminal or a desktop', () => {
  test('a program that needs a terminal or a desktop is told so', async () => {
    expect(await said('py', 'import curses')).toContain('it needs a terminal');
    expect(await said('sh', ': xdg-open a.html')).toContain('it opens a program of your desktop');
  });

  test('a program that needs neither a terminal nor a desktop is told nothing', async () => {
    expect(await said('py', 'import json')).toBe('');
  });

  test('is not told of a display again where the variable is set', async () => {
    const text = 'try: import matplotlib\nexcept ImportError: pass\n# plt.show()';
    expect(await said('py', text)).toContain('--env MPLBACKEND=Agg');
    expect(await said('py', text, ['--env', 'MPLBACKEND=Agg'])).toBe('');
  });
});

describe('a notebook', () => {
  test('is run by the line that its error names, with the package that has the program', async () => {
    const served = makeProject(as);
    const programs = '[console_scripts]\njupyter = jupyter:main\n';
    const code = 'import sys\ndef main(): print(*sys.argv[1:])\n';
    addWheel(served, { name: 'jupyter', code, programs });
    const index = await staticMirror(served);
    const env = { PIP_INDEX_URL: `${index.url}/simple`, PIP_CONFIG_FILE: '/dev/null' };
    const cwd = makeProject(as, { 'a.ipynb': '{}' });
    const { err } = await runWasbox(['run', 'a.ipynb'], { as, cwd, env });
    const line = /For example: wasbox (.*)\n/.exec(err)?.[1] ?? '';
    expect(line).toMatch(/^run --with jupyter -c/);
    const shell = `${wasboxArgv(as, []).join(' ')} ${line}`;
    const second = await runProgram(['sh', '-c', shell], { as, cwd, env });
    index.close();
    expect(second.out).toBe('nbconvert --execute --to notebook a.ipynb\n');
  });
});

describe('a script with sudo', () => {
  test('is offered a line that keeps its options and opens what it was refused', async () => {
    const text = 'getent hosts downloads.wb.example\nsudo true';
    expect(await said('sh', text, ['--timeout', '30s'])).toContain(
      `| wasbox run --timeout 30s --net downloads.wb.example -\n`,
    );
  });
});

needs('ruby').describe('a gem', () => {
  const gem =
    'Gem::Specification.new { |s| s.name = "wbtiny"; s.version = "1.0"; s.summary = "x"; s.authors = ["a"]; s.files = ["lib/wbtiny.rb"] }\n';
  const files = {
    'a.rb': 'require "wbtiny"\nputs Wbtiny\n',
    'wbtiny.gemspec': gem,
    'lib/wbtiny.rb': 'Wbtiny = "tiny gem"\n',
  };

  test('is had inside if it is not installed, and one of the home is shown', async () => {
    const cwd = makeProject(as, files);
    const first = await runWasbox(['run', 'a.rb'], { as, cwd });
    const [, hosts, line = ''] =
      /install it inside: wasbox run --net (\S+) -c '(.*)'/.exec(first.err) ?? [];
    expect(hosts).toBe('rubygems.org,index.rubygems.org');
    // The registry is not reached here: a file of that gem stands for it.
    await runProgram(['gem', 'build', '-q', 'wbtiny.gemspec'], { as, cwd });
    const local = line.replace('wbtiny', '--local ./wbtiny-1.0.gem');
    expect((await runWasbox(['run', '-c', local], { as, cwd })).out).toContain('tiny gem\n');

    const install = ['gem', 'install', '--user-install', '--local', './wbtiny-1.0.gem'];
    await runProgram(install, { as, cwd });
    try {
      const second = await runWasbox(['run', 'a.rb'], { as, cwd });
      const option = `--ro ${join(as.home, '.local/share/gem')}`;
      expect(second.err).toContain(`gems of your home are hidden. To show them: ${option}\n`);
      const third = await runWasbox(['run', ...option.split(' '), 'a.rb'], { as, cwd });
      expect(third).toMatchObject({ status: 0, out: 'tiny gem\n' });
    } finally {
      await runProgram(['gem', 'uninstall', '--user-install', '-x', 'wbtiny'], { as, cwd });
    }
  });
});

needs('perl').test('a module of Perl is named with the package that has it', async () => {
  const cwd = makeProject(as, { 'a.pl': 'use Wb::Absent_XS;\n' });
  expect((await runWasbox(['run', 'a.pl'], { as, cwd })).err).toContain(
    'apt install libwb-absent-xs-perl\n',
  );
});
