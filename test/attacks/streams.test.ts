/**
 * A socket as stdin: it belongs to the host's network, and a process that holds it can connect it. The
 * oracle is a server of the host.
 */
import { describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { payloadText } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

/** Runs argv with a socket as stdin; prints its output, and at last whether a server was reached. */
const launcher = `
import os, socket, subprocess, sys
kind, *argv = sys.argv[1:]
datagram = kind.endswith('datagram')
unix = kind.startswith('unix')
path = os.path.abspath('door.sock')
family = socket.AF_UNIX if unix else socket.AF_INET
door = socket.socket(family, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM)
door.bind(path if unix else ('127.0.0.1', 0))
if unix: os.chmod(path, 0o777)
if not datagram: door.listen()
where = path if unix else str(door.getsockname()[1])
given = socket.socket(family, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM)
if kind == 'tcp-connected':
    other = socket.create_server(('127.0.0.1', 0))
    given.connect(other.getsockname())
print(subprocess.run([*argv, kind, where], stdin=given).returncode, flush=True)
door.settimeout(0.5)
try:
    door.recv(1) if datagram else door.accept()
    print('reached')
except TimeoutError:
    print('not reached')
`;

const kinds = ['tcp', 'tcp-connected', 'tcp-datagram', 'unix-datagram'] as const;

describe.each(identities())('sockets as stdin, as $label', (as) => {
  const launched = async (who: Identity, kind: string, prefix: readonly string[]) => {
    const cwd = makeProject(who, { 'reconnect.py': payloadText('reconnect.py') });
    const argv = [...prefix, '/usr/bin/python3', 'reconnect.py'];
    return runProgram(['/usr/bin/python3', '-c', launcher, kind, ...argv], { as: who, cwd });
  };

  test.each(kinds)('%s leads nowhere', async (kind) => {
    const wasbox = wasboxArgv(as, ['run', '--discard', '--rw', '.', '--']);
    const run = await launched(as, kind, wasbox);
    expect(run.out).toMatch(/^125\nnot reached\n$/);
    expect(run.err).toContain('is a network socket');
  });

  test.each(kinds)('%s outside reaches the server', async (kind) => {
    expect((await launched(as, kind, [])).out).toContain('\nreached\n');
  });
});

describe.each(identities())('a connected pair as stdin, as $label', (as) => {
  /** Streams from programs that use socketpair(2): Node, sshd, the journal. */
  const pair = `
import socket, subprocess, sys
mine, given = socket.socketpair()
mine.send(b'text')
sys.exit(subprocess.run(sys.argv[1:], stdin=given).returncode)`;
  const look = `
import array, fcntl, os, struct
print(os.read(0, 4).decode())
room = array.array('B', bytes(4096))
try:
    told = fcntl.ioctl(0, 0x8912, struct.pack('iL', 4096, room.buffer_info()[0]))
    print('interfaces', struct.unpack('iL', told)[0] // 40)
except OSError as e: print('errno', e.errno)`;
  const argv = ['/usr/bin/python3', '-c', look];
  const start = (argv: readonly string[]) =>
    runProgram(['/usr/bin/python3', '-c', pair, ...argv], { as, cwd: makeProject(as, {}) });
  /** A name of the host's network: while the socket is open, no service can have it. */
  const claim = `
import os, socket
try:
    socket.socket(fileno=0).bind('\\0wasbox-test-' + os.urandom(8).hex())
    print('claimed')
except OSError as e: print('errno', e.errno)`;
  const claims = ['/usr/bin/python3', '-c', claim];

  test('takes no name of the host that a service could have', async () => {
    const run = await start(wasboxArgv(as, ['run', '-q', '--discard', '--', ...claims]));
    expect(run.out, run.err).toBe('errno 22\n');
  });

  test('outside it takes one', async () => {
    expect((await start(claims)).out).toBe('claimed\n');
  });

  test('tells nothing of the interfaces of the host', async () => {
    const run = await start(wasboxArgv(as, ['run', '-q', '--discard', '--', ...argv]));
    expect(run.out, run.err).toBe('text\nerrno 1\n');
  });

  test('outside it does', async () => {
    expect((await start(argv)).out).toMatch(/^text\ninterfaces [1-9]/);
  });
});
