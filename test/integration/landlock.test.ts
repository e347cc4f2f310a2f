/** Landlock isolation: runs without namespaces, whose changes are reviewed and applied as any others. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createPool, createSession, run } from '../../src/index.js';
import { closedArgv } from '../support/closed.js';
import { forkUntilRefused } from '../support/fork-until-refused.js';
import { type Identity, identities, stateOf } from '../support/identity.js';
import { libraryPlace } from '../support/library-place.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { ended, runProgram, runWasbox, startWasbox } from '../support/wasbox.js';

const files = {
  'text.txt': 'one\ntwo\n',
  'same.txt': 'kept\n',
  'gone.txt': 'gone\n',
  'same-size.txt': 'aaaa',
  'dir/a': 'a\n',
  'dir/deep/b': 'b\n',
  'dir/deep/c': 'c\n',
  'other/a': 'A\n',
  'replaced/x': 'x\n',
  'becomes-dir': 'file\n',
  'becomes-file/y': 'y\n',
};

/** Every kind of change that a layer has a form for. */
const script = `set -e
echo three >> text.txt
rm gone.txt
printf bbbb > same-size.txt; touch -r same.txt same-size.txt
echo new > new.txt; chmod 750 new.txt
ln -s text.txt link
mkdir -p made/below; echo m > made/below/m
mv dir/deep moved
mv dir swap; mv other dir; mv swap other
rm -r replaced; mkdir replaced; echo z > replaced/z
rm becomes-dir; mkdir becomes-dir; echo d > becomes-dir/d
rm -r becomes-file; echo f > becomes-file
ln text.txt hard
chmod 600 same.txt; touch -d 2001-02-03 same.txt
cp -p same.txt copy.txt
test "$(stat -c %a copy.txt)" = 600
test "$(stat -c %Y copy.txt)" = "$(stat -c %Y same.txt)"
`;

/** All of a tree: kinds, modes, contents. */
function picture(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of fs.readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name);
    const info = fs.lstatSync(path);
    const mode = (info.mode & 0o777).toString(8);
    if (info.isSymbolicLink()) found[name] = `link ${fs.readlinkSync(path)}`;
    else if (info.isDirectory()) found[name] = 'directory';
    else found[name] = `${mode} ${fs.readFileSync(path, 'utf8')}`;
  }
  return found;
}

const landlock = ['run', '--isolation', 'landlock'];

const left = (as: Identity): string[] =>
  ['runs', 'spare'].flatMap((name) => {
    const path = join(stateOf(as), 'wasbox', name);
    return fs.existsSync(path) ? fs.readdirSync(path).filter((one) => !one.includes('-')) : [];
  });

/** Processes with these words in their command line. */
const running = (words: string): string[] =>
  spawnSync('pgrep', ['-f', '--', words], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);

describe.each(identities())('a run with Landlock isolation, as $label', (as) => {
  test('changes nothing until it is applied, and then what the program changed', async () => {
    const plain = makeProject(as, files);
    expect((await runProgram(['/bin/sh', '-c', script], { as, cwd: plain })).err).toBe('');
    const cwd = makeProject(as, files);
    const before = picture(cwd);
    const run = await runWasbox([...landlock, '--', 'sh', '-c', script], { as, cwd });
    expect(run.status, run.err).toBe(0);
    expect(run.err).toContain('isolated by Landlock, without namespaces');
    expect(picture(cwd)).toEqual(before);
    expect((await runWasbox(['apply'], { as, cwd })).status).toBe(0);
    expect(picture(cwd)).toEqual(picture(plain));
    expect(left(as)).toEqual([]);
  });

  test('has the changes that a run with namespaces has', async () => {
    const diffs = [];
    for (const isolation of ['namespaces', 'landlock']) {
      const cwd = makeProject(as, files);
      const args = ['run', '-q', '--isolation', isolation, '--', 'sh', '-c', script];
      expect((await runWasbox(args, { as, cwd })).status).toBe(0);
      diffs.push((await runWasbox(['diff', '--stat'], { as, cwd })).out);
    }
    expect(diffs[1]).toBe(diffs[0]);
    expect(diffs[0]).toContain('text.txt');
  });

  test('moves files between directories by rename(2), which no program copies in its place', async () => {
    const cwd = makeProject(as, files);
    const moves = `import os
os.rename('dir/a', 'other/b'); os.rename('dir/deep', 'replaced/deep'); os.link('other/b', 'linked')
os.rename('linked', os.environ['TMPDIR'] + '/gone')`;
    const run = await runWasbox([...landlock, '--apply', '--', 'python3', '-c', moves], {
      as,
      cwd,
    });
    expect(run.status, run.err).toBe(0);
    const after = picture(cwd);
    expect([after['other/b'], after['replaced/deep/c']]).toEqual([
      expect.stringContaining('a\n'),
      expect.stringContaining('c\n'),
    ]);
    expect(Object.keys(after)).not.toContain('dir/deep');
  });

  test('changes modes by way of a descriptor, as musl does', async () => {
    const cwd = makeProject(as, { file: 'x', 'dir/below': 'y' });
    const code = `import os
for name, mode in (('file', 0o640), ('dir', 0o750)):
    fd = os.open(name, os.O_PATH)
    os.chmod(f'/proc/self/fd/{fd}', mode)
    os.utime(f'/dev/fd/{fd}', (1, 1))
    os.chown(f'/proc/{os.getpid()}/fd/{fd}', os.getuid(), -1)
    print(name, oct(os.stat(name).st_mode & 0o777), os.stat(name).st_mtime)
for path in ('/proc/self/fd/999', '/proc/self/fd/x', '/proc/self/fd/0x'):
    try: os.chmod(path, 0o777)
    except OSError as error: print(type(error).__name__)`;
    const run = await runWasbox([...landlock, '--discard', '--', 'python3', '-c', code], {
      as,
      cwd,
    });
    const failed = 'FileNotFoundError\n';
    expect(run.out, run.err).toBe(`file 0o640 1.0\ndir 0o750 1.0\n${failed.repeat(3)}`);
  });

  test('saves directories that the program has closed to itself', async () => {
    const cwd = makeProject(as, { 'old/file': 'old\n', 'read/file': 'old\n' });
    const close = `mkdir -p new/below; echo new > new/below/file; chmod 0 new/below new
echo changed > old/file; echo more > old/more; chmod 0 old
echo more > read/more; chmod 500 read; mkdir ~/closed; echo home > ~/closed/file; chmod 0 ~/closed`;
    const run = await runWasbox([...landlock, '--', 'sh', '-c', close], { as, cwd });
    expect([run.status, run.err], run.err).toEqual([0, expect.stringContaining('added')]);
    expect(fs.existsSync(join(cwd, 'new'))).toBe(false);
    const applied = await runWasbox(['apply'], { as, cwd });
    expect(applied.err).not.toContain('cannot');
    const mode = (name: string) => fs.statSync(join(cwd, name)).mode & 0o777;
    expect([mode('new'), mode('old'), mode('read')]).toEqual([0, 0, 0o500]);
    for (const name of ['new', 'old', 'new/below']) fs.chmodSync(join(cwd, name), 0o700);
    const read = (name: string) => fs.readFileSync(join(cwd, name), 'utf8');
    expect([read('new/below/file'), read('old/file'), read('old/more'), read('read/more')]).toEqual(
      ['new\n', 'changed\n', 'more\n', 'more\n'],
    );
  });

  test('has no extended attributes, and programs that copy them go on', async () => {
    const cwd = makeProject(as, files);
    const copy = 'import os, shutil; shutil.copytree("dir", "copied"); os.listxattr("dir")';
    const program = `cp -a dir twice; python3 -c '${copy}'`;
    const run = await runWasbox([...landlock, '--', 'sh', '-c', program], { as, cwd });
    expect(run.err).toContain('Operation not supported');
    expect(run.err).not.toContain('cp:');
    expect(run.err).not.toContain('blocked');
    const { out } = await runWasbox(['diff', '--name-only'], { as, cwd });
    expect(out.split('\n')).toEqual(expect.arrayContaining(['twice/deep/b', 'copied/deep/b']));
  });

  test('keeps what it writes to its home and drops its temporary files', async () => {
    const cwd = makeProject(as);
    const program =
      'echo h > ~/.kept; echo t > $TMPDIR/t; cat ~/.kept $TMPDIR/t; echo $HOME $TMPDIR';
    const run = await runWasbox([...landlock, '-q', '--', 'sh', '-c', program], { as, cwd });
    expect(run.out).toMatch(/^h\nt\n/);
    const [home = '', temporary = ''] = run.out.trim().split('\n').at(-1)?.split(' ') ?? [];
    expect(fs.existsSync(home)).toBe(false);
    expect(fs.existsSync(temporary)).toBe(false);
    expect((await runWasbox(['diff', '--name-only'], { as, cwd })).out).toContain('~/.kept');
    expect(fs.existsSync(join(as.home, '.kept'))).toBe(false);
  });

  test('leaves out what is hidden, and never takes it for deleted', async () => {
    const cwd = makeProject(as, { 'secret/key': 'k', '.env': 'TOKEN=1', seen: 's' });
    const args = [...landlock, '-q', '--hide', 'secret', '--hide', '.env'];
    const program = 'ls -A; echo x > seen; echo y > .env';
    const run = await runWasbox([...args, '--', 'sh', '-c', program], { as, cwd });
    expect(run.out).toBe('seen\n');
    expect((await runWasbox(['diff', '--name-only'], { as, cwd })).out).toBe('seen\n');
  });

  test('is chosen where there are no namespaces, and nowhere else', async () => {
    const cwd = makeProject(as);
    const program = ['--', 'sh', '-c', 'echo done > made'];
    const open = await runWasbox(['run', ...program], { as, cwd });
    expect(open.err).not.toContain('Landlock');
    const closed = await runProgram(closedArgv(as, cwd, ['run', ...program]), { as, cwd });
    expect(closed.status, closed.err).toBe(0);
    expect(closed.err).toContain('isolated by Landlock, without namespaces');
    const asked = closedArgv(as, cwd, ['run', '--isolation', 'namespaces', ...program]);
    expect((await runProgram(asked, { as, cwd })).status).toBe(125);
    expect(fs.existsSync(join(cwd, 'made'))).toBe(false);
  });

  test('says so in its report', async () => {
    const cwd = makeProject(as);
    const run = await runWasbox([...landlock, '--json', '--', 'true'], { as, cwd });
    const report = JSON.parse(run.err.slice(run.err.indexOf('{')));
    expect(report.sandbox).toMatchObject({ isolation: 'landlock', namespaces: [] });
    expect(report.notes[0]).toContain('without namespaces');
  });

  test.each([
    ['--ask'],
    ['--audit'],
    ['--root'],
    ['--home', 'cow'],
    ['--publish', '8080'],
    ['--ro', '/etc:/elsewhere'],
    ['--hide', '/usr/share'],
    ['--for', 'npm'],
  ])('refuses what it cannot keep: %s %s', async (...option) => {
    const cwd = makeProject(as);
    const words = option.filter((word) => word !== undefined);
    const run = await runWasbox([...landlock, '-q', ...words, '--', 'touch', 'ran'], { as, cwd });
    expect(run.status).toBe(125);
    expect(run.err).toContain('is not available with Landlock isolation');
    expect(left(as)).toEqual([]);
  });

  test.each([['learn', '-o', 'learned.toml'], ['why']])('refuses %s, too', async (...verb) => {
    const cwd = makeProject(as);
    const words = [...verb, '--isolation', 'landlock', '--', 'touch', 'ran'];
    const run = await runWasbox(words, { as, cwd });
    expect(run.status).not.toBe(0);
    expect(run.err).toContain('--audit is not available with Landlock isolation');
    expect(left(as)).toEqual([]);
    expect(fs.readdirSync(cwd)).toEqual([]);
  });

  test('ends every process of its program', async () => {
    const cwd = makeProject(as);
    const mark = `${process.pid}.${as.uid}1`;
    const program = `setsid sleep ${mark} & (setsid sh -c "sleep ${mark} & sleep ${mark}" &); until [ $(pgrep -fc "^sleep ${mark}") -ge 3 ]; do :; done; echo all`;
    const run = await runWasbox([...landlock, '-q', '--', 'sh', '-c', program], { as, cwd });
    expect(run.out).toBe('all\n');
    expect(running(`^sleep ${mark}`)).toEqual([]);
  });

  test('ends with wasbox, and is recovered', async () => {
    const cwd = makeProject(as, { old: 'old' });
    const mark = `${process.pid}.${as.uid}2`;
    const program = `rm old; echo new > new; setsid sleep ${mark} & echo started; sleep ${mark}`;
    const child = startWasbox([...landlock, '-q', '--', 'sh', '-c', program], { as, cwd });
    const end = ended(child, { as });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    await expect.poll(() => running(`^sleep ${mark}`).length).toBe(2);
    child.kill('SIGKILL');
    await end;
    await expect.poll(() => running(`^sleep ${mark}`)).toEqual([]);
    const diff = await runWasbox(['diff', '--name-only'], { as, cwd });
    expect(diff.out.split('\n').sort()).toEqual(['', 'new', 'old']);
    expect(fs.readdirSync(cwd)).toEqual(['old']);
  });

  test('ends a fork bomb', async () => {
    const cwd = makeProject(as);
    const mark = `${process.pid}.${as.uid}3`;
    const program = `f() { f ${mark} & f ${mark} & }; f ${mark}; sleep ${mark}`;
    const args = [...landlock, '-q', '--pids', '64', '--timeout', '3s', '--', 'sh', '-c', program];
    const run = await runWasbox(args, { as, cwd });
    expect([0, 2, 124], run.err.slice(-500)).toContain(run.status);
    expect(running(mark)).toEqual([]);
  });

  // Root's runs have an ID of their own; an ordinary user has other processes that come and go.
  needs(as.uid === 0 ? 'root' : 'another identity').test(
    'gives a program as many processes as --pids says',
    async () => {
      const cwd = makeProject(as);
      const argv = ['/usr/bin/python3', '-c', forkUntilRefused('print(e.errno)')];
      expect((await runProgram(argv, { as, cwd })).out).toBe('200\n');
      for (const pids of ['20', '100']) {
        const run = await runWasbox([...landlock, '--pids', pids, '--', ...argv], { as, cwd });
        expect(run.out, run.err).toBe(`11\n${pids}\n`);
      }
    },
  );

  test('holds its limits', async () => {
    const cwd = makeProject(as);
    const limited = (limit: readonly string[], program: readonly string[]) =>
      runWasbox([...landlock, ...limit, '--', ...program], { as, cwd });
    const memory = ['python3', '-c', 'import time; x = bytearray(300 << 20); time.sleep(60)'];
    const hog = await limited(['--memory', '64M'], memory);
    expect(hog.status).toBe(137);
    expect(hog.err).toContain('--memory');
    const loop = await limited(['--cpu', '1s'], ['sh', '-c', 'while :; do :; done']);
    expect(loop.err).toContain('--cpu');
    const fill = 'dd if=/dev/zero of=$TMPDIR/big bs=1M count=100 2>/dev/null; sleep 60';
    const full = await limited(['--disk', '8M'], ['sh', '-c', fill]);
    expect(full.err).toContain('--disk');
    // In directories that the program has closed to itself, too: no more than 4 MiB are in one that is open.
    const hide = `import os, time
for n in range(5):
    path = f'closed-{n}/' + 'deep/' * 60
    os.makedirs(path)
    with open(path + 'file', 'wb') as file: file.write(bytes(4 << 20))
    for depth in range(60, -1, -1): os.chmod(f'closed-{n}/' + 'deep/' * depth, (0, 0o100, 0o400)[depth % 3])
time.sleep(60)`;
    const closed = await limited(['--disk', '8M'], ['python3', '-c', hide]);
    expect(closed.status, closed.err).toBe(137);
    expect(closed.err).toContain('--disk');
  });

  test('says which limit a copy is too large for', async () => {
    const cwd = makeProject(as, { a: '', b: '', c: '', big: 'x'.repeat(2_000_000) });
    const refused = (limit: readonly string[]) =>
      runWasbox([...landlock, ...limit, '--', 'true'], { as, cwd });
    const many = await refused(['--inodes', '2']);
    expect([many.status, many.err]).toEqual([
      125,
      expect.stringContaining('it has more files than a run may have'),
    ]);
    const large = await refused(['--disk', '1M']);
    expect([large.status, large.err]).toEqual([
      125,
      expect.stringContaining('it is larger than the limit on disk space'),
    ]);
    const fits = await refused(['--inodes', '100', '--disk', '10M']);
    expect([fits.status, fits.err]).toEqual([0, expect.not.stringContaining('cannot copy')]);
  });
});

describe('the library', () => {
  const { workdir } = libraryPlace('landlock-library');

  test('makes runs with it, but neither sessions nor pools', async () => {
    const done = await run({ code: 'echo here', isolation: 'landlock', workdir });
    expect([done.stdout, done.report.sandbox.isolation]).toEqual(['here\n', 'landlock']);
    const refused = { code: 'ERR_BACKEND', message: expect.stringContaining('Landlock isolation') };
    await expect(createSession({ isolation: 'landlock', workdir })).rejects.toMatchObject(refused);
    await expect(
      createPool({ lang: 'sh', isolation: 'landlock', workdir, size: 1 }),
    ).rejects.toMatchObject(refused);
  });
});
