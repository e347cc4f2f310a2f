/**
 * Out-of-band data, whose code in UNIX sockets was a way out of a sandbox (CVE-2025-38236). What was refused is asked of
 * the supervisor; with the calls allowed, each byte arrives.
 */
import { describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

/** Sends a byte in each way over a UNIX pair and over TCP, and prints the errno or what arrived. */
const program = `import ctypes, socket
libc = ctypes.CDLL(None, use_errno=True)
class Vector(ctypes.Structure):
    _fields_ = [('base', ctypes.c_char_p), ('length', ctypes.c_size_t)]
class Message(ctypes.Structure):
    _fields_ = [('name', ctypes.c_void_p), ('namelen', ctypes.c_uint), ('vectors', ctypes.POINTER(Vector)),
                ('count', ctypes.c_size_t), ('control', ctypes.c_void_p), ('controllen', ctypes.c_size_t),
                ('flags', ctypes.c_int), ('sent', ctypes.c_uint)]
def many(s):
    vector = Vector(b'!', 1)
    message = Message(None, 0, ctypes.pointer(vector), 1, None, 0, 0, 0)
    if libc.sendmmsg(s.fileno(), ctypes.byref(message), 1, OOB) < 0:
        raise OSError(ctypes.get_errno(), 'sendmmsg')
OOB = socket.MSG_OOB | socket.MSG_NOSIGNAL
ways = [lambda s: s.send(b'!', OOB), lambda s: s.sendmsg([b'!'], [], OOB), many]
def tcp():
    listener = socket.create_server(('127.0.0.1', 0))
    return socket.create_connection(listener.getsockname()), listener.accept()[0]
for pair in socket.socketpair, tcp:
    for send in ways:
        one, other = pair()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        try:
            send(one)
            print(other.recv(9).decode())
        except OSError as error:
            print(error.errno)
        one.send(b'.')
        assert other.recv(9) == b'.'`;

const EOPNOTSUPP = '95';
const calls = ['sendto', 'sendmsg', 'sendmmsg'];
const allowed = calls.flatMap((call) => ['--allow', `${call} where flags & MSG_OOB`]);

describe.each(identities())('out-of-band data, as $label', (as) => {
  const made = async (options: readonly string[]) => {
    const argv = ['run', '--json', '--discard', ...options, '--', 'python3', '-c', program];
    const { out, err } = await runWasbox(argv, { as, cwd: makeProject(as) });
    const { refusals } = JSON.parse(err) as RunReport;
    return { ways: out.trimEnd().split('\n'), refusals };
  };

  test('is refused in each way of sending it, and other data is not', async () => {
    const { ways, refusals } = await made([]);
    expect(ways).toEqual(Array(6).fill(EOPNOTSUPP));
    expect(refusals?.total).toBe(6);
    expect(refusals?.calls.map(({ call, option }) => [call, option])).toEqual(
      calls.map((call) => [call, `--allow '${call} where flags & MSG_OOB'`]),
    );
  });

  test('control: with the options that the report names, it arrives', async () => {
    const { ways, refusals } = await made(allowed);
    expect(ways).toEqual(Array(6).fill('!'));
    expect(refusals?.total).toBe(0);
  });
});
