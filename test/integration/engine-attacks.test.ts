/**
 * The engine and the native command under odd callers: entries that the engine did not make, limits of
 * the caller's, what changes between the engine and the start, many starts at once.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeFastpath, tool } from '../support/fastpath.js';
import { eventually } from '../support/host.js';
import { everyone, ordinaryUser } from '../support/identity.js';
import { installOwn } from '../support/installation.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { nativeOf } from '../support/two-ways.js';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();
const user = needs('ordinary user');
const wasbox = nativeOf(as);
const files = { 'a.sh': tool('one'), 'data/f': 'shown\n' };

/** An installation with another program in the engine's place. */
function between(): string {
  const installed = installOwn(as, 'between');
  const own = fileURLToPath(new URL('../support/engine/between.py', import.meta.url));
  fs.renameSync(installed.engine, join(dirname(installed.engine), 'real-engine'));
  fs.copyFileSync(own, installed.engine);
  fs.chmodSync(installed.engine, 0o755);
  return installed.wasbox;
}

const rootIdentity = () => {
  const found = everyone().find(({ label }) => label === 'root');
  if (found === undefined) throw new Error('this needs root');
  return found;
};

/** Runs wasbox in a shell that sets something up before. */
async function runAfter(setUp: string, words: readonly string[], cwd: string) {
  const { env } = makeFastpath(as, wasbox);
  const argv = ['/bin/sh', '-c', `${setUp}\nexec "$0" "$@"`, wasbox, 'run', ...words];
  return runProgram(argv, { as, cwd, env: { ...env, PWD: cwd } });
}

user.describe('an entry', () => {
  const installed = between();
  const run = (ENTRY: string, words: readonly string[], cwd: string, more = {}) =>
    makeFastpath(as, installed).run(['run', ...words], { cwd, env: { ENTRY, ...more } });

  test('is taken if the engine made it: else the others would show nothing', async () => {
    const one = await run('sealed', ['--', 'echo', 'hi'], makeProject(as, files));
    expect([one.status, one.out, one.err, one.nodes]).toEqual([0, 'hi\n', '', 0]);
  });

  test.each(['unsealed', 'truncated', 'damaged', 'huge', 'empty', 'silent', 'killed'])(
    'is not taken if it is none, and the engine makes the run itself: %s',
    async (how) => {
      const one = await run(how, ['--', 'echo', 'hi'], makeProject(as, files));
      expect([one.status, one.out, one.err, one.nodes]).toEqual([0, 'hi\n', '', 0]);
    },
  );

  test('is enough for the only start that got it, and its changes are saved', async () => {
    const cwd = makeProject(as, files);
    const fastpath = makeFastpath(as, installed);
    const tried = (ENTRY: string, ...words: string[]) =>
      fastpath.run(words, { cwd, env: { ENTRY } });
    const quiet = await tried('killed later', 'run', '--', 'echo', 'hi');
    expect([quiet.status, quiet.out, quiet.err]).toEqual([0, 'hi\n', '']);
    const words = ['run', '--', 'sh', '-c', 'echo made >made; exit 3'];
    const changed = await tried('killed later', ...words);
    expect([changed.status, changed.out]).toEqual([3, '']);
    expect(changed.err).toContain('What it changed is saved: wasbox runs');
    expect((await tried('', 'diff', '--stat')).out).toContain('A made');
    // The control: with the whole entry the run is reported.
    const whole = await tried('sealed', ...words);
    expect([whole.status, whole.err]).toEqual([3, expect.stringContaining('1 file added')]);
  });

  test.each([
    ['sealed', 1],
    ['whole unsealed', 0],
    ['whole damaged', 0],
  ])('is saved only as the engine has made it: %s', async (ENTRY, count) => {
    const fastpath = makeFastpath(as, installed);
    const cwd = makeProject(as, files);
    for (let i = 0; i < 2; i++) {
      // The first run makes the state directory, which an entry tells of.
      const words = ['run', '--env', `N=${i}`, '--', 'echo', 'hi'];
      const one = await fastpath.run(words, { cwd, env: { ENTRY } });
      expect([one.status, one.out, one.err]).toEqual([0, 'hi\n', '']);
    }
    await fastpath.settled();
    const plans = join(fastpath.state, 'plans');
    const saved = () => (fs.existsSync(plans) ? fs.readdirSync(plans).length : 0);
    if (count > 0) await eventually(() => saved() === count);
    expect(saved()).toBe(count);
  });

  test('is not used where a path that was to be shown is replaced before the start', async () => {
    const cwd = makeProject(as, files);
    const secret = makeProject(as, { f: 'secret\n' });
    fs.symlinkSync(secret, join(cwd, 'link'));
    const words = ['--ro', 'data:/data', '--', 'cat', '/data/f'];
    const one = await run('sealed', words, cwd, { SWAP: 'data:link' });
    expect(one.out).not.toContain('secret');
    expect(one.nodes).toBe(0);
  });
});

describe('limits of the caller', () => {
  test('for files: the entry is one, and the run is made all the same', async () => {
    const run = await runAfter('ulimit -f 8', ['--', 'echo', 'hi'], makeProject(as, files));
    expect([run.status, run.signal]).not.toEqual([null, 'SIGXFSZ']);
    expect(run.status, run.err).toBeLessThan(126);
  });

  test('for the stack: a deep profile is an error, not a crash', async () => {
    const place = makeProject(as, { 'p.toml': `x = ${'['.repeat(200_000)}` });
    const shell = 'ulimit -s $0; WASBOX_FASTPATH=explain:00 exec "$@"';
    const words = ['run', '--profile', join(place, 'p.toml'), '--', 'true'];
    for (const limit of ['128', '256', '512', '8192']) {
      const argv = [
        '/bin/sh',
        '-c',
        shell,
        limit,
        join(dirname(wasbox), 'wasbox-engine'),
        ...words,
      ];
      const run = await runProgram(argv, { as, cwd: place });
      expect([run.status, run.signal], limit).toEqual([1, null]);
    }
  });

  test('for the stack: the end of a run and the review work with a small one', async () => {
    const cwd = makeProject(as, files);
    const { env } = makeFastpath(as, wasbox);
    const script = 'ulimit -s 128; "$0" run -q --json -- touch made; "$0" diff --stat; "$0" apply';
    const run = await runProgram(['/bin/sh', '-c', script, wasbox], {
      as,
      cwd,
      env: { ...env, PWD: cwd },
    });
    expect([run.status, run.signal]).toEqual([0, null]);
    expect(run.out).toContain('A made');
    expect(fs.existsSync(join(cwd, 'made'))).toBe(true);
  });

  test('for memory: with little the commands work, with none a line says so', async () => {
    const cwd = makeProject(as, files);
    const { env } = makeFastpath(as, wasbox);
    const tried = async (limit: string, words: readonly string[]) => {
      const argv = ['/bin/sh', '-c', `ulimit -v ${limit}; exec "$0" "$@"`, wasbox, ...words];
      return runProgram(argv, { as, cwd, env: { ...env, PWD: cwd, PATH: '/nosuch' } });
    };
    const small = await tried('200000', ['run', '-q', '--', '/bin/echo', 'hi']);
    expect([small.status, small.out, small.err]).toEqual([0, 'hi\n', '']);
    const policy = await tried('200000', ['policy', 'groups']);
    expect([policy.status, policy.err]).toEqual([1, expect.stringContaining('ulimit -v')]);
    const none = await tried('20000', ['runs']);
    expect([none.status, none.err]).toEqual([125, expect.stringContaining('ulimit -v')]);
  });

  test('a caller that ignores the ends of its children', async () => {
    const cwd = makeProject(as, files);
    const { env } = makeFastpath(as, wasbox);
    const program = `
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])`;
    for (const words of [
      ['run', '-c', 'exit 3'],
      ['run', '-c', 'exit 3'],
      ['run', '-v', '-c', 'exit 3'],
    ]) {
      const argv = ['python3', '-c', program, wasbox, ...words];
      const run = await runProgram(argv, { as, cwd, env: { ...env, PWD: cwd }, timeoutMs: 60_000 });
      expect([run.status, run.signal], run.err).toEqual([3, null]);
    }
  });

  test("are told in one line if the kernel's bounds of words and variables are reached", async () => {
    const search = `
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, 8 << 20))
words = ["y" * 131000] * 16
for size in range(4000, 0, -8):
    try:
        run = subprocess.run([sys.argv[1], "run", "--", "true", *words, "x" * size], capture_output=True)
    except OSError:
        continue
    print(run.returncode, run.stderr.decode())
    break
`;
    const { env } = makeFastpath(as, wasbox);
    const argv = ['python3', '-c', search, wasbox];
    const run = await runProgram(argv, { as, cwd: makeProject(as, files), env });
    const said = 'wasbox: the arguments and the environment are too long together\n\n';
    expect(run.out).toBe(`125 ${said}`);
  });

  test.each([0, 1, 2])('descriptor %i is closed', async (fd) => {
    const run = await runAfter(
      `exec ${fd}>&-`,
      ['--', 'sh', '-c', 'exit 5'],
      makeProject(as, files),
    );
    expect(run.status).toBe(5);
  });
});

user.describe('inside', () => {
  const seen = ['--', 'sh', '-c', 'ls /proc/self/fd; env'];

  test('there is no entry, and no word of it', async () => {
    const fastpath = makeFastpath(as, wasbox);
    const cwd = makeProject(as, files);
    for (const given of ['', 'entry:0', 'once:9', 'explain:00', 'x'.repeat(100_000)]) {
      const words = ['run', '--env', 'WASBOX_FASTPATH', ...seen, given.slice(0, 20)];
      const run = await fastpath.run(words, { cwd, env: { WASBOX_FASTPATH: given } });
      expect(run.status, run.err).toBe(0);
      expect(run.out.match(/^\d+$/gm), given).toEqual(['0', '1', '2', '3']);
      expect(run.out).not.toContain('FASTPATH');
    }
  });

  test('the control: a shell sees what it was given', async () => {
    const argv = ['sh', '-c', 'exec 7</dev/null; ls /proc/self/fd; env'];
    const run = await runProgram(argv, { as, env: { WASBOX_FASTPATH: 'x' } });
    expect(run.out).toContain('7\n');
    expect(run.out).toContain('FASTPATH');
  });
});

user.describe('entries', () => {
  test('are whole after 64 first starts at once', async () => {
    const fastpath = makeFastpath(as, wasbox);
    const cwd = makeProject(as, files);
    const words = Array.from({ length: 64 }, (_, i) => [
      'run',
      '--timeout',
      `${100 + (i % 32)}s`,
      '--',
      'echo',
      `${i}`,
    ]);
    const start = (one: readonly string[]) =>
      runProgram([wasbox, ...one], { as, cwd, env: { ...fastpath.env, PWD: cwd } });
    const all = await Promise.all(words.map(start));
    expect(all.map(({ out }) => out)).toEqual(words.map((_, i) => `${i}\n`));
    expect(all.map(({ err }) => err).join('')).toBe('');
    await fastpath.settled();
    const plans = fs.readdirSync(join(fastpath.state, 'plans'));
    expect(plans.filter((name) => !/^[0-9a-f]{16}$/.test(name))).toEqual([]);
    expect(plans.length).toBeGreaterThan(0);
  });

  test('are removed where they were half written, as old ones are', async () => {
    const fastpath = makeFastpath(as, wasbox);
    const cwd = makeProject(as, files);
    for (const time of ['100s', '200s'])
      await fastpath.run(['run', '--timeout', time, '--', 'true'], { cwd });
    await fastpath.settled();
    const plans = join(fastpath.state, 'plans');
    for (let i = 0; i < 300; i++) {
      const path = join(plans, `.${i.toString(16).padStart(16, '0')}.0000000001`);
      fs.writeFileSync(path, '');
      fs.utimesSync(path, 1, 1);
    }
    await fastpath.run(['run', '--timeout', '300s', '--', 'true'], { cwd });
    await fastpath.settled();
    // The process that saves an entry may still be at it.
    const half = () => fs.readdirSync(plans).filter((name) => name.startsWith('.'));
    await eventually(() => half().length === 0);
    expect(half()).toEqual([]);
    expect(fs.readdirSync(plans).length).toBeGreaterThan(0);
  });
});

describe('accounts of another source', () => {
  /** Runs as a user of no file where nsswitch.conf names another source; `getent` lies in the directory. */
  needs('root').test('are not asked of a program in the directory', async () => {
    const root = rootIdentity();
    const place = fs.mkdtempSync('/var/tmp/wasbox-accounts-'); // open to a user of no test's
    onTestFinished(() => fs.rmSync(place, { recursive: true, force: true }));
    fs.chmodSync(place, 0o755);
    fs.cpSync(dirname(as.cli), join(place, 'dist'), {
      recursive: true,
      filter: (path) => !path.includes('engine-peer-'),
    });
    const installed = join(place, 'dist/native', `linux-${process.arch}`, 'wasbox');
    const cwd = join(place, 'cwd');
    fs.mkdirSync(cwd);
    fs.chmodSync(cwd, 0o777);
    fs.mkdirSync(`${cwd}.state`);
    fs.chmodSync(`${cwd}.state`, 0o777);
    fs.writeFileSync(join(cwd, 'getent'), '#!/bin/sh\necho evil >>evil\n', { mode: 0o755 });
    const names = join(place, 'nsswitch.conf');
    fs.writeFileSync(names, 'passwd: files sss\n');
    const uid = '54321';
    const script = `mount --bind "$1" /etc/nsswitch.conf; shift
      exec setpriv --reuid ${uid} --regid ${uid} --clear-groups env -i HOME=/var/empty PATH=:/usr/bin:/bin XDG_STATE_HOME="$PWD.state" "$@"`;
    const tried = (command: readonly string[]) =>
      runProgram(['unshare', '-m', 'sh', '-ec', script, 'sh', names, ...command], {
        as: root,
        cwd,
      });
    const run = await tried([installed, 'run', '-q', '--', '/bin/echo', 'hi']);
    expect([run.status, run.out], run.err).toEqual([0, 'hi\n']);
    expect(fs.existsSync(join(cwd, 'evil'))).toBe(false);
    // Control: the name alone leads there.
    await tried(['sh', '-c', 'getent passwd']);
    expect(fs.existsSync(join(cwd, 'evil'))).toBe(true);
  });
});
