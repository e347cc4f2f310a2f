/** Attack 52: what the kernel counts for each user, or for the whole machine, is not for one run to use up. */
import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import {
  type Ended,
  ended,
  runProgram,
  runWasbox,
  startProgram,
  wasboxArgv,
} from '../support/wasbox.js';
import { type Layer, weakenedArgv } from '../support/weaken.js';

/** Takes as many as it gets, a bounded number, says how many, and keeps them until its stdin closes. */
const takeInstances = `import ctypes, sys
libc = ctypes.CDLL(None)
n = 0
while n < 2000 and libc.inotify_init1(0) >= 0: n += 1
print(n, flush=True)
sys.stdin.read()
`;

/** Sets up 64 requests of Linux AIO, and asks for secret memory. The numbers of the calls here. */
const [ioSetup, memfdSecret] = process.arch === 'arm64' ? [0, 447] : [206, 447];
const takeKernels = `import ctypes
libc = ctypes.CDLL(None, use_errno=True)
context = ctypes.c_ulong(0)
print(libc.syscall(${ioSetup}, 64, ctypes.byref(context)), ctypes.get_errno())
print(libc.syscall(${memfdSecret}, 0) >= 0, ctypes.get_errno())
`;

/** Takes terminals of a devpts, a bounded number, says how many, and keeps them. */
const takeTerminals = `import os, sys
n = 0
while n < 600:
    try: os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
    except OSError: break
    n += 1
print(n, flush=True)
sys.stdin.read()
`;

/** Tries it with a devpts as any user namespace may have one. */
const inNamespace = `import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
uid = os.getuid()
assert libc.unshare(0x10020000) == 0
open('/proc/self/uid_map', 'w').write('0 %d 1' % uid)
assert libc.mount(b'devpts', sys.argv[1].encode(), b'devpts', 0, b'ptmxmode=0666') == 0
sys.argv[1] += '/ptmx'
${takeTerminals}`;

/** Takes a lease on a file that it may only read, and keeps it. */
const takeLease = `import fcntl, sys
f = open(sys.argv[1])
try: fcntl.fcntl(f, 1024, fcntl.F_WRLCK)
except OSError as e: print(e.errno, flush=True)
else: print(0, flush=True)
sys.stdin.read()
`;

const limitOf = (name: string): number =>
  Number(fs.readFileSync(`/proc/sys/fs/inotify/max_user_${name}`, 'utf8'));

describe.each(identities())('quotas, as $label', (as) => {
  const cwd = (): string => makeProject(as);
  const sandbox = (without: readonly Layer[], args: readonly string[]): string[] =>
    without.length === 0 ? wasboxArgv(as, ['run', ...args]) : weakenedArgv(as, without, args);

  /** Runs while `look` looks: what the payload said first, and what was seen. */
  const during = async <T>(
    argv: readonly string[],
    directory: string,
    look: () => Promise<T> | T,
  ): Promise<readonly [string, T]> => {
    const child = startProgram(argv, { as, cwd: directory });
    const said = await new Promise<string>((resolve, reject) => {
      child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
      child.once('exit', (status) => reject(new Error(`ended with ${status}`)));
    });
    const seen = await look();
    await ended(child, { as });
    return [said, seen];
  };

  test.each<[string, readonly Layer[]]>([
    ['leaves most of them', []],
    ['control: without the layer takes all', ['quotas']],
  ])('inotify instances: a run %s', async (_, without) => {
    const all = limitOf('instances');
    const argv = sandbox(without, ['-q', '--discard', '--', 'python3', '-c', takeInstances]);
    const one = 'import ctypes; print(ctypes.CDLL(None).inotify_init1(0) >= 0)';
    const [said, host] = await during(argv, cwd(), () =>
      runProgram(['python3', '-c', one], { as }),
    );
    if (without.length === 0) {
      expect(Number(said)).toBeGreaterThan(0);
      expect(Number(said)).toBeLessThanOrEqual(Math.floor(all / 4));
      expect(host.out).toBe('True\n');
    } else {
      expect(Number(said)).toBeGreaterThan(all / 4);
      expect(host.out).toBe('False\n'); // a run counts for the user who started it, root too
    }
  });

  test('terminals, of which there is one number for all sandboxes', async () => {
    const program = ['--', 'python3', '-c', takeTerminals, '/dev/ptmx'];
    const [said] = await during(sandbox([], ['-q', '--discard', ...program]), cwd(), () => 0);
    expect(said).toBe('256');
    // Control: the kernel would give more.
    const directory = cwd();
    const [taken] = await during(['python3', '-c', inNamespace, directory], directory, () => 0);
    expect(taken).toBe('600');
  });

  test('requests of Linux AIO, and memory that no limit sees', async () => {
    const run = (without: readonly Layer[]): Promise<Ended> => {
      const args = ['-q', '--discard', '--', 'python3', '-c', takeKernels];
      return runProgram(sandbox(without, args), { as, cwd: cwd() });
    };
    expect((await run([])).out).toBe('-1 38\nFalse 38\n');
    expect((await run(['seccomp'])).out).toMatch(/^0 0\n/); // not each machine has secret memory
  });

  test.each<[string, readonly Layer[]]>([
    ['opens at once', []],
    ['control: without the policy waits', ['seccomp']],
  ])('a lease on a file that is shown: the host %s', async (_, without) => {
    const shown = makeProject(as, { file: 'x' });
    const args = ['-q', '--discard', '--ro', shown, '--', 'python3', '-c', takeLease];
    const argv = sandbox(without, [...args, `${shown}/file`]);
    const [said, code] = await during(argv, cwd(), () => {
      try {
        const flags = fs.constants.O_WRONLY | fs.constants.O_NONBLOCK;
        fs.closeSync(fs.openSync(`${shown}/file`, flags));
        return 'opened';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    });
    expect([said, code]).toEqual(without.length === 0 ? ['1', 'opened'] : ['0', 'EAGAIN']);
  });

  test('a lease that the program needs: the report says how, and it works', async () => {
    const directory = makeProject(as, { file: 'x' });
    const run = (options: readonly string[]): Promise<Ended> =>
      runWasbox(['run', '--discard', ...options, '--', 'python3', '-c', takeLease, 'file'], {
        as,
        cwd: directory,
      });
    const refused = await run([]);
    expect(refused.out).toBe('1\n');
    const rule = /--allow '(fcntl where [^']+)'/.exec(refused.err)?.[1] ?? '';
    expect(rule).not.toBe('');
    expect((await run(['--allow', rule])).out).toBe('0\n');
  });

  test('limits that the kernel counts for a user', async () => {
    const code = `import resource
for name in ("SIGPENDING", "MSGQUEUE", "MEMLOCK"):
    print(resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1])
print(open("/proc/sys/user/max_user_namespaces").read(), end="")
print(open("/proc/sys/user/max_inotify_watches").read(), end="")
`;
    const run = await runWasbox(['run', '-q', '--discard', '--', 'python3', '-c', code], {
      as,
      cwd: cwd(),
    });
    const [signals = 0, queues = 0, locked = 0, ...user] = run.out.trim().split('\n').map(Number);
    expect(signals).toBeLessThanOrEqual(4096);
    expect(queues).toBeLessThanOrEqual(409_600);
    expect(locked).toBeLessThanOrEqual(4 * 1024 ** 2);
    expect(user).toEqual([256, Math.floor(limitOf('watches') / 4)]);
  });
});
