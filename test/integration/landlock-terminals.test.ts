/** Terminals that programs make with Landlock isolation: the same steps outside and inside. */
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

const steps = `import errno, fcntl, os, select, signal, sys, termios, tty
both = os.O_RDWR | os.O_NOCTTY
def say(*words): print(*words, flush=True)
def attempt(act):
    try: return act()
    except OSError as e: return errno.errorcode[e.errno]
def is_terminal(path, **rest): return attempt(lambda: os.isatty(os.open(path, both, **rest)))

master, slave = os.openpty()
name = os.ttyname(slave)
number = os.path.basename(name)
say('named', os.stat(name).st_rdev == os.fstat(slave).st_rdev, os.stat(name).st_uid == os.getuid())
say('by name', is_terminal(name), is_terminal(number, dir_fd=os.open('/dev/pts', os.O_PATH)))
os.symlink(name, 'link')
say('by link', is_terminal('link'), attempt(lambda: os.open('link', both | os.O_NOFOLLOW)))
say('by descriptor', is_terminal(f'/proc/self/fd/{slave}'), is_terminal(f'/dev/fd/{slave}'))
say('peer', os.isatty(fcntl.ioctl(master, 0x5441, both)), attempt(lambda: fcntl.ioctl(slave, 0x5441, both)))
say('kept flags', fcntl.fcntl(os.open(name, both | os.O_NONBLOCK), fcntl.F_GETFL) & os.O_NONBLOCK != 0)
say('refused flags', attempt(lambda: os.open(name, both | os.O_DIRECTORY)), attempt(lambda: os.open(name, both | os.O_CREAT | os.O_EXCL)))
os.set_inheritable(slave, True)
say('mode', attempt(lambda: os.chmod(name, 0o400)), oct(os.stat(name).st_mode), attempt(lambda: os.fchmod(slave, 0o600)), oct(os.stat(name).st_mode))
say('owner', attempt(lambda: os.chown(name, os.getuid(), -1)))
written = b''
say('by a shell', os.system(f'exec >{name} 2>&1; echo one >/dev/stderr; echo two >>/dev/stdout; echo three >/dev/fd/2'))
while b'three' not in written: written += os.read(master, 100)
say(written)
tty.setraw(slave)
os.write(master, b'typed')
say(os.read(slave, 100))
os.write(slave, b'written')
say(os.read(master, 100))
fcntl.ioctl(master, termios.TIOCSWINSZ, b'\\x07\\0\\x08\\0\\0\\0\\0\\0')
say(os.get_terminal_size(slave))

# Nothing has opened the other end of this one; of the next, it has been closed.
fresh = os.open('/dev/ptmx', both)
say('fresh', select.select([fresh], [], [], 0)[0])
other, end = os.openpty()
os.close(end)
say('closed', attempt(lambda: os.read(other, 100)))

modes = termios.tcgetattr(slave)
modes[3] |= termios.ISIG
termios.tcsetattr(slave, termios.TCSANOW, modes)
child = os.fork()
if child == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.close(master)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.write(os.open('/dev/tty', os.O_RDWR), b'controlling')
    while True: signal.pause()
say(os.read(master, 100))
say('foreground', os.tcgetpgrp(master) == child)
os.write(master, b'\\x03')
say('interrupted', os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
child = os.fork()
if child == 0:
    os.close(master)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.write(slave, b'ready')
    while True: signal.pause()
say(os.read(master, 100))
os.close(master)
say('hung up', os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), attempt(lambda: os.read(slave, 1)))
`;

describe.each(identities())('with Landlock isolation, as $label', (as) => {
  test('a terminal of its own behaves as outside', async () => {
    const argv = ['/usr/bin/python3', '-c', steps];
    const outside = await runProgram(argv, { as, cwd: makeProject(as) });
    expect([outside.status, outside.err]).toEqual([0, '']);
    for (const network of [[], ['--net', '192.0.2.1']]) {
      const args = ['run', '-q', '--discard', '--isolation', 'landlock', ...network, '--', ...argv];
      const run = await runWasbox(args, { as, cwd: makeProject(as) });
      expect([run.status, run.err, run.out]).toEqual([0, '', outside.out]);
    }
  });

  test('a terminal cannot be opened to other users', async () => {
    const code = `import os
master, slave = os.openpty()
try: os.fchmod(slave, 0o666)
except PermissionError: print('refused')
print(oct(os.fstat(slave).st_mode & 0o006))`;
    const argv = ['/usr/bin/python3', '-c', code];
    expect((await runProgram(argv, { as, cwd: makeProject(as) })).out).toBe('0o6\n');
    const args = ['run', '-q', '--discard', '--isolation', 'landlock', '--', ...argv];
    expect((await runWasbox(args, { as, cwd: makeProject(as) })).out).toBe('refused\n0o0\n');
  });
});
