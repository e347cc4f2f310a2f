/** A script's own block, and a package.json beside it, are what `--with` says, without an option. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identities, ordinaryUser, stateOf } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { addWheel, npmRegistry, staticMirror } from '../support/registries.js';
import { runWasbox } from '../support/wasbox.js';

type Asked = Awaited<ReturnType<typeof staticMirror>>;

const block = (...lines: readonly string[]) =>
  ['# /// script', ...lines.map((line) => `# ${line}`), '# ///', ''].join('\n');

const tiny = block('requires-python = ">=3.8"', 'dependencies = [', '  "tiny >= 1",', ']');
const code = 'import tiny\nprint(tiny.text)\n';
const files = {
  'block.py': tiny + code,
  'uv-script': `#!/usr/bin/env -S uv run --script\n${tiny}${code}`,
  'none.py': code,
  'sub/esm.mjs': 'import text from "tiny";\nconsole.log(text);\n',
  'sub/own.mjs': 'import fs from "node:fs";\nconsole.log(typeof fs);\n',
  'sub/package.json': '{"name": "x", "dependencies": {"tiny": "^1.0.0"}}',
  'installed/esm.mjs': 'import text from "tiny";\nconsole.log(text);\n',
  'installed/package.json': '{"dependencies": {"tiny": "^1.0.0"}}',
  'installed/node_modules/tiny/index.js': 'module.exports = "installed";\n',
};

describe.each(identities())('packages that a script asks for, as $label', (as) => {
  let npm: Asked;
  let index: Asked;
  beforeAll(async () => {
    const served = makeProject(as);
    addWheel(served, { code: 'text = "tiny"\n' });
    index = await staticMirror(served);
    npm = await npmRegistry(makeProject(as), {
      'tiny-part': 'module.exports = "part";\n',
      tiny: 'module.exports = "tiny " + require("tiny-part");\n',
    });
  });
  afterAll(() => {
    index?.close();
    npm?.close();
  });
  const clear = () =>
    fs.rmSync(join(stateOf(as), 'wasbox', 'caches', 'with'), { recursive: true, force: true });
  const env = (): Record<string, string> => ({
    PIP_INDEX_URL: `${index.url}/simple`,
    PIP_CONFIG_FILE: '/dev/null',
    npm_config_registry: `${npm.url}/`,
  });
  const run = (cwd: string, ...args: readonly string[]) =>
    runWasbox(['run', '--discard', ...args], { as, cwd, env: env() });
  const asked = () => index.requests.length + npm.requests.length;

  test.each([
    ['block.py', () => index, 'tiny\n', 'tiny>=1 with pip', 'block.py asks for it'],
    ['uv-script', () => index, 'tiny\n', 'tiny>=1 with pip', 'uv-script asks for it'],
    [
      'sub/esm.mjs',
      () => npm,
      'tiny part\n',
      'tiny@^1.0.0 with npm',
      'sub/package.json asks for it',
    ],
  ] as const)('%s has them, told in a line once', async (script, from, out, what, by) => {
    clear();
    const cwd = makeProject(as, files);
    const first = await run(cwd, script);
    expect([first.status, first.out], first.err).toEqual([0, out]);
    const host = new URL(from().url).host;
    expect(first.err).toBe(`wasbox: installing ${what} from ${host}, once (${by})\n`);
    const before = asked();
    for (const time of ['second', 'third', 'fourth']) {
      const { status, out: again, err } = await run(cwd, script);
      expect([time, status, again, err]).toEqual([time, 0, out, '']);
    }
    expect(asked()).toBe(before);
  });

  test('an edited block is followed, also where the start was recorded', async () => {
    const cwd = makeProject(as, {
      's.py': `try:\n  ${code.replace('\n', '\n  ')}except ImportError:\n  print("none")\n`,
    });
    for (const _ of [1, 2, 3]) expect((await run(cwd, 's.py')).out).toBe('none\n');
    const body = fs.readFileSync(join(cwd, 's.py'), 'utf8');
    fs.writeFileSync(join(cwd, 's.py'), tiny + body);
    for (const _ of [1, 2, 3]) expect((await run(cwd, 's.py')).out).toBe('tiny\n');
    fs.writeFileSync(join(cwd, 's.py'), body);
    for (const _ of [1, 2]) expect((await run(cwd, 's.py')).out).toBe('none\n');
  });

  test.each([
    ['a script that names none', ['none.py']],
    ['--with none', ['--with', 'none', 'block.py']],
    ['--with none for Node', ['--with', 'none', 'sub/esm.mjs']],
    ['an interpreter that is given the script', ['--', 'python3', 'block.py']],
    ['Landlock isolation', ['--isolation', 'landlock', 'block.py']],
    ['a script of Node that imports none', ['sub/own.mjs']],
    ['modules that are installed', ['installed/esm.mjs']],
  ])('nothing is asked for with %s', async (_, args) => {
    clear();
    const cwd = makeProject(as, files);
    const before = asked();
    const { status } = await run(cwd, ...args);
    expect(status).toBe(/own|installed/.test(String(args)) ? 0 : 1);
    expect(asked()).toBe(before);
  });
});

describe('a block of packages that cannot be', () => {
  const as = ordinaryUser();
  let index: Asked;
  beforeAll(async () => {
    const served = makeProject(as);
    addWheel(served, { code: 'text = "tiny"\n' });
    index = await staticMirror(served);
  });
  afterAll(() => index?.close());
  const run = (script: string, more: Readonly<Record<string, string>>, args: string[] = []) =>
    runWasbox(['run', ...args, 's.py'], {
      as,
      cwd: makeProject(as, { 's.py': script }),
      env: { PIP_INDEX_URL: `${index.url}/simple`, PIP_CONFIG_FILE: '/dev/null', ...more },
    });
  const hello = 'print("hello")\n';

  test.each([
    ['is no TOML', block('dependencies = ["tiny"'), 'block of s.py is invalid (PEP 723)'],
    ['has no list', block('dependencies = "tiny"'), 'block of s.py is invalid (PEP 723)'],
    ['has no end', '# /// script\n# dependencies = ["tiny"]\n', undefined],
    [
      'wants another Python',
      block('requires-python = ">=3.99"', 'dependencies = ["tiny"]'),
      's.py asks for Python >=3.99, and this is Python 3.',
    ],
    [
      'names an address, and options of pip',
      block('dependencies = ["evil @ http://127.0.0.1/evil.whl", "-r x", "--pre"]'),
      's.py asks for evil@http://127.0.0.1/evil.whl, -rx, --pre: not installed',
    ],
    [
      'has control characters',
      block('dependencies = ["\\u001b[31mtiny"]'),
      's.py asks for <1B>[31mtiny: not installed',
    ],
    [
      'names a hundred and one',
      block(`dependencies = [${Array.from({ length: 101 }, (_, i) => `"p${i}"`)}]`),
      's.py asks for more than 100 packages: nothing was installed',
    ],
  ])('a block that %s: a line, and the script runs', async (_, head, said) => {
    const { status, out, err } = await run(head + hello, {});
    expect([status, out], err).toEqual([0, 'hello\n']);
    if (said === undefined) expect(err).toBe('');
    else expect(err).toContain(said);
    expect(err).not.toContain('\x1b[31mtiny');
  });

  test.each([
    ['an index that is down', block('dependencies = ["tiny"]'), 'http://127.0.0.1:9/simple'],
    ['a package that is not there', block('dependencies = ["no-such-thing"]'), undefined],
  ])('%s: nothing ran, and the line says how to run without', async (_, head, url) => {
    const ended = await run(head + hello, url === undefined ? {} : { PIP_INDEX_URL: url });
    expect([ended.status, ended.out]).toEqual([125, '']);
    expect(ended.err).toMatch(/s\.py (tiny|no-such-thing): pip exited 1/);
    expect(ended.err).toContain('To run it without them: --with none');
    const without = await run(head + hello, {}, ['--with', 'none']);
    expect([without.status, without.out]).toEqual([0, 'hello\n']);
  });

  test('--dry-run installs nothing, and says so', async () => {
    const ended = await run(block('dependencies = ["tiny==1.0"]') + hello, {}, ['--dry-run']);
    expect([ended.status, ended.out]).toEqual([125, '']);
    expect(ended.err).toContain('s.py: tiny==1.0 not installed yet');
  });
});
