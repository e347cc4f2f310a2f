/**
 * What the native front end found once is asked again each time: whatever changes between two runs,
 * the second does what one through Node does. `nodes` counts starts of Node.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Front, frontOf, makeFront } from '../support/front.js';
import { ordinaryUser, underRoot } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { type Ended, runProgram, runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();

interface Case {
  readonly files: Readonly<Record<string, string>>;
  readonly args: (cwd: string) => readonly string[];
  readonly env?: (cwd: string) => Record<string, string>;
  readonly change: (cwd: string) => void;
  /** Variables of the second run. */
  readonly envAfter?: (cwd: string) => Record<string, string>;
}

const put = (cwd: string, files: Record<string, string>) => writeFiles(as, cwd, files);
const tool = (say: string) => `#!/bin/sh\necho ${say}\n`;
const pathOf = (...directories: string[]) => ({
  PATH: [...directories, '/usr/bin:/bin'].join(':'),
});
const beside = (cwd: string, name: string) => `${cwd}.${name}`;

const cases: Readonly<Record<string, Case>> = {
  'another #! line': {
    files: { 'a.sh': '#!/bin/sh\necho one; exit 3\n' },
    args: () => ['a.sh'],
    change: (cwd) => put(cwd, { 'a.sh': '#!/bin/cat\necho one; exit 3\n' }),
  },
  'a script that is gone': {
    files: { 'a.sh': tool('one') },
    args: () => ['a.sh'],
    change: (cwd) => fs.rmSync(join(cwd, 'a.sh')),
  },
  'a script that became a link out of the directory': {
    files: { 'a.sh': tool('one') },
    args: () => ['a.sh'],
    change: (cwd) => {
      put(beside(cwd, 'out'), { 'b.sh': tool('outside') });
      fs.rmSync(join(cwd, 'a.sh'));
      fs.symlinkSync(join(beside(cwd, 'out'), 'b.sh'), join(cwd, 'a.sh'));
    },
  },
  'a script that became a directory': {
    files: { 'a.sh': tool('one') },
    args: () => ['a.sh'],
    change: (cwd) => {
      fs.rmSync(join(cwd, 'a.sh'));
      put(cwd, { 'a.sh/': '' });
    },
  },
  'a file of the command’s name in the directory': {
    files: {},
    args: () => ['echo', 'x'],
    change: (cwd) => put(cwd, { echo: '#!/bin/sh\necho mine\n' }),
  },
  'a new program earlier in PATH': {
    files: {},
    args: () => ['some-tool'],
    env: (cwd) => {
      put(beside(cwd, 'bin2'), { 'some-tool': tool('late') });
      fs.chmodSync(join(beside(cwd, 'bin2'), 'some-tool'), 0o755);
      put(beside(cwd, 'bin1'), { other: '' });
      return pathOf(beside(cwd, 'bin1'), beside(cwd, 'bin2'));
    },
    change: (cwd) => {
      put(beside(cwd, 'bin1'), { 'some-tool': tool('early') });
      fs.chmodSync(join(beside(cwd, 'bin1'), 'some-tool'), 0o755);
    },
    envAfter: (cwd) => pathOf(beside(cwd, 'bin1'), beside(cwd, 'bin2')),
  },
  'a program that may be executed now': {
    files: {},
    args: () => ['some-tool'],
    env: (cwd) => {
      put(beside(cwd, 'bin2'), { 'some-tool': tool('late') });
      fs.chmodSync(join(beside(cwd, 'bin2'), 'some-tool'), 0o755);
      put(beside(cwd, 'bin1'), { 'some-tool': tool('early') });
      return pathOf(beside(cwd, 'bin1'), beside(cwd, 'bin2'));
    },
    change: (cwd) => fs.chmodSync(join(beside(cwd, 'bin1'), 'some-tool'), 0o755),
    envAfter: (cwd) => pathOf(beside(cwd, 'bin1'), beside(cwd, 'bin2')),
  },
  'another PATH': {
    files: {},
    args: () => ['--', 'sh', '-c', 'echo "$PATH"'],
    change: () => {},
    envAfter: () => ({ PATH: '/bin:/usr/bin' }),
  },
  'another variable that is passed on': {
    files: {},
    args: () => ['--', 'sh', '-c', 'echo "$LANG $TERM"'],
    change: () => {},
    envAfter: () => ({ TERM: 'vt100' }),
  },
  'a variable that --env passes on': {
    files: {},
    args: () => ['--env', 'TOKEN', '--', 'sh', '-c', 'echo "$TOKEN"'],
    env: () => ({ TOKEN: 'one' }),
    change: () => {},
    envAfter: () => ({ TOKEN: 'two' }),
  },
  'a --ro file that is gone': {
    files: {},
    args: (cwd) => ['--ro', beside(cwd, 'file'), '--', 'cat', beside(cwd, 'file')],
    env: (cwd) => {
      fs.writeFileSync(beside(cwd, 'file'), 'shown\n');
      return {};
    },
    change: (cwd) => fs.rmSync(beside(cwd, 'file')),
  },
  'a --ro link that leads elsewhere': {
    files: {},
    args: (cwd) => ['--ro', beside(cwd, 'link'), '--', 'cat', beside(cwd, 'link')],
    env: (cwd) => {
      fs.writeFileSync(beside(cwd, 'one'), 'one\n');
      fs.writeFileSync(beside(cwd, 'two'), 'two\n');
      fs.symlinkSync(beside(cwd, 'one'), beside(cwd, 'link'));
      return {};
    },
    change: (cwd) => {
      fs.rmSync(beside(cwd, 'link'));
      fs.symlinkSync(beside(cwd, 'two'), beside(cwd, 'link'));
    },
  },
  'a --ro file that was replaced': {
    files: {},
    args: (cwd) => ['--ro', beside(cwd, 'file'), '--', 'cat', beside(cwd, 'file')],
    env: (cwd) => {
      fs.writeFileSync(beside(cwd, 'file'), 'one\n');
      return {};
    },
    change: (cwd) => {
      fs.writeFileSync(beside(cwd, 'new'), 'two\n');
      fs.renameSync(beside(cwd, 'new'), beside(cwd, 'file'));
    },
  },
  'a socket that appeared under a --ro directory': {
    files: {},
    args: (cwd) => ['--ro', beside(cwd, 'dir'), '--', 'ls', beside(cwd, 'dir')],
    env: (cwd) => {
      put(beside(cwd, 'dir'), { file: '' });
      return {};
    },
    change: (cwd) => put(beside(cwd, 'dir'), { another: '' }),
  },
  'another policy': {
    files: { 'own.policy': 'include "default"\n' },
    args: () => ['--policy', 'own.policy', '--', 'mkdir', '/tmp/made'],
    change: (cwd) => put(cwd, { 'own.policy': 'errno(ENOSPC) mkdir mkdirat\ninclude "default"\n' }),
  },
  'another version for a version manager': {
    files: { '.python-version': '1.0\n' },
    args: () => ['some-tool'],
    env: (cwd) => {
      const root = beside(cwd, 'pyenv');
      put(root, {
        'shims/some-tool': tool('shim'),
        'versions/1.0/bin/some-tool': tool('one'),
        'versions/2.0/bin/some-tool': tool('two'),
      });
      for (const name of ['shims', 'versions/1.0/bin', 'versions/2.0/bin']) {
        fs.chmodSync(join(root, name, 'some-tool'), 0o755);
      }
      return { PYENV_ROOT: root, ...pathOf(join(root, 'shims')) };
    },
    change: (cwd) => put(cwd, { '.python-version': '2.0\n' }),
    envAfter: (cwd) => ({
      PYENV_ROOT: beside(cwd, 'pyenv'),
      ...pathOf(join(beside(cwd, 'pyenv'), 'shims')),
    }),
  },
  'a directory that was replaced by another of its name': {
    files: { 'a.sh': tool('one') },
    args: () => ['a.sh'],
    change: (cwd) => {
      fs.renameSync(cwd, beside(cwd, 'old'));
      put(cwd, { 'a.sh': tool('two') });
    },
  },
};

/** As one through Node says it, without what differs from run to run. */
const plain = (run: Ended) => [run.status, run.out, run.err.replace(/\b0[0-9a-z]{8}\b/g, 'ID')];

describe('a second run sees', () => {
  test.each(Object.entries(cases))('%s', async (name, one) => {
    const cwd = makeProject(as, one.files);
    const front = makeFront(as);
    const env = one.env?.(cwd) ?? {};
    const args = ['run', ...one.args(cwd)];
    // PATH would lead past the script that counts.
    const marked = (more: Record<string, string>) =>
      more.PATH === undefined ? more : { ...more, PATH: `${more.PATH}:${front.env.PATH}` };
    const run = (more: Record<string, string>) => front.run(args, { cwd, env: marked(more) });
    const before = await run(env);
    const repeated = await run(env);
    expect(plain(repeated)).toEqual(plain(before));
    // Directories of --ro are searched for sockets each time, by Node.
    expect(repeated.nodes).toBe(name.includes('--ro directory') ? 1 : 0);
    one.change(cwd);
    const after = { ...env, ...one.envAfter?.(cwd) };
    const viaNode = await runWasbox(args, {
      as,
      cwd,
      env: { ...front.env, PWD: cwd, ...marked(after) },
    });
    const second = await run(after);
    expect(plain(second)).toEqual(plain(viaNode));
    expect(plain(second)).not.toEqual(plain(before));
  });

  test('other files of the installation', async () => {
    const dist = join(makeProject(as, {}, 'install'), 'dist');
    fs.cpSync(join(as.cli, '..'), dist, { recursive: true });
    const executable = join(dist, 'native', `linux-${process.arch}`, 'wasbox');
    const front = makeFront(as, executable);
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const nodes = async () => (await front.run(['run', 'a.sh'], { cwd })).nodes;
    expect([await nodes(), await nodes()]).toEqual([1, 0]);
    for (const name of ['cli-main.cjs', `native/linux-${process.arch}/wasbox-init`]) {
      const mode = fs.statSync(join(dist, name)).mode;
      fs.copyFileSync(join(dist, name), join(dist, 'new'));
      fs.chmodSync(join(dist, 'new'), mode);
      fs.renameSync(join(dist, 'new'), join(dist, name));
      expect([await nodes(), await nodes()], name).toEqual([1, 0]);
    }
  });

  test.runIf(underRoot)('that a group was taken from the user', async () => {
    const cwd = makeProject(as);
    const [early, late] = [beside(cwd, 'bin1'), beside(cwd, 'bin2')];
    for (const [directory, say] of [
      [early, 'early'],
      [late, 'late'],
    ] as const) {
      put(directory, { 'some-tool': tool(say) });
      fs.chmodSync(join(directory, 'some-tool'), 0o755);
    }
    const group = 54_321;
    fs.chownSync(early, 0, group);
    fs.chmodSync(early, 0o750);
    const front = makeFront(as);
    const root = { ...as, uid: 0, gid: 0 };
    const executable = join(as.cli, `../native/linux-${process.arch}/wasbox`);
    const run = async (groups: string, program = [executable]) => {
      const command = ['setpriv', `--reuid=${as.uid}`, `--regid=${as.gid}`, `--groups=${groups}`];
      const path = `${early}:${late}:${front.env.PATH}`;
      const argv = [...command, ...program];
      const env = { ...front.env, HOME: as.home, PWD: cwd, PATH: path };
      return (await runProgram([...argv, 'run', 'some-tool'], { as: root, cwd, env })).out;
    };
    const both = `${as.gid},${group}`;
    expect([await run(both), await run(both)]).toEqual(['early\n', 'early\n']);
    const without = await run(String(as.gid));
    expect(without).toBe(await run(String(as.gid), [process.execPath, as.cli]));
    expect(without).not.toContain('early');
    // The entry of a start without the group does not hold with it.
    expect([await run(String(as.gid)), await run(both)]).toEqual([without, 'early\n']);
  });
});

describe('an entry', () => {
  const cwdAndFront = async (): Promise<{ cwd: string; front: Front; entry: string }> => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const front = makeFront(as);
    await front.run(['run', 'a.sh'], { cwd });
    const [name = ''] = fs.readdirSync(join(front.state, 'plans'));
    expect((await front.run(['run', 'a.sh'], { cwd })).nodes).toBe(0);
    return { cwd, front, entry: join(front.state, 'plans', name) };
  };
  const own = (path: string) => fs.lchownSync(path, as.uid, as.gid);

  const poisons: Record<string, (entry: string) => void> = {
    'is open to others': (entry) => fs.chmodSync(entry, 0o644),
    'lies in an open directory': (entry) => fs.chmodSync(join(entry, '..'), 0o755),
    'is a link': (entry) => {
      fs.renameSync(entry, `${entry}.real`);
      fs.symlinkSync(`${entry}.real`, entry);
      own(entry);
    },
    'is cut short': (entry) => fs.truncateSync(entry, 4096),
    'is empty': (entry) => fs.truncateSync(entry, 0),
    'is longer than it says': (entry) => fs.appendFileSync(entry, Buffer.alloc(64)),
    'is a directory': (entry) => {
      fs.rmSync(entry);
      fs.mkdirSync(entry);
      own(entry);
    },
    'has a plan with another byte': (entry) => {
      const bytes = fs.readFileSync(entry);
      const at = bytes.indexOf('/usr/bin/');
      bytes.write('/bin', at);
      fs.writeFileSync(entry, bytes);
    },
  };

  test.each(Object.entries(poisons))('that %s is not used', async (_name, poison) => {
    const { cwd, front, entry } = await cwdAndFront();
    poison(entry);
    const run = await front.run(['run', 'a.sh'], { cwd });
    expect([run.nodes, run.out, run.status]).toEqual([1, 'one\n', 0]);
  });

  test('that was damaged anywhere is not used', async () => {
    const { cwd, front, entry } = await cwdAndFront();
    const whole = fs.readFileSync(entry);
    for (let round = 0; round < 24; round++) {
      const bytes = Buffer.from(whole);
      const at = Math.floor((round / 24) * whole.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (round % 8));
      fs.writeFileSync(entry, bytes);
      const run = await front.run(['run', 'a.sh'], { cwd });
      expect([run.nodes, run.out, run.status], `byte ${at}`).toEqual([1, 'one\n', 0]);
    }
    fs.writeFileSync(entry, whole);
    expect((await front.run(['run', 'a.sh'], { cwd })).nodes).toBe(0); // control
  });

  test('of another command is not used under this one’s name', async () => {
    const { cwd, front, entry } = await cwdAndFront();
    await front.run(['run', '--', 'echo', 'other'], { cwd });
    const others = fs
      .readdirSync(join(front.state, 'plans'))
      .map((name) => join(entry, '..', name));
    const other = others.find((path) => path !== entry) ?? '';
    fs.copyFileSync(other, entry);
    const run = await front.run(['run', 'a.sh'], { cwd });
    expect([run.nodes, run.out]).toEqual([1, 'one\n']);
  });
});

describe('the state directory', () => {
  test('serves first runs at the same time', async () => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const front = makeFront(as);
    const runs = await Promise.all(
      Array.from({ length: 6 }, () => front.run(['run', 'a.sh'], { cwd, env: {} })),
    );
    expect(runs.map(({ out, status }) => [out, status])).toEqual(runs.map(() => ['one\n', 0]));
    expect((await front.run(['run', 'a.sh'], { cwd })).nodes).toBe(0);
    expect(fs.readdirSync(join(front.state, 'plans'))).toHaveLength(1);
    await front.settled();
  });

  test.each([0o500, 0o000])('may have a closed directory of entries (mode %o)', async (mode) => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const front = makeFront(as);
    await front.run(['run', '--', 'true'], { cwd });
    fs.chmodSync(join(front.state, 'plans'), mode);
    for (let round = 0; round < 2; round++) {
      const run = await front.run(['run', 'a.sh'], { cwd });
      expect([run.nodes, run.out, run.err, run.status]).toEqual([1, 'one\n', '', 0]);
    }
    fs.chmodSync(join(front.state, 'plans'), 0o700);
  });

  test.runIf(underRoot)('may be full', async () => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const front = makeFront(as);
    await front.run(['run', '--', 'true'], { cwd });
    const plans = join(front.state, 'plans');
    const script = `mount -t tmpfs -o size=4k,mode=700,uid=${as.uid},gid=${as.gid} none ${plans}
      setpriv --reuid=${as.uid} --regid=${as.gid} --clear-groups "$@"; echo $?; ls -A ${plans}`;
    const front2 = join(as.cli, `../native/linux-${process.arch}/wasbox`);
    const run = await runProgram(
      ['unshare', '-m', 'sh', '-c', script, 'sh', front2, 'run', 'a.sh'],
      { as: { ...as, uid: 0, gid: 0 }, cwd, env: { ...front.env, HOME: as.home, PWD: cwd } },
    );
    expect([run.out, run.err]).toEqual(['one\n0\n', '']);
  });

  test.each(['runs', '.'])('may not be written to any more (%s)', async (level) => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const front = makeFront(as);
    for (const nodes of [1, 0])
      expect((await front.run(['run', 'a.sh'], { cwd })).nodes).toBe(nodes);
    await front.settled();
    fs.chmodSync(join(front.state, level), 0o500);
    const viaNode = await runWasbox(['run', 'a.sh'], { as, cwd, env: { ...front.env, PWD: cwd } });
    for (let round = 0; round < 2; round++) {
      const run = await front.run(['run', 'a.sh'], { cwd });
      expect(plain(run)).toEqual(plain(viaNode));
    }
    fs.chmodSync(join(front.state, level), 0o700);
    expect((await front.run(['run', 'a.sh'], { cwd })).out).toBe('one\n');
  });

  test.runIf(underRoot).each([
    ['full', 'size=64k,nr_inodes=24'],
    ['read-only', 'size=1m'],
  ])('may be on a %s file system', async (how, size) => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const front = makeFront(as);
    await front.run(['run', '--', 'true'], { cwd }); // makes the directory
    const spoil =
      how === 'full'
        ? 'while touch "$0/fill$n" 2>/dev/null; do n=$((n+1)); done'
        : 'mount -o remount,ro "$0"';
    const script = `run() { setpriv --reuid=${as.uid} --regid=${as.gid} --clear-groups "$@"; echo $?; }
      mount -t tmpfs -o ${size},mode=700,uid=${as.uid},gid=${as.gid} none "$0"
      front=$1 node=$2 cli=$3; shift 3
      run $front "$@"; run $front "$@"
      while [ "$(ls "$0/runs")" ]; do sleep 0.05; done
      rm -rf "$0/spare" # with a directory to use again, a run needs no room
      ${spoil}
      run $front "$@"; run $front "$@"; run $node $cli "$@"`;
    const words = [front.state, frontOf(as), process.execPath, as.cli, 'run', 'a.sh'];
    const run = await runProgram(['unshare', '-m', 'sh', '-c', script, ...words], {
      as: { ...as, uid: 0, gid: 0 },
      cwd,
      env: { ...front.env, HOME: as.home, PWD: cwd },
    });
    const [first, second, third, ...errors] = run.out.split('\n');
    expect([first, second, third, ...errors.slice(0, 1)]).toEqual(['one', '0', 'one', '0']);
    expect(errors.slice(1)).toEqual(['125', '125', '125', '']);
    const told = run.err.trim().split('\n');
    expect(told[0]).toContain('state directory');
    expect(told).toEqual([0, 1, 2].flatMap(() => told.slice(0, told.length / 3)));
  });

  test.each([
    ['HOME unset', (): Record<string, string> => ({})],
    ['HOME that is not there', () => ({ HOME: '/nonexistent/home' })],
    ['a HOME of somebody else', () => ({ HOME: '/root' })],
    ['a HOME that is read-only', () => ({ HOME: makeReadOnly() })],
    ['a relative XDG_STATE_HOME', () => ({ HOME: as.home, XDG_STATE_HOME: 'relative' })],
  ])('is found as through Node with %s', async (_name, variables) => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const executable = join(as.cli, `../native/linux-${process.arch}/wasbox`);
    const env = Object.entries({ ...variables(), PATH: '/usr/bin:/bin', PWD: cwd });
    const words = ['env', '-i', ...env.map(([name, value]) => `${name}=${value}`)];
    const run = (argv: string[]) =>
      runProgram([...words, ...argv, 'run', '--discard', 'a.sh'], { as, cwd });
    const viaNode = await run([process.execPath, as.cli]);
    for (let round = 0; round < 2; round++) {
      expect(plain(await run([executable]))).toEqual(plain(viaNode));
    }
  });
});

function makeReadOnly(): string {
  const home = makeProject(as, {}, 'home');
  fs.chmodSync(home, 0o555);
  return home;
}
