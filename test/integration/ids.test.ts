/**
 * Users and groups as a program meets them: what chown, setuid and the steps by which daemons drop
 * privileges answer inside, beside what they answer an ordinary user outside. The oracle is the host.
 */
import { describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runProgram, startProgram, wasboxArgv } from '../support/wasbox.js';
import { weakenedArgv } from '../support/weaken.js';

/** Each call with its result or errno, a line each. */
const calls = `import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    ctypes.set_errno(0)
    got = getattr(libc, name)(*[ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_int(a) for a in args])
    args = [a.replace(here, b'HERE') if isinstance(a, bytes) else a for a in args]
    print(name, args, got if got >= 0 else errno.errorcode[ctypes.get_errno()])
here = os.path.basename(os.getcwd()).encode()
uid, gid = os.getuid(), os.getgid()
open('own', 'w').close()
os.symlink('nowhere', 'dangling')
os.mkdir('d')
os.symlink('../own', 'd/link')
for id in (12345, 70001, 0, 65534, uid, -1, -2):
    call('setuid', id); call('seteuid', id); call('setreuid', -1, id); call('setreuid', id, -1)
    call('setresuid', -1, -1, id); call('setresuid', id, id, id); call('setfsuid', id)
for id in (12345, 70001, 0, 65534, gid, -1, -2):
    call('setgid', id); call('setegid', id); call('setregid', id, id)
    call('setresgid', id, -1, -1); call('setresgid', -1, -1, id); call('setfsgid', id)
fd = os.open('own', os.O_RDONLY)

for owner, group in ((12345, -1), (-1, 12345), (uid, 12345), (70001, 70001), (0, 0), (uid, gid), (-1, -1), (uid, -1)):
    for path in (b'own', b'missing', b'own/x', b'dangling', b'd/link', b'd/../own', b'../' + here + b'/own', b'', b'/nonesuch/x', b'x' * 300):
        call('chown', path, owner, group)
        call('lchown', path, owner, group)
    call('fchown', fd, owner, group); call('fchown', 99, owner, group)
    for at, path, flags in ((-100, b'own', 0), (-100, b'dangling', 0x100), (98, b'own', 0), (fd, b'', 0x1000), (fd, b'x', 0), (-100, b'own', 0x9999)):
        call('fchownat', at, path, owner, group, flags)
# PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE, PR_SET_SECUREBITS, PR_CAPBSET_DROP, PR_CAP_AMBIENT
for option, value in ((8, 1), (7, 0), (8, 2), (8, 0), (7, 0), (38, 1), (4, 1), (28, 0), (24, 0), (47, 4), (47, 2)):
    call('prctl', option, value, 0, 0, 0)
call('setgroups', 0, b''); call('initgroups', b'nobody', 65534)
`;
const interesting = (text: string) => text.split('\n').filter((line) => line !== '');

describe('ids that are not there', () => {
  const as = ordinaryUser();
  const files = { 'calls.py': calls };
  const command = ['python3', 'calls.py'];

  test('are refused as an ordinary user is refused them outside', async () => {
    const outside = await runProgram(command, { as, cwd: makeProject(as, files) });
    const args = ['run', '--discard', '--json', '--', ...command];
    const inside = await runProgram(wasboxArgv(as, args), { as, cwd: makeProject(as, files) });
    expect(interesting(outside.out).length).toBeGreaterThan(200);
    expect(interesting(inside.out)).toEqual(interesting(outside.out));
    // The sandbox refused nothing that the host does not.
    expect(JSON.parse(inside.err).refusals.calls).toEqual([]);
  });

  test('are refused so while files are renamed elsewhere on the machine', async () => {
    // A lookup that meets `..` is begun again where something was renamed meanwhile: openat2(2), EAGAIN.
    const renames = `import os
open('a', 'w').close()
print('renames', flush=True)
while True: os.rename('a', 'b'); os.rename('b', 'a')`;
    const cwd = makeProject(as);
    const busy = startProgram(['python3', '-c', renames], { as, cwd });
    try {
      await new Promise((resolve) => busy.stdout?.once('data', resolve));
      const look = `import os
seen = set()
for _ in range(20000):
    try: os.chown('d/../own', 12345, -1)
    except OSError as error: seen.add(error.strerror)
print(seen)`;
      const files = { own: '', 'd/x': '', 'look.py': look };
      const argv = wasboxArgv(as, ['run', '-q', '--discard', 'look.py']);
      const run = await runProgram(argv, { as, cwd: makeProject(as, files) });
      expect(run.out).toBe("{'Operation not permitted'}\n");
    } finally {
      busy.kill('SIGKILL');
    }
  });

  test('are told otherwise by the kernel alone: the control', async () => {
    const argv = weakenedArgv(as, ['watch'], ['--', ...command]);
    const run = await runProgram(argv, { as, cwd: makeProject(as, files) });
    expect(run.out).toContain("chown [b'own', 12345, -1] EINVAL");
    expect(run.out).toContain('setuid [12345] EINVAL');
  });

  needs('root').test('also beyond the ids that root gets, and not below', async () => {
    const { everyone } = await import('../support/identity.js');
    const root = everyone().find(({ label }) => label === 'root');
    if (root === undefined) throw new Error('the set-up provided no root');
    const run = await runProgram(wasboxArgv(root, ['run', '-q', '--discard', '--', ...command]), {
      as: root,
      cwd: makeProject(root, files),
    });
    for (const id of [12345, 70001, -2]) {
      expect(run.out).toContain(`setuid [${id}] EPERM`);
    }
    expect(run.out).toContain("chown [b'own', 70001, 70001] EPERM");
    expect(run.out).not.toContain('[70001] EINVAL');
  });
});
