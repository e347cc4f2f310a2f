/** A script that lacks packages fails with the line that runs it with them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { addWheel, npmRegistry, staticMirror } from '../support/registries.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

type Asked = Awaited<ReturnType<typeof staticMirror>>;

const as = ordinaryUser();
let index: Asked;
let npm: Asked;
beforeAll(async () => {
  const served = makeProject(as);
  addWheel(served, { code: 'text = "tiny"\n' });
  addWheel(served, { name: 'second', code: 'text = "second"\n' });
  addWheel(served, { name: 'beautifulsoup4' });
  index = await staticMirror(served);
  npm = await npmRegistry(makeProject(as), {
    'tiny-part': 'module.exports = "part";\n',
    tiny: 'module.exports = "tiny " + require("tiny-part");\n',
    tsx: `#!/usr/bin/env node
const [, , file] = process.argv;
const text = require("fs").readFileSync(file, "utf8").replace(": string", "");
const one = new (require("module"))(file);
one.paths = ["/node_modules"];
one._compile(text, file);
`,
  });
});
afterAll(() => {
  index?.close();
  npm?.close();
});

const env = () => ({
  PIP_INDEX_URL: `${index.url}/simple`,
  PIP_CONFIG_FILE: '/dev/null',
  npm_config_registry: `${npm.url}/`,
});

/** The line that the message ends with, as a shell runs it. */
const lineOf = (err: string) => /To run with (?:it|them): (wasbox run .*)\n/.exec(err)?.[1];

const files = {
  'one.py': 'import json, sys\nimport tiny\nprint(tiny.text, *sys.argv[1:])\n',
  'two.py': 'import os.path, tiny\nfrom second import text\nprint(tiny.text, text)\n',
  'optional.py': 'try:\n    import tiny\nexcept ImportError:\n    pass\nraise SystemExit(3)\n',
  'fails.py': 'import json, math, sqlite3, xml.etree.ElementTree\nraise SystemExit(3)\n',
  'own.py': 'import mine\nraise SystemExit(3)\n',
  'mine.py': '',
  'cjs.cjs': 'const fs = require("fs");\nconsole.log(require("tiny"));\n',
  'esm.mjs': 'import fs from "node:fs";\nimport text from "tiny";\nconsole.log(text);\n',
  'part.py': 'import helper\n',
  'helper.py': 'import tiny\nprint(tiny.text)\n',
  'part.cjs': 'require("./lib/x");\n',
  'lib/x.js': 'console.log(require("tiny"));\n',
  'typed.ts': 'const all: string = require("tiny");\nconsole.log(all);\n',
  'sub/manifest.mjs': 'import text from "tiny";\nconsole.log(text);\n',
  'sub/package.json': '{"dependencies": {"tiny": "^1.0.0"}}',
};

describe('the line of a script that lacks packages', () => {
  test.each([
    [['run', 'one.py', 'a b'], 'wasbox run --with tiny one.py ', 'tiny a b\n'],
    [['one.py'], 'wasbox run --with tiny one.py', 'tiny\n'],
    [['run', '--', 'python3', 'one.py'], 'wasbox run --with tiny -- python3 one.py', 'tiny\n'],
    [
      ['run', '--timeout', '60', 'two.py'],
      'wasbox run --with tiny,second --timeout 60',
      'tiny second\n',
    ],
    [['run', '--with', 'tiny', 'two.py'], 'wasbox run --with tiny,second two.py', 'tiny second\n'],
    [['run', '--lang', 'python', '-c', 'import tiny; print(1)'], 'wasbox run --with tiny', '1\n'],
    [['run', 'part.py'], 'wasbox run --with tiny part.py', 'tiny\n'],
    [['run', 'part.cjs'], 'wasbox run --with tiny part.cjs', 'tiny part\n'],
    [['run', 'cjs.cjs'], 'wasbox run --with tiny cjs.cjs', 'tiny part\n'],
    [['run', 'esm.mjs'], 'wasbox run --with tiny esm.mjs', 'tiny part\n'],
    [
      ['run', '--with', 'none', 'sub/manifest.mjs'],
      "wasbox run --with 'tiny@^1.0.0'",
      'tiny part\n',
    ],
  ])('%j is followed literally, and works', async (args, said, out) => {
    const cwd = makeProject(as, files);
    for (const time of ['first', 'second', 'third']) {
      const { status, err } = await runWasbox(args, { as, cwd, env: env() });
      expect([time, status], err).toEqual([time, 1]);
      expect(lineOf(err), err).toContain(said);
      if (time !== 'third') continue;
      const [wasbox = '', ...more] = wasboxArgv(as, []);
      const line = lineOf(err)?.replace(/^wasbox/, '"$WASBOX"') ?? '';
      const again = await runProgram(['sh', '-c', line], {
        as,
        cwd,
        env: { ...env(), WASBOX: [wasbox, ...more].join(' ') },
      });
      expect([again.status, again.out], again.err).toEqual([0, out]);
    }
  });
});

describe('no packages are named', () => {
  test.each([
    ['where the script goes on without them', ['run', 'optional.py']],
    ['of Python itself', ['run', 'fails.py']],
    ['that are the script’s own', ['run', 'own.py']],
    ['with -q', ['run', '-q', 'one.py']],
  ])('%s', async (_, args) => {
    const { status, err } = await runWasbox(args, { as, cwd: makeProject(as, files), env: env() });
    expect(status).not.toBe(0);
    expect(err).not.toContain('not installed');
  });
});

test('TypeScript is run by tsx where that is a package of the run', async () => {
  const cwd = makeProject(as, files);
  const words = ['run', '--with', 'tsx', '--with', 'tiny', 'typed.ts'];
  const { status, out, err } = await runWasbox(words, { as, cwd, env: env() });
  expect([status, out], err).toEqual([0, 'tiny part\n']);
});

test('--with twice means both, as its list does', async () => {
  const cwd = makeProject(as, files);
  const words = ['run', '--with', 'tiny', '--with=second', 'two.py'];
  expect(await runWasbox(words, { as, cwd, env: env() })).toMatchObject({
    status: 0,
    out: 'tiny second\n',
  });
  const none = await runWasbox(['run', '--with', 'none', '--with', 'tiny', 'two.py'], { as, cwd });
  expect([none.status, none.err]).toEqual([125, expect.stringContaining('more than once')]);
});

test.each([
  ['of the option', ['--with', 'tiny==1.0,tiny==2.0', 'one.py'], '--with: tiny==1.0 and tiny==2.0'],
  [
    'of two options',
    ['--with', 'tiny==1.0', '--with', 'Tiny==2.0', 'one.py'],
    'tiny==1.0 and Tiny==2.0',
  ],
  ['of npm', ['--with', 'tiny@1,tiny@2', 'cjs.cjs'], '--with: tiny@1 and tiny@2'],
  ['of the script', ['block.py'], 'block.py: tiny==1.0 and tiny[x]==2.0'],
])('two versions of a package are told, and nothing is asked: %s', async (_, words, said) => {
  const block = '# /// script\n# dependencies = ["tiny==1.0", "tiny[x]==2.0"]\n# ///\n';
  const cwd = makeProject(as, { ...files, 'block.py': block });
  index.requests.length = 0;
  const { status, err } = await runWasbox(['run', ...words], { as, cwd, env: env() });
  expect([status, err]).toEqual([125, expect.stringContaining(`${said} cannot be in one run\n`)]);
  expect(index.requests).toEqual([]);
});

test('a gem is named', async () => {
  const cwd = makeProject(as, { 'r.rb': 'require "json"\nrequire "no-such-gem"\n' });
  const { status, err } = await runWasbox(['run', 'r.rb'], { as, cwd });
  expect(status).toBe(1);
  expect(err).toContain('no-such-gem is not installed for Ruby');
  expect(err).not.toContain('json');
});

test('a package that is installed and lacks the module is not advised again', async () => {
  const cwd = makeProject(as, { 'b.py': 'import bs4\n' });
  const first = await runWasbox(['run', 'b.py'], { as, cwd, env: env() });
  expect(lineOf(first.err)).toBe('wasbox run --with beautifulsoup4 b.py');
  const words = ['run', '--with', 'beautifulsoup4', 'b.py'];
  const second = await runWasbox(words, { as, cwd, env: env() });
  expect([second.status, lineOf(second.err)], second.err).toEqual([1, undefined]);
  expect(second.err).toContain('--with has beautifulsoup4');
});

describe('a package that a script of another language asks for', () => {
  const scripts = {
    'a.pl': 'use strict;\nuse List::Util qw(sum);\nuse No::Such;\n',
    'own.pl': 'use strict;\nuse POSIX;\nuse List::Util qw(sum);\nuse Data::Dumper;\nexit 3;\n',
    'a.lua': 'require("string")\nrequire("nosuch.part")\n',
    'own.lua': 'require("string")\nrequire("mine")\nos.exit(3)\n',
    'mine.lua': 'return 1\n',
    'a.go':
      'package main\nimport (\n"fmt"\n"example.org/nosuch/part"\n)\nfunc main() { fmt.Println(part.X) }\n',
    'own.go': 'package main\nimport "os"\nfunc main() { os.Exit(3) }\n',
  };
  const start = async (name: string) =>
    (await runWasbox(['run', name], { as, cwd: makeProject(as, scripts), env: env() })).err;
  const said = /is not installed for|there is no go\.mod/;

  needs('perl').test('is named for Perl, and not what is there', async () => {
    expect(await start('a.pl')).toContain(
      'No::Such is not installed for Perl. A run sees what this machine has. On Debian: apt install libno-such-perl',
    );
    expect(await start('own.pl')).not.toMatch(said);
  });

  needs('lua5.4').test('is named for Lua, and not what is there', async () => {
    expect(await start('a.lua')).toContain('nosuch.part is not installed for Lua');
    expect(await start('own.lua')).not.toMatch(said);
  });

  needs('golang-go').test('is named for Go, with the line that makes go.mod', async () => {
    expect(await start('a.go')).toContain(
      "wasbox run --for go -c 'go mod init example && go mod tidy && go run a.go'",
    );
    expect(await start('own.go')).not.toMatch(said);
  });
});
