/** `--with` installs packages once, from the index alone, and shows them read-only. */
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listTree } from '../support/host.js';
import { identities, ordinaryUser, stateOf } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { addWheel, npmRegistry, staticMirror } from '../support/registries.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

/** CI's pass as root leaves these to the ordinary user's. */
const user = needs('ordinary user');

type Asked = Awaited<ReturnType<typeof staticMirror>>;

const files = {
  'tiny.py.py': 'import tiny\nprint(tiny.text)\n',
  'system.py': '#!/usr/bin/python3\nimport tiny\nprint(tiny.text)\n',
  'writes.py':
    'import tiny\ntry:\n  open(tiny.__file__, "a")\nexcept OSError as e:\n  print(e.strerror)\n',
  'looks.py': 'import looking\nprint(looking.seen)\n',
  'esm.mjs': 'import text from "tiny";\nconsole.log("import", text);\n',
  'cjs.cjs': 'console.log("require", require("tiny"));\n',
  secret: 'of the project\n',
};

describe.each(identities())('--with as $label', (as) => {
  let npm: Asked;
  let index: Asked;
  let served: string;
  beforeAll(async () => {
    served = makeProject(as);
    npm = await npmRegistry(makeProject(as), {
      'tiny-part': 'module.exports = "from npm";\n',
      tiny: 'module.exports = "tiny " + require("tiny-part");\n',
    });
    index = await staticMirror(served);
    addWheel(served, {
      version: '1.0',
      code: 'text = "tiny 1"\ndef main(): print("a program")\n',
      programs: '[console_scripts]\ntiny-program = tiny:main\n',
    });
    addWheel(served, { version: '2.0', code: 'text = "tiny 2"\n' });
    addWheel(served, { name: 'foreign', tag: 'cp39-cp39-win_amd64' });
  });
  afterAll(() => {
    npm?.close();
    index?.close();
  });

  const sets = () => join(stateOf(as), 'wasbox', 'caches', 'with');
  const clear = () => fs.rmSync(sets(), { recursive: true, force: true });
  const environment = () => ({
    PIP_INDEX_URL: `${index.url}/simple`,
    PIP_CONFIG_FILE: '/dev/null',
    npm_config_registry: `${npm.url}/`,
  });
  const cwd = () => makeProject(as, files);
  const run = (
    args: readonly string[],
    env: Readonly<Record<string, string>> = environment(),
    where = cwd(),
  ) => runWasbox(['run', '--discard', ...args], { as, cwd: where, env });
  /** Installs a set, and starts again, so that the start is recorded; returns it with a file of the set. */
  const recorded = async () => {
    clear();
    const here = cwd();
    const start = () => run(['--with', 'tiny', 'tiny.py.py'], environment(), here);
    for (let i = 0; i < 2; i++) expect((await start()).status).toBe(0);
    const [name = ''] = fs.readdirSync(sets());
    return { start, file: join(sets(), name, 'packages', 'site', 'tiny.py') };
  };
  const requests = () => index.requests.length + npm.requests.length;

  test('the script finds its packages, which it does not without', async () => {
    const found = await run(['--with', 'tiny', 'tiny.py.py']);
    expect([found.status, found.out], found.err).toEqual([0, 'tiny 2\n']);
    const missing = await run(['tiny.py.py']);
    expect([missing.status, missing.out]).toEqual([1, '']);
    expect(missing.err).toContain("No module named 'tiny'");
  });

  user.test(
    'a script with an absolute #! line, a child of the command and a program of the package, too',
    async () => {
      expect((await run(['--with', 'tiny==1.0', 'system.py'])).out).toBe('tiny 1\n');
      const child = ['-c', 'python3 tiny.py.py && tiny-program'];
      expect((await run(['--with', 'tiny==1.0', ...child])).out).toBe('tiny 1\na program\n');
      expect((await run(['--with', 'tiny==1.0', '--', 'tiny-program'])).out).toBe('a program\n');
    },
  );

  test('imported and required modules of npm', async () => {
    const imported = await run(['--with', 'tiny', 'esm.mjs']);
    expect([imported.status, imported.out], imported.err).toEqual([0, 'import tiny from npm\n']);
    expect((await run(['--with', 'tiny', 'cjs.cjs'])).out).toBe('require tiny from npm\n');
    expect((await run(['cjs.cjs'])).status).toBe(1);
  });

  user.test('a second start asks no index, and needs none', async () => {
    await run(['--with', 'tiny', 'tiny.py.py']);
    await run(['--with', 'tiny', 'esm.mjs']);
    const before = requests();
    index.close();
    try {
      for (let i = 0; i < 3; i++) {
        const { status, out, err } = await run(['--with', 'tiny', 'tiny.py.py']);
        expect([status, out, err]).toEqual([0, 'tiny 2\n', '']);
      }
      expect((await run(['--with', 'tiny', 'esm.mjs'])).out).toBe('import tiny from npm\n');
      expect(requests()).toBe(before);
    } finally {
      index = await staticMirror(served);
    }
  });

  test('the packages are read-only, and scripts with other versions have their own', async () => {
    expect((await run(['--with', 'tiny', 'writes.py'])).out).toBe('Read-only file system\n');
    const [one, two] = await Promise.all(
      ['tiny==1.0', 'tiny==2.0'].map((word) => run(['--with', word, 'tiny.py.py'])),
    );
    expect([one?.out, two?.out]).toEqual(['tiny 1\n', 'tiny 2\n']);
  });

  test('two at once install them once', async () => {
    clear();
    index.requests.length = 0;
    const all = await Promise.all(
      Array.from({ length: 4 }, () => run(['--with', 'tiny', 'tiny.py.py'])),
    );
    expect(all.map(({ status, out }) => [status, out])).toEqual(
      Array.from({ length: 4 }, () => [0, 'tiny 2\n']),
    );
    expect(index.requests.filter((path) => path.endsWith('.whl'))).toHaveLength(1);
  });

  type Damage = readonly [string, (file: string) => void];
  const damages: readonly Damage[] = [
    ['was cut short', (file) => fs.truncateSync(file, 3)],
    ['was removed', (file) => fs.rmSync(file)],
    ['is a link', (file) => fs.rmSync(file) ?? fs.symlinkSync('/dev/null', file)],
  ];
  const others: readonly Damage[] = [
    ['is empty', (file) => fs.truncateSync(file, 0)],
    [
      'was replaced',
      (file) => {
        fs.writeFileSync(`${file}.new`, 'text = "tiny ?"\n');
        fs.renameSync(`${file}.new`, file);
      },
    ],
    ['has another mode', (file) => fs.chmodSync(file, 0)],
  ];
  const made = 'a set whose file %s is made again, with a line that says so';
  const isMadeAgain = async (_: string, cut: (file: string) => void) => {
    const { start, file } = await recorded();
    const before = fs.readFileSync(file, 'utf8');
    // The control: what only looks at the file changes nothing.
    expect(await start()).toMatchObject({ status: 0, out: 'tiny 2\n', err: '' });
    cut(file);
    const { status, out, err } = await start();
    expect([status, out], err).toEqual([0, 'tiny 2\n']);
    expect(err).toContain('the cached tiny is damaged and cannot be used\n');
    expect(err).toContain('installing tiny with pip');
    expect(fs.readFileSync(file, 'utf8')).toBe(before);
    expect(await start()).toMatchObject({ status: 0, out: 'tiny 2\n', err: '' });
  };
  test.each(damages)(made, isMadeAgain);
  needs('nightly run').test.each(others)(made, isMadeAgain);

  test('a damaged set is never used while the index is down, and the error says what to do', async () => {
    const { start, file } = await recorded();
    index.close();
    try {
      fs.truncateSync(file, 0);
      const { status, out, err } = await start();
      expect([status, out], err).toEqual([125, '']);
      expect(err).toContain('What was cached was damaged and has been removed.');
      expect(err).toContain('the script did not run');
      expect(fs.readdirSync(sets())).toEqual([]);
    } finally {
      index = await staticMirror(served);
    }
    expect((await start()).out).toBe('tiny 2\n');
  });

  user.test.each([
    ['has no mark', (set: string) => fs.rmSync(join(set, 'whole'))],
    ['has no packages', (set: string) => fs.rmSync(join(set, 'packages'), { recursive: true })],
    [
      'was being made',
      (set: string) => {
        fs.rmSync(join(set, 'whole'));
        fs.renameSync(join(set, 'packages'), join(set, 'unfinished'));
      },
    ],
  ])('a set that %s is made again', async (_, cut) => {
    clear();
    await run(['--with', 'tiny', 'tiny.py.py']);
    const [name = ''] = fs.readdirSync(sets());
    const whole = JSON.stringify(listTree(join(sets(), name)).map(({ path }) => path));
    cut(join(sets(), name));
    const { status, out, err } = await run(['--with', 'tiny', 'tiny.py.py']);
    expect([status, out], err).toEqual([0, 'tiny 2\n']);
    expect(JSON.stringify(listTree(join(sets(), name)).map(({ path }) => path))).toBe(whole);
  });

  test('shows a package that runs while it is installed no project and no other host', async () => {
    const source = join(served, 'looking-1.0');
    fs.mkdirSync(source, { recursive: true });
    const setup = `import os, setuptools, socket
def reach(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
        return True
    except OSError:
        return False
seen = [os.path.exists(p) for p in os.environ.get("LOOK", "").split(":") if p]
found = [os.path.join(d, n) for d, _, names in os.walk("/") if not d.startswith(("/proc", "/sys", "/usr")) for n in names if n == "secret"]
open("looking.py", "w").write("seen = %r" % ([found, reach(PORT), reach(INDEX)],))
setuptools.setup(name="looking", version="1.0", py_modules=["looking"])
`;
    const other = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const code = setup.replace('PORT', String(port)).replace('INDEX', new URL(index.url).port);
    fs.writeFileSync(join(source, 'setup.py'), code);
    fs.writeFileSync(
      join(source, 'PKG-INFO'),
      'Metadata-Version: 2.1\nName: looking\nVersion: 1.0\n',
    );
    const { execFileSync } = await import('node:child_process');
    execFileSync('tar', ['-czf', join(served, 'files/looking-1.0.tar.gz'), 'looking-1.0'], {
      cwd: served,
    });
    fs.mkdirSync(join(served, 'simple/looking'), { recursive: true });
    const link = '<a href="/files/looking-1.0.tar.gz">looking-1.0.tar.gz</a>';
    fs.writeFileSync(
      join(served, 'simple/looking/index.html'),
      `<html><body>${link}</body></html>`,
    );
    const env = { ...environment(), PIP_NO_BUILD_ISOLATION: '0' };
    const { status, out, err } = await run(['--with', 'looking', 'looks.py'], env);
    other.close();
    expect([status, out], err).toEqual([0, '[[], False, True]\n']);
    // The control: a program of the run itself finds the file by the same search.
    const search = `import os
print([n for d, _, names in os.walk("/") if not d.startswith(("/proc", "/sys", "/usr")) for n in names if n == "secret"])`;
    expect((await run(['--lang', 'python', '-c', search])).out).toBe("['secret']\n");
  });
});

user.describe('--with', () => {
  const as = ordinaryUser();
  let index: Asked;
  beforeAll(async () => {
    const served = makeProject(as);
    addWheel(served, { code: 'text = "tiny"\n' });
    addWheel(served, { name: 'foreign', tag: 'cp39-cp39-win_amd64' });
    index = await staticMirror(served);
  });
  afterAll(() => index?.close());
  const sets = join(stateOf(as), 'wasbox', 'caches', 'with');
  const env = () => ({ PIP_INDEX_URL: `${index.url}/simple`, PIP_CONFIG_FILE: '/dev/null' });
  const left = () => (fs.existsSync(sets) ? fs.readdirSync(sets).sort() : []);

  test.each([
    'tiny --index-url http://127.0.0.1:1/simple',
    '-r file',
    '--pre',
    '-e .',
    './tiny',
    'tiny @ http://127.0.0.1:1/tiny.whl',
    'git+https://127.0.0.1/x',
    'tiny;os_name=="x"',
    '',
    'tiny,',
    'tiny\n--pre',
  ])('refuses %j before anything is asked', async (value) => {
    index.requests.length = 0;
    const cwd = makeProject(as, files);
    const ended = await runWasbox(['run', '--with', value, 'system.py'], { as, cwd, env: env() });
    expect(ended.status).toBe(125);
    expect(ended.err).toMatch(/--with: invalid package|--with/);
    expect([index.requests, ended.out]).toEqual([[], '']);
  });

  test.each([
    ['a wheel for another platform', 'foreign', {}, 'No matching distribution found for foreign'],
    ['a version that is not there', 'tiny==9', {}, 'No matching distribution found for tiny==9'],
    [
      'an index that is down',
      'tiny',
      { PIP_INDEX_URL: 'http://127.0.0.1:9/simple' },
      'Connection refused',
    ],
  ])('says what the installer said of %s, and leaves nothing', async (_, word, more, said) => {
    const before = left();
    const cwd = makeProject(as, files);
    const ended = await runWasbox(['run', '--with', word, 'system.py'], {
      as,
      cwd,
      env: { ...env(), ...more },
    });
    expect([ended.status, ended.out]).toEqual([125, '']);
    expect(ended.err).toContain(`--with ${word}: pip exited 1`);
    expect(ended.err).toContain(said);
    expect(left()).toEqual(before);
  });

  test.each([
    [['--image', 'oci:nowhere'], '--with cannot be used with --image', () => '--for pip'],
    [
      ['--isolation', 'landlock'],
      '--with is not available with Landlock isolation',
      () => `--net ${new URL(index.url).host} --env PIP_INDEX_URL`,
    ],
  ])('is refused with %j', async (more, said, access) => {
    const cwd = makeProject(as, files);
    const argv = ['run', ...more, '--with', 'tiny', 'system.py'];
    const ended = await runWasbox(argv, { as, cwd, env: env() });
    expect([ended.status, ended.err]).toEqual([125, expect.stringContaining(said)]);
    expect(ended.err).toContain(
      `wasbox run ${more.join(' ')} ${access()} --apply -- python3 -m pip install --target packages tiny\n`,
    );
  });

  test('the two lines of the refusal with Landlock isolation, followed literally, run the script', async () => {
    const cwd = makeProject(as, files);
    const argv = ['run', '--isolation', 'landlock', '--with', 'tiny', 'system.py'];
    const refused = await runWasbox(argv, { as, cwd, env: env() });
    const lines = refused.err.match(/^ +wasbox run .*$/gm)?.map((line) => line.trim()) ?? [];
    expect(lines).toHaveLength(2);
    const [wasbox = '', ...more] = wasboxArgv(as, []);
    const results = [];
    for (const line of lines) {
      const typed = line.replace(/^wasbox/, [wasbox, ...more].join(' '));
      results.push(await runProgram(['sh', '-c', typed], { as, cwd, env: env() }));
    }
    const [installed, ran] = results;
    expect(installed?.status, installed?.err).toBe(0);
    expect([ran?.status, ran?.out], ran?.err).toEqual([0, 'tiny\n']);
  });

  test('--dry-run installs nothing', async () => {
    const before = left();
    const cwd = makeProject(as, files);
    const argv = ['run', '--dry-run', '--with', 'tiny==1.0', 'system.py'];
    const ended = await runWasbox(argv, { as, cwd, env: env() });
    expect([ended.status, ended.err]).toEqual([125, expect.stringContaining('not installed yet')]);
    expect(left()).toEqual(before);
  });

  test('preset clear with removes them', async () => {
    const cwd = makeProject(as, files);
    await runWasbox(['run', '--with', 'tiny', 'system.py'], { as, cwd, env: env() });
    expect(left()).not.toEqual([]);
    const cleared = await runWasbox(['preset', 'clear', 'with'], { as });
    expect([cleared.status, cleared.out, left()]).toEqual([0, 'cleared with\n', []]);
  });

  test('Debian’s pip installs into the home of a run with --for pip', async () => {
    const cwd = makeProject(as, files);
    const install = 'python3 -m pip install -q --no-warn-script-location tiny && python3 system.py';
    const argv = (...more: string[]) => ['run', '--discard', ...more, '-c', install];
    const ended = await runWasbox(argv('--for', 'pip'), { as, cwd, env: env() });
    expect([ended.status, ended.out], ended.err).toEqual([0, 'tiny\n']);
  });
});
