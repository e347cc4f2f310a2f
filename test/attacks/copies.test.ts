/**
 * Rows 68, 69 and 82: copies of the payload's descriptors, and descriptors that the supervisor opens for it. A copy that
 * is closed may take a lock of the process that closes it away, or have it wait; and the supervisor has only so many.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, identities, isolatedIdentities } from '../support/identity.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { ended, startProgram, wasboxArgv } from '../support/wasbox.js';

const rules = ['--net', 'localhost:9'];

async function outcome(argv: readonly string[], as: Identity, cwd: string) {
  const start = { as, cwd, timeoutMs: 120_000 };
  return await ended(startProgram(argv, start), start);
}

/** Takes a lock as a process that then becomes the program, and says whether that has it when the program speaks. */
const holder = `
import fcntl, os, struct, subprocess, sys
file, argv = sys.argv[1], sys.argv[2:]
def take():
    descriptor = os.open(file, os.O_RDWR)
    fcntl.lockf(descriptor, fcntl.LOCK_EX)
    os.set_inheritable(descriptor, True)
pipe = subprocess.PIPE
child = subprocess.Popen(argv, stdin=pipe, stdout=pipe, preexec_fn=take, close_fds=False)
said = child.stdout.readline().decode().strip()
wanted = struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0)
found = fcntl.fcntl(os.open(file, os.O_RDWR), fcntl.F_GETLK, wanted)
print(said, 'lost' if struct.unpack('hhqqi4x', found)[0] == fcntl.F_UNLCK else 'held')
child.stdin.close()
sys.exit(child.wait())`;

describe.each(isolatedIdentities())('locks of the process, as $label with $isolation', (as) => {
  const held = (argv: readonly string[], file: string, cwd: string) =>
    outcome(['python3', '-c', holder, file, ...argv], as, cwd);

  test.each([
    ['ask', []],
    ['ask', rules],
    ['hide', rules],
    ['swap', rules],
  ])(
    'stay though the payload has a file copied: %s %j',
    async (how, options) => {
      const cwd = makeProject(as, {});
      compilePayload(as, 'copies', cwd);
      // The directory is one that root's payload may read, too, which has other ids with Landlock isolation.
      const shown = fs.mkdtempSync('/var/tmp/wasbox-test-shown-');
      const file = join(shown, 'database');
      fs.writeFileSync(file, '');
      for (const path of [shown, file]) fs.chownSync(path, as.uid, as.gid);
      fs.chmodSync(shown, 0o755);
      fs.chmodSync(file, 0o644);
      const payload = ['--ro', shown, '--', './copies', how, file];
      const run = await held(wasboxArgv(as, ['run', '-q', ...options, ...payload]), file, cwd);
      expect([run.status, run.out.trim()], run.err).toEqual([0, 'asked held']);
      if (how === 'swap') expect(run.err).toMatch(/^raced$/m);
      fs.rmSync(shown, { recursive: true });
    },
    240_000,
  );

  test('locks are lost when a process closes a copy of the file: the control', async () => {
    const cwd = makeProject(as, { database: '' });
    const file = join(cwd, 'database');
    const closing = `import os, sys
os.close(os.open(${JSON.stringify(file)}, os.O_RDONLY))
print('asked', flush=True)
sys.stdin.read()`;
    const run = await held(['python3', '-c', closing], file, cwd);
    expect([run.status, run.out.trim()], run.err).toEqual([0, 'asked lost']);
  });
});

/** Reads what the program writes to a stream of the kind that Node gives its children, and only then lets it go on. */
const reader = `
import os, socket, subprocess, sys
own, theirs = socket.socketpair()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=theirs)
theirs.close()
count = 0
while count < 20:
    count += len(os.read(own.fileno(), 1))
child.stdin.write(b'x')
child.stdin.close()
print('read', count, child.wait())`;

describe.each(isolatedIdentities())('sockets that linger, as $label with $isolation', (as) => {
  const make = () => {
    const cwd = makeProject(as, {});
    return { cwd, program: compilePayload(as, 'copies', cwd) };
  };

  test('a socket that lingers makes no process wait, and resets its connection as ever', async () => {
    const { cwd, program } = make();
    const run = await outcome(
      wasboxArgv(as, ['run', '-q', ...rules, '--', './copies', 'linger']),
      as,
      cwd,
    );
    expect([run.status, run.out], run.err).toEqual([0, '5: 0, 0 0\n0: 0, 1 0\n']);
    const outside = await outcome([program, 'linger'], as, cwd);
    expect(outside.out).toBe('5: 0, 1 5\n0: 0, 1 0\n');
  });
});

describe.each(identities())('sockets that linger and are passed, as $label', (as) => {
  test('a passed socket does not hold up the program that reads the stream', async () => {
    const cwd = makeProject(as, {});
    const program = compilePayload(as, 'copies', cwd);
    const read = (argv: readonly string[], most: string) =>
      outcome(['timeout', most, 'python3', '-c', reader, ...argv], as, cwd);
    const run = await read(wasboxArgv(as, ['run', '-q', '--', './copies', 'pass']), '60');
    expect([run.status, run.out], run.err).toEqual([0, 'read 20 0\n']);
    const outside = await read([program, 'pass'], '3');
    expect(outside.status).toBe(124);
  });
});

describe.each(identities())('a payload that has descriptors opened, as $label', (as) => {
  test('a payload leaves the supervisor descriptors enough to hold it to its limits', async () => {
    const cwd = makeProject(as, {});
    compilePayload(as, 'copies', cwd);
    const landlock = { ...as, isolation: 'landlock' as const };
    const run = (memory: string, megabytes: string) => {
      const args = ['run', '-q', ...rules, '--memory', memory, '--', './copies', 'exhaust'];
      const argv = wasboxArgv(landlock, [...args, megabytes]);
      return outcome(['sh', '-c', 'ulimit -n 300; exec "$@"', 'sh', ...argv], as, cwd);
    };
    const beyond = await run('200M', '800');
    expect(beyond.err).toMatch(/^exhausted$/m);
    expect([beyond.status, beyond.out], beyond.err).toEqual([137, '']);
    const below = await run('1G', '100');
    expect([below.status, below.out], below.err).toEqual([0, 'kept\n']);
  });
});
