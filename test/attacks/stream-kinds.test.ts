/**
 * Descriptors that are handles on something of the host rather than text, as stdin. The oracle is
 * the host's object: whether what was written to the handle has reached it.
 */
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

/** Runs argv with a handle as stdin; prints its status, and whether the handle's object was changed. */
const launcher = `
import ctypes, os, pty, select, subprocess, sys
kind, *argv = sys.argv[1:]
victim = ctypes.create_string_buffer(8)
at = 0
poller = select.epoll()
unlinked = os.open('.', os.O_TMPFILE | os.O_RDWR)
os.write(unlinked, b'text')
os.lseek(unlinked, 0, 0)
def memfd():
    fd = os.memfd_create('text', os.MFD_ALLOW_SEALING)
    os.write(fd, b'text')
    os.lseek(fd, 0, 0)
    return fd
def slave():
    master, fd = pty.openpty()
    os.write(master, b'text\\n')
    return fd
if kind == 'memory':
    at = ctypes.addressof(victim)
    given = os.open('/proc/self/mem', os.O_RDWR)
else:
    given = {
        'eventfd': lambda: os.eventfd(0, os.EFD_NONBLOCK),
        'pidfd': lambda: os.pidfd_open(os.getpid()),
        'epoll': lambda: poller.fileno(),
        'namespace': lambda: os.open('/proc/self/ns/net', os.O_RDONLY),
        'terminal master': lambda: pty.openpty()[0],
        'status': lambda: os.open('/proc/self/status', os.O_RDONLY),
        'read-only memfd': lambda: os.open(f'/proc/self/fd/{memfd()}', os.O_RDONLY),
        'memfd': memfd,
        'unlinked file': lambda: unlinked,
        'terminal': slave,
        'zero': lambda: os.open('/dev/zero', os.O_RDONLY),
        'null': lambda: os.open('/dev/null', os.O_RDONLY),
    }[kind]()
print(subprocess.run([*argv, str(at)], stdin=given).returncode, flush=True)
if kind == 'eventfd':
    try: print('reached', os.eventfd_read(given))
    except BlockingIOError: print('not reached')
if kind == 'memory': print('reached' if victim.value else 'not reached')
`;

const write = `
import os, sys
if sys.argv[1] == '0': os.write(0, b'\\1' + bytes(7))
else: os.pwrite(0, b'\\1' * 8, int(sys.argv[1]))`;
const read = 'import os; print(len(os.read(0, 4)))';
const refused = 'not a file, pipe or terminal';

describe.each(identities())('kinds of stdin, as $label', (as) => {
  const launched = (kind: string, code: string, inside = true) => {
    const argv = ['/usr/bin/python3', '-c', code];
    return runProgram(
      [
        ...['/usr/bin/python3', '-c', launcher, kind],
        ...(inside ? wasboxArgv(as, ['run', '-q', '--discard', '--', ...argv]) : argv),
      ],
      { as, cwd: makeProject(as, {}) },
    );
  };

  test.each(['eventfd', 'memory'])('%s is not passed on', async (kind) => {
    const run = await launched(kind, write);
    expect(run.out, run.err).toBe('125\nnot reached\n');
    expect(run.err).toContain(refused);
    expect((await launched(kind, write, false)).out).toMatch(/^0\nreached/); // the control
  });

  test.each(['pidfd', 'epoll', 'namespace', 'terminal master', 'status'])(
    '%s is not passed on, and the message says what it is',
    async (kind) => {
      const run = await launched(kind, read);
      expect(run.out, run.err).toBe('125\n');
      expect(run.err).toContain(refused);
    },
  );

  test('a memfd that could be opened again for writing is refused', async () => {
    const run = await launched('read-only memfd', read);
    expect(run.out, run.err).toBe('125\n');
    expect(run.err).toContain('F_SEAL_WRITE');
  });

  test.each([
    ['memfd', 4],
    ['unlinked file', 4],
    ['terminal', 4],
    ['zero', 4],
    ['null', 0],
  ])('%s is read as ever', async (kind, bytes) => {
    const run = await launched(kind, read);
    expect(run.out, run.err).toBe(`${bytes}\n0\n`);
  });
});
