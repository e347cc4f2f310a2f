/**
 * Attack 60: what the supervisor does on behalf of a program with Landlock isolation. The policy of the run comes first:
 * what it refuses is not done by the supervisor either.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox, startProgram } from '../support/wasbox.js';

const landlock = ['run', '-q', '--isolation', 'landlock'];

/** Each call on its own file or on the caller itself; prints those that succeeded, with the errno of the others. */
const behalf = `import ctypes, errno, os, resource
libc = ctypes.CDLL(None, use_errno=True)
def call(result):
    if result < 0: raise OSError(ctypes.get_errno(), '')
fd = os.open('file', os.O_RDONLY)
own = os.getpid()
calls = {
    'chmod': lambda: os.chmod('file', 0o600),
    'fchmod': lambda: os.fchmod(fd, 0o600),
    'fchmodat2': lambda: call(libc.syscall(452, -100, b'file', 0o600, 0)),
    'proc': lambda: os.chmod(f'/proc/self/fd/{fd}', 0o600),
    'chown': lambda: os.chown('file', own_uid, -1),
    'fchown': lambda: os.fchown(fd, own_uid, -1),
    'utimensat': lambda: os.utime('file', (5, 5)),
    'setpriority': lambda: os.setpriority(os.PRIO_PROCESS, own, 5),
    'sched_setaffinity': lambda: os.sched_setaffinity(own, os.sched_getaffinity(0)),
    'prlimit64': lambda: resource.prlimit(own, resource.RLIMIT_NOFILE, (64, 64)),
}
own_uid = os.getuid()
for name, act in calls.items():
    try: act(); print(name, 'done')
    except OSError as error: print(name, errno.errorcode[error.errno])`;
const names = [
  ...['chmod', 'fchmod', 'fchmodat2', 'proc', 'chown', 'fchown', 'utimensat'],
  ...['setpriority', 'sched_setaffinity', 'prlimit64'],
];
const each = (what: string) => names.map((name) => `${name} ${what}\n`).join('');

describe.each(identities())('on behalf of a program, as $label', (as) => {
  const look = (cwd: string) => {
    const { mode, mtimeMs } = fs.statSync(join(cwd, 'file'));
    return [mode & 0o777, mtimeMs];
  };

  test('nothing is done that the policy of the run refuses', async () => {
    const refused = [
      ...['chmod', 'fchmod', 'fchmodat', 'fchmodat2', 'chown', 'fchown', 'lchown', 'fchownat'],
      ...['utime', 'utimes', 'utimensat', 'futimesat'],
      ...['setpriority', 'sched_setaffinity', 'prlimit64'],
    ];
    const policy = `deny(EDOM) ${refused.join(' ')}\ninclude "default"\n`;
    const run = async (...options: string[]) => {
      const cwd = makeProject(as, { file: 'x', 'own.policy': policy });
      fs.chmodSync(join(cwd, 'file'), 0o640);
      const before = look(cwd);
      const words = [...options, '--apply', '--', '/usr/bin/python3', '-c', behalf];
      const { out, err } = await runWasbox([...landlock, ...words], { as, cwd });
      return { out, err, before, after: look(cwd) };
    };
    const one = await run('--policy', 'own.policy');
    expect(one.out, one.err).toBe(each('EDOM'));
    expect(one.after).toEqual(one.before);
    const control = await run();
    expect(control.out, control.err).toBe(each('done'));
    expect(control.after).toEqual([0o600, 5000]);
  });

  test('a call on a process of the host is not made, one on the caller is', async () => {
    const sleeper = startProgram(['/bin/sleep', '1000'], { as });
    const { pid = 0 } = sleeper;
    const nice = () =>
      Number(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[16]);
    const limit = () =>
      /Max open files +(\d+)/.exec(fs.readFileSync(`/proc/${pid}/limits`, 'utf8'));
    const before = [nice(), limit()?.[1]];
    const attempt = `import os, resource, sys, threading
def attempt(name, act):
    try: act(); print(name)
    except OSError: pass
for name, one in (('other', int(sys.argv[1])), ('own', os.getpid())):
    attempt(name + ' priority', lambda: os.setpriority(os.PRIO_PROCESS, one, 7))
    attempt(name + ' group', lambda: os.setpriority(os.PRIO_PGRP, one, 7))
    attempt(name + ' affinity', lambda: os.sched_setaffinity(one, os.sched_getaffinity(0)))
    attempt(name + ' scheduler', lambda: os.sched_setscheduler(one, os.SCHED_BATCH, os.sched_param(0)))
    attempt(name + ' files', lambda: resource.prlimit(one, resource.RLIMIT_NOFILE, (32, 32)))
def in_thread():
    attempt('thread', lambda: os.sched_setaffinity(threading.get_native_id(), os.sched_getaffinity(0)))
    attempt('process', lambda: os.setpriority(os.PRIO_PROCESS, os.getpid(), 8))
one = threading.Thread(target=in_thread); one.start(); one.join()
print(os.getpriority(os.PRIO_PROCESS, os.getpid()))`;
    const args = [...landlock, '--discard', '--', '/usr/bin/python3', '-c', attempt, `${pid}`];
    const run = await runWasbox(args, { as, cwd: makeProject(as) });
    const own = ['priority', 'affinity', 'scheduler', 'files'].map((name) => `own ${name}\n`);
    expect(run.out, run.err).toBe(`${own.join('')}thread\nprocess\n8\n`);
    expect([nice(), limit()?.[1]]).toEqual(before);
    expect(sleeper.kill('SIGKILL')).toBe(true);
  });

  test('the limit of core dumps stays: at 0 a crash would start a program of root', async () => {
    const code = `import os, resource
for one in (0, os.getpid()):
    try: resource.prlimit(one, resource.RLIMIT_CORE, (0, 0))
    except OSError: pass
print(*resource.getrlimit(resource.RLIMIT_CORE))`;
    const args = [...landlock, '--discard', '--', '/usr/bin/python3', '-c', code];
    expect((await runWasbox(args, { as, cwd: makeProject(as) })).out).toBe('1 1\n');
  });

  test('takes no inotify instance of its user', async () => {
    const code = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(libc.inotify_init(), libc.inotify_init1(0), ctypes.get_errno())`;
    const args = [...landlock, '--discard', '--', '/usr/bin/python3', '-c', code];
    const run = await runWasbox(args, { as, cwd: makeProject(as) });
    expect(run.out, run.err).toBe('-1 -1 38\n');
    const other = ['run', '-q', '--discard', '--', '/usr/bin/python3', '-c', code];
    const control = await runWasbox(other, { as, cwd: makeProject(as) });
    expect(control.out).not.toContain('-1');
  });
});
