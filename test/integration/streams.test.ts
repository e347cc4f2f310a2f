/** Tests what passes through a run unchanged: bytes, exit statuses, signals. */
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, startWasbox, wasboxArgv } from '../support/wasbox.js';

const megabyte = 1 << 20;
const both = `import sys
data = sys.stdin.buffer.read()
sys.stderr.buffer.write(data); sys.stdout.buffer.write(data)`;

describe.each(identities())('a run as $label', (as) => {
  test('carries binary on stdin, stdout and stderr', async () => {
    const bytes = randomBytes(3 * megabyte);
    const args = ['run', '-q', '--discard', '--', 'python3', '-c', both];
    const run = await runWasbox(args, { as, cwd: makeProject(as), stdin: bytes });
    expect(run.stdout.equals(bytes)).toBe(true);
    expect(run.stderr.equals(bytes)).toBe(true);
  });

  test.each([0, 1, 2, 42, 124, 125, 126, 127, 128, 200, 255])('ends with %i', async (status) => {
    const args = ['run', '-q', '--discard', '--', 'sh', '-c', `exit ${status}`];
    const run = await runWasbox(args, { as, cwd: makeProject(as) });
    expect([run.status, run.signal, run.err]).toEqual([status, null, '']);
  });

  test.each(['SIGTERM', 'SIGKILL', 'SIGSEGV', 'SIGINT', 'SIGUSR1', 'SIGPIPE', 'SIGXCPU'] as const)(
    'says 128+n when the payload dies of %s',
    async (name) => {
      const script = `ulimit -c 0; kill -${constants.signals[name]} $$; sleep 5`;
      const args = ['run', '-q', '--discard', '--', 'sh', '-c', script];
      const run = await runWasbox(args, { as, cwd: makeProject(as) });
      expect([run.status, run.signal]).toEqual([128 + constants.signals[name], null]);
    },
  );

  test('says that a report or an answer found no room, and what became of the run', async () => {
    const cwd = makeProject(as);
    const script = ['--', 'sh', '-c', 'echo x > made'];
    for (const option of ['--report', '--html']) {
      const run = await runWasbox(['run', option, '/dev/full', ...script], { as, cwd });
      expect(run.status).toBe(125);
      expect(run.err).toContain('1 file added (not applied');
      expect(run.err).toMatch(/output is incomplete: can't write to .* \(ENOSPC\)\n {2}Free/);
      expect(run.err).not.toContain('bug');
    }
    const toFull = ['-c', 'exec "$@" > /dev/full', 'sh', ...wasboxArgv(as, ['--help'])];
    const help = await runProgram(['sh', ...toFull], { as, cwd });
    expect([help.status, help.err]).toEqual([1, expect.stringMatching(/^wasbox: .*\n {2}Free/)]);
  });

  test('tells 126, 127, 125 and 124 apart', async () => {
    const cwd = makeProject(as, { 'no.unknown': 'text', 'bad.sh': '#!/nonexistent/sh\n' });
    const status = async (...args: string[]) =>
      (await runWasbox(['run', '--discard', ...args], { as, cwd })).status;
    expect(await status('--', 'nosuchcommand')).toBe(127);
    expect(await status('missing.py')).toBe(127);
    expect(await status('bad.sh')).toBe(127);
    expect(await status('no.unknown')).toBe(126);
    expect(await status('/etc')).toBe(126);
    expect(await status('--no-such-option', '--', 'true')).toBe(125);
    expect(await status('--workdir', '/nonexistent', '--', 'true')).toBe(125);
    expect(await status()).toBe(125);
    expect(await status('--timeout', '300ms', '--', 'sleep', '20')).toBe(124);
  });

  test.each([20, 26])('says that %i descriptors are too few', async (limit) => {
    const limited = ['sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh'];
    // The native command needs fewer.
    const argv = [...limited, process.execPath, as.cli, 'run', '--', 'true'];
    const run = await runProgram(argv, { as, cwd: makeProject(as) });
    expect(run.status, run.err).toBe(125);
    // Node itself may be the first to lack one.
    expect(run.err).toMatch(/ulimit -n|EMFILE: too many open files, open/);
  });

  test('runs a script in each of the four forms', async () => {
    const cwd = makeProject(as, { 'a.py': 'import sys; print(sys.argv[1:])\n' });
    const run = async (args: string[], stdin = '') =>
      (await runWasbox(['run', '-q', '--discard', ...args], { as, cwd, stdin })).out;
    expect(await run(['a.py', 'x', '--discard', 'y z'])).toBe("['x', '--discard', 'y z']\n");
    expect(await run(['--', 'echo', 'a  b', '$HOME'])).toBe('a  b $HOME\n');
    expect(await run(['-'], 'echo from stdin\n')).toBe('from stdin\n');
    expect(await run(['-'], '#!/usr/bin/env python3\nprint(1 + 1)\n')).toBe('2\n');
    expect(await run(['--lang', 'python', '-c', 'print(6 * 7)'])).toBe('42\n');
  });
});

needs('ordinary user').test('256 MB of binary passes from stdin to stdout unchanged', async () => {
  const as = ordinaryUser();
  const size = 256 * megabyte;
  const args = ['run', '-q', '--discard', '--', 'cat'];
  const child = startWasbox(args, { as, cwd: makeProject(as) });
  // A block with no newline at all, so that nothing can go by lines; its number makes each differ.
  const block = Buffer.alloc(
    megabyte,
    randomBytes(64).map((byte) => (byte === 10 ? 11 : byte)),
  );
  const sent = createHash('sha256');
  const received = createHash('sha256');
  let total = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    received.update(chunk);
    total += chunk.length;
  });
  const end = new Promise<number | null>((resolve) => child.once('close', resolve));
  for (let n = 0; n < size / megabyte; n++) {
    const next = Buffer.from(block);
    next.writeUInt32BE(n ^ 0x0b0b0b0b, 0);
    sent.update(next);
    if (child.stdin?.write(next) === false) {
      await new Promise((resolve) => child.stdin?.once('drain', resolve));
    }
  }
  child.stdin?.end();
  expect(await end).toBe(0);
  expect(total).toBe(size);
  expect(received.digest('hex')).toBe(sent.digest('hex'));
});
