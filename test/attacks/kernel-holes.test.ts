/**
 * Attack 78: the first steps of call chains that led to kernel bugs of 2025 and 2026. Each is refused at a named step in
 * both isolations; the control makes the same calls outside. SECURITY.md lists what no filter can stop.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { isolatedIdentities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

/** Prints a line for each chain: its name, and the errno of the step, or `done`. */
const code = `import ctypes, errno, os, platform, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    ret = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    if ret < 0: raise OSError(ctypes.get_errno(), '')
    return ret
arm = platform.machine() == 'aarch64'
def option(kind, level, name, value):
    with socket.socket(socket.AF_INET, kind) as s: s.setsockopt(level, name, value)
def urgent():
    a, b = socket.socketpair()
    a.send(b'x', socket.MSG_OOB)
def requeue():
    word = ctypes.create_string_buffer(64)
    call(456, ctypes.byref(word), 0, 1, 1)
chains = {
    'AF_ALG': lambda: socket.socket(38, socket.SOCK_SEQPACKET),
    'UDP_ENCAP': lambda: option(socket.SOCK_DGRAM, 17, 100, 2),
    'SO_ZEROCOPY': lambda: option(socket.SOCK_STREAM, 1, 60, 1),
    'AF_RXRPC': lambda: socket.socket(33, socket.SOCK_DGRAM),
    'add_key': lambda: call(217 if arm else 248, b'user', b'wasbox-test', b'x', 1, -3),
    'AF_RDS': lambda: socket.socket(21, socket.SOCK_SEQPACKET),
    'futex_requeue': requeue,
    'pidfd_getfd': lambda: call(438, os.pidfd_open(os.getpid()), 0, 0),
    'MSG_OOB': urgent,
    'user namespace': lambda: call(97 if arm else 272, 0x10000000),
    'io_uring': lambda: call(425, 1, ctypes.create_string_buffer(120)),
    'AF_PACKET': lambda: socket.socket(17, socket.SOCK_RAW),
    'SOCK_RAW of IPv6': lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 44),
}
for name, step in chains.items():
    try: step(); print(name, 'done')
    except OSError as e: print(name, errno.errorcode.get(e.errno, e.errno))`;

const argv = ['/usr/bin/python3', '-c', code];
const linesOf = (out: string) =>
  new Map(
    out
      .trim()
      .split('\n')
      .map((line) => line.split(/ (?=\S+$)/) as [string, string]),
  );

/** The answer of the policy, or of Landlock isolation in place of it, to each. */
const refused: Readonly<Record<string, string>> = {
  AF_ALG: 'EPERM',
  UDP_ENCAP: 'ENOPROTOOPT',
  SO_ZEROCOPY: 'ENOPROTOOPT',
  AF_RXRPC: 'EPERM',
  add_key: 'EPERM',
  AF_RDS: 'EPERM',
  futex_requeue: 'ENOSYS',
  pidfd_getfd: 'EPERM',
  MSG_OOB: 'ENOTSUP', // EOPNOTSUPP, by Python’s name
  'user namespace': 'EPERM',
  io_uring: 'EPERM',
  AF_PACKET: 'EPERM',
  'SOCK_RAW of IPv6': 'EPERM',
};
/** Where the kernel itself refuses an ordinary user, or lacks the family, and so may say the same outside. */
const same = new Set(['AF_PACKET', 'SOCK_RAW of IPv6']);

describe.each(isolatedIdentities())('chains to kernel bugs as $label, with $isolation', (as) => {
  let inside = new Map<string, string>();
  let outside = new Map<string, string>();
  beforeAll(async () => {
    const cwd = makeProject(as);
    const run = await runWasbox(['run', '-q', '--discard', '--', ...argv], { as, cwd });
    expect(run.status, run.err).toBe(0);
    inside = linesOf(run.out);
    outside = linesOf((await runProgram(argv, { as, cwd })).out);
  });

  test.each(Object.entries(refused))('%s is refused with %s', (name, error) => {
    // With Landlock isolation and no network, there is no socket to set an option on.
    const first = as.isolation === 'landlock' && /^(UDP_|SO_)/.test(name) ? 'EPERM' : error;
    expect(inside.get(name)).toBe(first);
    expect(outside.get(name)).toBeDefined();
    if (!same.has(name)) expect(outside.get(name)).not.toBe(first);
  });
});
