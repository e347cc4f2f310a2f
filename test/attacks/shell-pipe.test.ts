/**
 * `curl … | sh` with a line that runs wasbox: the payload is after the shell's other lines, to take them
 * away or to add some. The oracle is what the shell outside did.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { environmentOf, identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

/** Reads what is in stdin without waiting for more, and writes a command there. */
const payload = `
import os, select
if select.select([0], [], [], 0)[0] and os.read(0, 65536): print('took', flush=True)
try:
    fd = os.open('/proc/self/fd/0', os.O_RDWR | os.O_NONBLOCK)
    os.write(fd, b'touch injected; exit\\n')
except OSError: pass
`;
const shells = [['bash'], ['bash', '-s', 'word'], ['env', 'nice', 'bash', '--norc']];

describe.each(identities())('a shell that reads its commands from a pipe, as $label', (as) => {
  const start = async (shell: readonly string[], prefix: readonly string[]) => {
    const cwd = makeProject(as, { 'payload.py': payload });
    const line = [...prefix, '/usr/bin/python3', 'payload.py'].join(' ');
    const script = `timeout 60 ${line}\necho next\n`;
    // printf holds the pipe's other end open until all of it is written.
    const argv = ['sh', '-c', 'printf %s "$SCRIPT" | exec "$@"', 'sh', ...shell];
    const run = await runProgram(argv, { as, cwd, env: { SCRIPT: script } });
    return { ...run, injected: existsSync(join(cwd, 'injected')) };
  };

  test.each(shells.map((shell) => [shell.join(' '), shell]))('%s keeps them', async (_, shell) => {
    const run = await start(shell, wasboxArgv(as, ['run', '--discard', '--']));
    expect([run.out, run.injected]).toEqual(['next\n', false]);
    expect(run.err).toContain('stdin was /dev/null');
  });

  test('without wasbox it loses them, and does what the program says: the control', async () => {
    const run = await start(['bash'], []);
    expect([run.out, run.injected]).toEqual(['took\n', true]);
  });

  // The shell has one socket for all of its streams, as below inetd, and for what some sshd starts.
  const bySocket = async (prefix: readonly string[]) => {
    const thief = 'import os; print("took", len(os.read(1, 99)))';
    const cwd = makeProject(as, { 'thief.py': thief });
    const outside = `
import socket, subprocess, sys
ours, theirs = socket.socketpair()
shell = subprocess.Popen(['bash'], stdin=theirs, stdout=theirs)
theirs.close()
ours.sendall((sys.argv[1] + ' /usr/bin/python3 thief.py < /dev/null\\necho next\\n').encode())
ours.shutdown(socket.SHUT_WR)
shell.wait()
print(ours.recv(999).decode(), end='')
`;
    return runProgram(['/usr/bin/python3', '-c', outside, prefix.join(' ')], { as, cwd });
  };

  test('stdout of the program does not lead to the commands', async () => {
    const run = await bySocket(wasboxArgv(as, ['run', '--discard', '--']));
    expect(run.out).toBe('next\n');
    expect(run.err).toContain('OSError');
  });

  test('without wasbox it does: the control', async () => {
    expect((await bySocket([])).out).toBe('took 10\n');
  });

  test('data in a pipe that a script shares reaches the program', async () => {
    const cwd = makeProject(as, { 'script.sh': wasboxArgv(as, ['run', '--', 'cat']).join(' ') });
    const argv = ['sh', '-c', 'echo data | sh script.sh'];
    const run = await runProgram(argv, { as, cwd });
    expect([run.out, run.err]).toEqual(['data\n', '']);
  });
});

// The shell is like that of `curl … | sudo sh` with a line that becomes another user again.
needs('root').describe("root's shell, of which the user cannot see what it reads", () => {
  const start = async (prefix: readonly string[]) => {
    const as = ordinaryUser();
    const cwd = makeProject(as, { 'payload.py': payload });
    const become = ['setpriv', '--reuid', `${as.uid}`, '--regid', `${as.gid}`, '--clear-groups'];
    const line = ['/usr/bin/python3', 'payload.py'];
    const script = `${[...become, ...prefix, ...line].join(' ')}\necho next\n`;
    const env = { ...environmentOf(as), SCRIPT: script };
    const argv = ['-c', 'printf %s "$SCRIPT" | exec bash'];
    const { stdout, stderr } = await promisify(execFile)('sh', argv, { cwd, env });
    return { stdout, stderr };
  };

  test('keeps its lines', async () => {
    const run = await start(wasboxArgv(ordinaryUser(), ['run', '--discard', '--']));
    expect(run.stdout).toBe('next\n');
    expect(run.stderr).toContain('stdin was /dev/null');
  });

  test('without wasbox it loses them: the control', async () => {
    expect((await start([])).stdout).toBe('took\n');
  });
});
