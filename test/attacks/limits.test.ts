/** Attacks 37 and 38: exhausting the host, and staying on it after the run. All bounded. */
import * as fs from 'node:fs';
import { availableParallelism, getPriority } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/report/index.js';
import { eventually, processesWith, uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { ended, runProgram, runWasbox, startProgram, startWasbox } from '../support/wasbox.js';
import { weakenedArgv } from '../support/weaken.js';

/** Forks a bounded number of children that sleep under a marker, then says how many it got. */
const forkMany = (count: number): string => `import os, sys, time
made = 0
for n in range(${count}):
    try: pid = os.fork()
    except OSError: break
    if pid == 0:
        time.sleep(60); os._exit(0)
    made += 1
print(made, flush=True)
sys.stdin.read()
os.killpg(0, 9)
`;

const exhaust = `import os
fds, failed = [], 0
while len(fds) < 2000000:
    try: fds.append(os.open('/dev/null', os.O_RDONLY))
    except OSError: failed = 1; break
print(failed)
`;

/** A daemon does this: a new session, two forks, no descriptor left, signals ignored. */
const daemonise = `import os, signal, sys, time
for s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)
r, w = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(w, b'x')
        null = os.open('/dev/null', os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(null, fd)
        time.sleep(300)
    os._exit(0)
os.read(r, 1)
print('left', flush=True)
if len(sys.argv) > 2: sys.stdin.read()
`;

/** Says something, and for each line that it reads has so many more processes that never rest. */
const crowd = (count: number): string => `import os, sys
print('ready', flush=True)
for line in sys.stdin:
    for n in range(${count}):
        if os.fork() == 0:
            while True: pass
`;

/** A program with so many processes that never rest, and one that would have more. */
const stubbornCrowd = (count: number): string => `import os, time
for n in range(${count}):
    try:
        if os.fork() == 0:
            while True: pass
    except OSError: pass
time.sleep(60)
`;

/** How many processors a process may run on. proc_pid_status(5) */
function processorsOf(pid: number): number {
  const mask = /^Cpus_allowed:\t(.*)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const bits = BigInt(`0x${mask?.replaceAll(',', '') ?? '0'}`).toString(2);
  return bits.replaceAll('0', '').length;
}

/** A process's nice value; undefined where it has ended. */
function priorityOf(pid: number): number | undefined {
  try {
    return getPriority(pid);
  } catch {
    return undefined;
  }
}

/** `nice 0` of the session, as the kernel schedules it; the process's own where it does not. */
function niceOf(pid: number): string {
  const path = `/proc/${pid}/autogroup`;
  return fs.existsSync(path)
    ? (/nice -?\d+/.exec(fs.readFileSync(path, 'utf8'))?.[0] ?? '')
    : `nice ${getPriority(pid)}`;
}

/**
 * argv of a program that reads an empty /proc/self/autogroup, as one that the machine's first process
 * has started, and no session was made since: CI often is.
 */
const inNoSession = (argv: readonly string[]): string[] => [
  // The program has a session of its own: the one that wasbox takes for no session is put behind, too.
  ...[
    'setsid',
    'sh',
    '-c',
    'exec strace -D -f -o /dev/null -P "/proc/$$/autogroup" -e trace=read "$@"',
    'sh',
  ],
  ...['-e', 'inject=read:retval=0', ...argv],
];

/** argv of a program to which the kernel gives no clock of its processes, as where perf is root's alone. */
const withoutClock = (argv: readonly string[]): string[] => [
  ...['strace', '-D', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', 'trace=perf_event_open'],
  ...['-e', 'inject=perf_event_open:error=EACCES', ...argv],
];

/** Tries to rename a directory, twenty times, and rests after each. */
const rename = `import os, sys, time
for n in range(20):
    try: os.rename(sys.argv[1], 'other')
    except OSError: time.sleep(0.02)
    else: sys.exit('renamed')
`;

/** A directory of the host that cannot be moved as it is too deep, which shows when most of it has been. */
const unmovable = (): Record<string, string> => ({
  ...Object.fromEntries(Array.from({ length: 2500 }, (_, n) => [`big/${n}`, ''])),
  [`big/deep/${'d/'.repeat(203)}`]: '',
  'rename.py': rename,
});

/** Processes one after the other, each too short for a look, whose parent does not wait for them. */
const unwaited = `import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for n in range(400):
    if os.fork() == 0:
        while time.process_time() < 0.004: pass
        os._exit(0)
    try: os.wait()
    except ChildProcessError: pass
`;

describe.each(identities())('limits, as $label', (as) => {
  // At 0, a crash would start what core_pattern pipes to: the host's handler, with the host's rights.
  test('a crash handler of the host is never started, whatever the program sets', async () => {
    const cwd = makeProject(as);
    const script = `import ctypes, errno, os, resource as r, subprocess
libc = ctypes.CDLL(None, use_errno=True)
for pair in ((0, 0), (0, 1), (r.RLIM_INFINITY, r.RLIM_INFINITY)): r.setrlimit(r.RLIMIT_CORE, pair)
subprocess.run(['bash', '-c', 'ulimit -c 0 && ulimit -S -c unlimited && ulimit -c'], check=True)
print(r.prlimit(os.getpid(), r.RLIMIT_CORE))
two = (ctypes.c_ulong * 2)(0, 0)
print(errno.errorcode[ctypes.get_errno()] if libc.prlimit(0, 4, two, two) else 'set', r.getrlimit(r.RLIMIT_CORE))
r.setrlimit(r.RLIMIT_NOFILE, (64, 64)); print(r.getrlimit(r.RLIMIT_NOFILE))
`;
    const command = ['--', 'python3', '-c', script];
    const run = await runWasbox(['run', '--discard', '--json', ...command], { as, cwd });
    expect(run.out).toBe('0\n(1, 1)\nEPERM (1, 1)\n(64, 64)\n');
    // Control: where the supervisor does not answer it is 0 then.
    const weakened = weakenedArgv(
      as,
      ['watch'],
      [
        ...['--', 'python3', '-c'],
        'import resource as r; r.setrlimit(r.RLIMIT_CORE, (0, 0)); print(r.getrlimit(r.RLIMIT_CORE))',
      ],
    );
    expect((await runProgram(weakened, { as, cwd })).out).toBe('(0, 0)\n');
  });

  test('none is none: what is the caller’s stays in force', async () => {
    const cwd = makeProject(as);
    const command = ['sh', '-c', 'ulimit -f; ulimit -n'];
    const options = ['--file-size', 'unlimited', '--disk', 'none', '--inodes', 'none'];
    const all = [...options, '--open-files', 'none', '--pids', 'none', '--memory', 'none'];
    const args = ['run', '-q', '--discard', ...all, '--max-output', 'none', '--', ...command];
    const inside = await runWasbox(args, { as, cwd });
    const outside = await runProgram(command, { as, cwd });
    expect([inside.out, inside.err]).toEqual([outside.out, '']);
    // Control: by default both are others.
    const usual = await runWasbox(['run', '-q', '--discard', '--', ...command], { as, cwd });
    expect(usual.out).toBe('20971520\n4096\n');
  });

  test('processes', async () => {
    const marker = uniqueMarker();
    const cwd = makeProject(as);
    const argv = ['python3', '-c', forkMany(150), marker];
    const count = async (sandboxed: boolean): Promise<[said: number, seen: number]> => {
      const options = { as, cwd };
      const child = sandboxed
        ? startWasbox(['run', '-q', '--discard', '--pids', '40', '--', ...argv], options)
        : startProgram(['setsid', '-w', ...argv], options);
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await eventually(() => text.includes('\n'));
      const seen = processesWith(marker).length;
      await ended(child, options);
      return [Number(text), seen];
    };
    const [said, seen] = await count(true);
    expect(said).toBeGreaterThan(10);
    expect(said).toBeLessThan(40);
    // The launcher and init have the marker in their command lines, too.
    expect(seen).toBeLessThan(45);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    const [free, freeSeen] = await count(false);
    expect(free).toBe(150);
    expect(freeSeen).toBeGreaterThan(149);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  });

  test('a fork bomb without --pids ends with the time limit, and nothing stays', async () => {
    const marker = uniqueMarker();
    const bomb = `import os, time
for n in range(11):
    try: os.fork()
    except OSError: pass
time.sleep(60)
`;
    const run = await runWasbox(
      ['run', '-q', '--discard', '--timeout', '2s', '--', 'python3', '-c', bomb, marker],
      { as, cwd: makeProject(as) },
    );
    expect(run.status).toBe(124);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  });

  test.each(['a', 'no'])(
    'a crowd is put behind the host, and nothing else is (%s session)',
    async (own) => {
      const marker = uniqueMarker();
      const options = { as, cwd: makeProject(as) };
      const count = 8 * availableParallelism() + 8;
      const argv = ['python3', '-c', crowd(count), marker];
      const limits = ['--timeout', '60s', '--pids', String(4 * count)];
      const args = ['run', '-q', '--discard', ...limits, '--', ...argv];
      const child =
        own === 'no'
          ? startProgram(inNoSession([process.execPath, as.cli, ...args]), options)
          : startWasbox(args, options);
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      expect(await eventually(() => text.includes('ready'))).toBe(true);
      const nice = niceOf(process.pid);
      const inside = processesWith(marker).filter((pid) => priorityOf(pid) === 19);
      expect(inside).toEqual([]);
      child.stdin?.write('\n');
      const calmed = (): number[] =>
        processesWith(marker).filter((pid) => priorityOf(pid) === 19 && niceOf(pid) === 'nice 19');
      expect(await eventually(() => calmed().length > count / 2)).toBe(true);
      expect(niceOf(process.pid)).toBe(nice);
      child.kill('SIGKILL');
      await ended(child, options);
      expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    },
  );

  test.each([
    ['leaves a processor to the host', 1, Math.max(1, availableParallelism() - 1)],
    ['that meets no limit of processes has them all', 4, availableParallelism()],
  ])('a crowd %s', async (_, room, processors) => {
    const marker = uniqueMarker();
    const options = { as, cwd: makeProject(as) };
    const count = 8 * availableParallelism() + 8;
    const limits = ['--timeout', '60s', '--pids', String(room * count)];
    const argv = ['python3', '-c', stubbornCrowd(count), marker];
    const child = startWasbox(['run', '-q', '--discard', ...limits, '--', ...argv], options);
    const each = (): number[] =>
      processesWith(marker)
        .filter((pid) => priorityOf(pid) === 19)
        .map(processorsOf);
    expect(await eventually(() => each().length > count / 2)).toBe(true);
    const those = (): number => each().filter((allowed) => allowed === processors).length;
    expect(await eventually(() => those() > count / 2)).toBe(true);
    expect(processorsOf(process.pid)).toBe(availableParallelism());
    child.kill('SIGKILL');
    await ended(child, options);
  });

  test('processor time that wasbox spends for a run is the run’s', async () => {
    const options = { as, cwd: makeProject(as, unmovable()) };
    const limitOf = async (name: string): Promise<string | undefined> => {
      const args = ['run', '--discard', '--json', '--cpu', '1', 'rename.py', name];
      const argv = withoutClock([process.execPath, as.cli, ...args]);
      const { err } = await runProgram(argv, options);
      return (JSON.parse(err.slice(err.indexOf('{\n'))) as RunReport).outcome.limit;
    };
    expect(await limitOf('big')).toBe('cpu');
    // Control: the tries themselves cost little.
    expect(await limitOf('missing')).toBeUndefined();
  });

  test.each([
    ['counted', 1],
    ['estimated', 6], // of what is runnable beside it, some may have less weight
  ])('processor time of processes that are not waited for is %s', async (how, precision) => {
    const options = { as, cwd: makeProject(as, { 'unwaited.py': unwaited }) };
    const time = async (cpu: string): Promise<[limit: string | undefined, cpuMs: number]> => {
      const args = ['run', '--discard', '--json', '--cpu', cpu, 'unwaited.py'];
      const argv = [process.execPath, as.cli, ...args];
      const { err } = await runProgram(how === 'counted' ? argv : withoutClock(argv), options);
      const { outcome, usage } = JSON.parse(err.slice(err.indexOf('{\n'))) as RunReport;
      return [outcome.limit, usage.cpuMs];
    };
    const [limit, ended] = await time('300ms');
    expect(limit).toBe('cpu');
    expect(ended).toBeGreaterThanOrEqual(300);
    const [none, all] = await time('5m');
    expect(none).toBeUndefined();
    // 400 times 4 ms, and what it takes to start them: what was waited for is a tenth of that.
    expect(all).toBeGreaterThan(1600 / precision);
    expect(all).toBeLessThan(16_000 * precision);
  });

  test('descriptors', async () => {
    const cwd = makeProject(as, { 'exhaust.py': exhaust });
    const run = await runWasbox(['run', '-q', '--discard', 'exhaust.py'], { as, cwd });
    expect(run.out).toBe('1\n');
    fs.closeSync(fs.openSync('/dev/null', 'r'));
  });

  test('memory file systems: bytes and files', async () => {
    const code = `import errno, os
def fill(path, chunk, limit):
    n = 0
    try:
        with open(path, 'wb', buffering=0) as f:
            while n < limit: n += f.write(chunk)
    except OSError as e: return errno.errorcode[e.errno]
    return 'full size'
print(fill('/tmp/big', b'x' * (1 << 20), 3 << 30))
os.unlink('/tmp/big')
def many(limit):
    try:
        for n in range(limit): os.close(os.open('/tmp/n%d' % n, os.O_CREAT | os.O_WRONLY))
    except OSError as e: return errno.errorcode[e.errno]
    return 'all'
print(many(500000))
`;
    const args = ['run', '-q', '--discard', '--', 'python3', '-c', code];
    const run = await runWasbox(args, { as, cwd: makeProject(as) });
    expect(run.out).toBe('ENOSPC\nENOSPC\n');
  });

  test.each(['0', 'kept'])('daemonised grandchildren are gone (%s)', async (how) => {
    const marker = uniqueMarker();
    const cwd = makeProject(as);
    const argv = ['python3', '-c', daemonise, marker, ...(how === 'kept' ? ['wait'] : [])];
    const options = { as, cwd };
    const alive = (): number[] => processesWith(marker);
    const child = startWasbox(['run', '-q', '--discard', '--', ...argv], options);
    const done = ended(child, options);
    if (how === 'kept') {
      // The launcher is killed while the payload and its daemon live.
      const running = startWasbox(['run', '-q', '--discard', '--', ...argv], {
        ...options,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      await new Promise((resolve) => running.stdout?.once('data', resolve));
      expect(alive().length).toBeGreaterThan(2);
      running.kill('SIGKILL');
    }
    expect((await done).out).toBe('left\n');
    expect(await eventually(() => alive().length === 0)).toBe(true);

    const control = await runProgram(['python3', '-c', daemonise, marker], options);
    expect(control.out).toBe('left\n');
    expect(await eventually(() => alive().length === 1)).toBe(true); // the process that began it has ended
    for (const pid of alive()) process.kill(pid, 'SIGKILL');
  });
});
