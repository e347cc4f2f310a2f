/** The state directory under the native command: full, closed, read-only, missing, or shared by first runs. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { fastpathOf, makeFastpath, plain, tool } from '../support/fastpath.js';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();
const { test } = needs('ordinary user');

describe('the state directory', () => {
  test('serves first runs at the same time', async () => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const fastpath = makeFastpath(as);
    const runs = await Promise.all(
      Array.from({ length: 6 }, () => fastpath.run(['run', 'a.sh'], { cwd, env: {} })),
    );
    expect(runs.map(({ out, status }) => [out, status])).toEqual(runs.map(() => ['one\n', 0]));
    expect((await fastpath.run(['run', 'a.sh'], { cwd })).nodes).toBe(0);
    expect(fs.readdirSync(join(fastpath.state, 'plans'))).toHaveLength(1);
    await fastpath.settled();
  });

  test('is made by a first run that reads its script from stdin, once', async () => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const script = await makeFastpath(as).run(['run', '-'], { cwd, stdin: 'echo from stdin\n' });
    expect([script.status, script.out], script.err).toEqual([0, 'from stdin\n']);
    // Control: a first run that is recorded makes it, too, and the second needs no Node.
    const fastpath = makeFastpath(as);
    await fastpath.run(['run', 'a.sh'], { cwd });
    expect((await fastpath.run(['run', 'a.sh'], { cwd })).nodes).toBe(0);
  });

  test.each([0o500, 0o000])('may have a closed directory of entries (mode %o)', async (mode) => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const fastpath = makeFastpath(as);
    await fastpath.run(['run', '--', 'true'], { cwd });
    fs.chmodSync(join(fastpath.state, 'plans'), mode);
    for (let round = 0; round < 2; round++) {
      const run = await fastpath.run(['run', 'a.sh'], { cwd });
      expect([run.nodes, run.out, run.err, run.status]).toEqual([1, 'one\n', '', 0]);
    }
    fs.chmodSync(join(fastpath.state, 'plans'), 0o700);
  });

  needs('root').test('may be full', async () => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const fastpath = makeFastpath(as);
    await fastpath.run(['run', '--', 'true'], { cwd });
    const plans = join(fastpath.state, 'plans');
    const script = `mount -t tmpfs -o size=4k,mode=700,uid=${as.uid},gid=${as.gid} none ${plans}
      setpriv --reuid=${as.uid} --regid=${as.gid} --clear-groups "$@"; echo $?; ls -A ${plans}`;
    const front2 = join(as.cli, `../native/linux-${process.arch}/wasbox`);
    const run = await runProgram(
      ['unshare', '-m', 'sh', '-c', script, 'sh', front2, 'run', 'a.sh'],
      { as: { ...as, uid: 0, gid: 0 }, cwd, env: { ...fastpath.env, HOME: as.home, PWD: cwd } },
    );
    expect([run.out, run.err]).toEqual(['one\n0\n', '']);
  });

  test.each(['runs', '.'])('may not be written to any more (%s)', async (level) => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const fastpath = makeFastpath(as);
    for (const nodes of [1, 0])
      expect((await fastpath.run(['run', 'a.sh'], { cwd })).nodes).toBe(nodes);
    await fastpath.settled();
    fs.chmodSync(join(fastpath.state, level), 0o500);
    const viaNode = await runWasbox(['run', 'a.sh'], {
      as,
      cwd,
      env: { ...fastpath.env, PWD: cwd },
    });
    for (let round = 0; round < 2; round++) {
      const run = await fastpath.run(['run', 'a.sh'], { cwd });
      expect(plain(run)).toEqual(plain(viaNode));
    }
    fs.chmodSync(join(fastpath.state, level), 0o700);
    expect((await fastpath.run(['run', 'a.sh'], { cwd })).out).toBe('one\n');
  });

  needs('root').test.each([
    ['full', 'size=64k,nr_inodes=48'],
    ['read-only', 'size=1m'],
  ])('may be on a %s file system', async (how, size) => {
    const cwd = makeProject(as, { 'a.sh': tool('one') });
    const fastpath = makeFastpath(as);
    await fastpath.run(['run', '--', 'true'], { cwd }); // makes the directory
    const spoil =
      how === 'full'
        ? 'while touch "$0/fill$n" 2>/dev/null; do n=$((n+1)); done'
        : 'until mount -o remount,ro "$0" 2>/dev/null; do sleep 0.05; done'; // an entry may just be saved
    const script = `run() { setpriv --reuid=${as.uid} --regid=${as.gid} --clear-groups "$@"; echo $?; }
      mount -t tmpfs -o ${size},mode=700,uid=${as.uid},gid=${as.gid} none "$0"
      fastpath=$1 node=$2 cli=$3; shift 3
      run $fastpath "$@"; run $fastpath "$@"
      while [ "$(ls "$0/runs"; ls "$0/spare" 2>/dev/null | grep -vE "^(kept|home)-")" ]; do sleep 0.05; done
      rm -rf "$0/spare" # with a directory to use again, a run needs no room
      ${spoil}
      run $fastpath "$@"; run $fastpath "$@"; run $node $cli "$@"`;
    const words = [fastpath.state, fastpathOf(as), process.execPath, as.cli, 'run', 'a.sh'];
    const run = await runProgram(['unshare', '-m', 'sh', '-c', script, ...words], {
      as: { ...as, uid: 0, gid: 0 },
      cwd,
      env: { ...fastpath.env, HOME: as.home, PWD: cwd },
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
    ['a HOME of another user', () => ({ HOME: '/root' })],
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
