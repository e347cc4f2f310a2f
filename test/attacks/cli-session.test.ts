/**
 * Sessions of the command line: no program of one reaches another, or what holds it, and none holds up a
 * command that waits for it. Needs: python3.
 */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sessionPlace } from '../support/cli-session.js';
import { eventually, uniqueMarker } from '../support/host.js';
import { type Identity, identities } from '../support/identity.js';
import { runProgram, startProgram, startWasbox, wasboxArgv } from '../support/wasbox.js';

/** Says whether the socket at a path takes connections. */
const connects = `import socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
    print('connected')
except OSError as error:
    print('refused')`;

it.each(identities())('as $label: its socket, processes and files', async (as) => {
  const { run, cwd, state } = sessionPlace(as);
  await run(['session', 'start', '-q', '--name', 'a']);
  await run(['session', 'start', '-q', '--name', 'b']);
  const socket = join(state, 'wasbox/sessions/b/socket');
  const python = ['python3', '-c', connects, socket];
  expect((await run(['exec', 'a', '--', ...python])).out).toBe('refused\n');
  expect((await run(['exec', 'b', '--', ...python])).out).toBe('refused\n');
  // Outside, the same program of the same user reaches it.
  expect((await runProgram(python, { as, cwd })).out).toBe('connected\n');

  const marker = uniqueMarker();
  const left = `echo of-b > secret; (sleep 1000; : ${marker}) >/dev/null 2>&1 &`;
  await run(['exec', 'b', '--', 'sh', '-c', left]);
  const look = 'cat secret; cat /proc/[0-9]*/cmdline | tr "\\0" " "';
  const seen = async (name: string) => (await run(['exec', name, '--', 'sh', '-c', look])).out;
  const ofB = await seen('b');
  expect([ofB.includes('of-b'), ofB.includes(marker)]).toEqual([true, true]);
  const ofA = await seen('a');
  expect([ofA.includes('of-b'), ofA.includes(marker)]).toEqual([false, false]);
});

const place = async (as: Identity) => {
  const { run, cwd, state } = sessionPlace(as);
  await run(['session', 'start', '-q', '--name', 'a']);
  const env = { XDG_STATE_HOME: state };
  const start = (...words: string[]) =>
    startWasbox(['exec', 'a', '--', ...words], { as, cwd, env });
  return { run, start, cwd, env };
};
const over = (child: ChildProcess) =>
  eventually(() => child.exitCode !== null || child.signalCode !== null, 30_000);

it.each(identities())('as $label: SIGTERM ends an exec whose output is not read', async (as) => {
  const { run, start } = await place(as);
  const child = start('yes');
  const outlet = child.stdout as Socket;
  await new Promise((resolve) => outlet.once('data', resolve));
  outlet.pause();
  const processes = async () =>
    (await run(['exec', 'a', '--', 'sh', '-c', 'cat /proc/*/comm'])).out;
  expect(await processes()).toMatch(/^yes$/m);
  // The program waits for its reader, and so does everything between.
  expect(await eventually(() => outlet.readableLength > 0)).toBe(true);
  child.kill('SIGTERM');
  expect(await over(child)).toBe(true);
  expect(child.exitCode).toBe(143);
  expect(await processes()).not.toMatch(/^yes$/m);
});

it.each(identities())(
  'as $label: SIGTERM ends an exec whose program has ended, but whose output is not read',
  async (as) => {
    const { run, cwd, env } = await place(as);
    await runProgram(['mkfifo', 'unread'], { as, cwd });
    // More than a pipe takes, and less than exec keeps: it has heard of the end.
    const words = ['exec', 'a', '--', 'head', '-c', '100000', '/dev/zero'];
    const argv = ['sh', '-c', 'exec "$@" 1<> unread', 'sh', ...wasboxArgv(as, words)];
    const child = startProgram(argv, { as, cwd, env });
    const comms = async () => (await run(['exec', 'a', '--', 'sh', '-c', 'cat /proc/*/comm'])).out;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await comms()).not.toMatch(/^head$/m);
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect(await over(child)).toBe(true);
    expect(child.exitCode).toBe(0);
  },
);

it.each(identities())(
  'as $label: an exec ends with its program while stdin stays open',
  async (as) => {
    const { start } = await place(as);
    const child = start('sh', '-c', 'exit 3');
    expect(await over(child)).toBe(true);
    expect(child.exitCode).toBe(3);
    child.stdin?.end();
  },
);
