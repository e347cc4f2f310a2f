/**
 * Tests that what the native command found once is asked again each time: whatever changes between two runs,
 * the second does what one through Node does. `nodes` counts starts of Node.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeFastpath, plain, tool } from '../support/fastpath.js';
import { eventually } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject, writeFiles } from '../support/project.js';
import { nativeOf } from '../support/two-ways.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

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
const pathOf = (...directories: string[]) => ({
  PATH: [...directories, '/usr/bin:/bin'].join(':'),
});
const beside = (cwd: string, name: string) => `${cwd}.${name}`;

const cases: Readonly<Record<string, Case>> = {
  'another #! line': {
    files: { 'a.sh': '#!/bin/sh\necho one\n' },
    args: () => ['a.sh'],
    change: (cwd) => put(cwd, { 'a.sh': '#!/bin/cat\necho one\n' }),
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

/** The entries; one that is saved again is another file. */
const entriesOf = (state: string): string[] => {
  const plans = join(state, 'plans');
  const names = fs.existsSync(plans) ? fs.readdirSync(plans) : [];
  return names
    .filter((name) => !name.startsWith('.'))
    .map((name) => `${name} ${fs.statSync(join(plans, name)).ino}`)
    .sort();
};

const recordable = Object.entries(cases).filter(([name]) => !name.includes('--ro directory'));

needs('an engine', 'ordinary user').describe('after a change the engine records anew:', () => {
  test.each(recordable)('%s', async (_name, one) => {
    const cwd = makeProject(as, one.files);
    const fastpath = makeFastpath(as, nativeOf(as));
    const { state } = fastpath;
    const env = one.env?.(cwd) ?? {};
    const args = ['run', ...one.args(cwd)];
    const run = (more: Record<string, string>) => fastpath.run(args, { cwd, env: more });
    await run(env); // makes the state directory, whose absence was an answer
    await run(env);
    await eventually(() => entriesOf(state).length === 1, 30_000);
    const before = entriesOf(state);
    expect(before).toHaveLength(1);
    await run(env);
    await fastpath.settled();
    expect(entriesOf(state)).toEqual(before);
    one.change(cwd);
    const after = { ...env, ...one.envAfter?.(cwd) };
    const { err } = await run(after);
    // A start that something is said of may be none that can be repeated.
    const silent = err === '';
    if (silent) await eventually(() => entriesOf(state).join() !== before.join(), 30_000);
    await fastpath.settled();
    const renewed = entriesOf(state);
    if (silent) expect(renewed).not.toEqual(before);
    await run(after);
    await run(after);
    await fastpath.settled();
    expect(entriesOf(state)).toEqual(renewed);
  });
});

describe('a second run sees', () => {
  const { test } = needs('ordinary user');
  test.each(Object.entries(cases))('%s', async (name, one) => {
    const cwd = makeProject(as, one.files);
    const fastpath = makeFastpath(as);
    const env = one.env?.(cwd) ?? {};
    const args = ['run', ...one.args(cwd)];
    // PATH would lead past the script that counts.
    const marked = (more: Record<string, string>) =>
      more.PATH === undefined ? more : { ...more, PATH: `${more.PATH}:${fastpath.env.PATH}` };
    const run = (more: Record<string, string>) => fastpath.run(args, { cwd, env: marked(more) });
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
      env: { ...fastpath.env, PWD: cwd, ...marked(after) },
    });
    const second = await run(after);
    expect(plain(second)).toEqual(plain(viaNode));
    expect(plain(second)).not.toEqual(plain(before));
  });

  test('other files of the installation', async () => {
    const dist = join(makeProject(as, {}, 'install'), 'dist');
    const filter = (path: string) => !path.endsWith('/wasbox-engine');
    fs.cpSync(join(as.cli, '..'), dist, { recursive: true, filter });
    const executable = join(dist, 'native', `linux-${process.arch}`, 'wasbox');
    const fastpath = makeFastpath(as, executable);
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const nodes = async () => (await fastpath.run(['run', 'a.sh'], { cwd })).nodes;
    expect([await nodes(), await nodes()]).toEqual([1, 0]);
    for (const name of ['cli-main.cjs', `native/linux-${process.arch}/wasbox-init`]) {
      const mode = fs.statSync(join(dist, name)).mode;
      fs.copyFileSync(join(dist, name), join(dist, 'new'));
      fs.chmodSync(join(dist, 'new'), mode);
      fs.renameSync(join(dist, 'new'), join(dist, name));
      expect([await nodes(), await nodes()], name).toEqual([1, 0]);
    }
  });

  needs('root').test('a group that was taken from the user', async () => {
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
    const fastpath = makeFastpath(as);
    const root = { ...as, uid: 0, gid: 0 };
    const executable = join(as.cli, `../native/linux-${process.arch}/wasbox`);
    const run = async (groups: string, program = [executable]) => {
      const command = ['setpriv', `--reuid=${as.uid}`, `--regid=${as.gid}`, `--groups=${groups}`];
      const path = `${early}:${late}:${fastpath.env.PATH}`;
      const argv = [...command, ...program];
      const env = { ...fastpath.env, HOME: as.home, PWD: cwd, PATH: path };
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
