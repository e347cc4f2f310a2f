/**
 * Attack 60: terminals. Those of a run with Landlock isolation are among the machine's, and opened in its place. The
 * oracle is the master of a terminal that is not the run's: what arrives there, and what mode its slave has.
 */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { compilePayload, payloadText } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, startProgram, wasboxArgv } from '../support/wasbox.js';

const options = ['run', '-q', '--discard', '--isolation', 'landlock', '--'];
const inside = (as: Identity, argv: readonly string[]) => wasboxArgv(as, [...options, ...argv]);

/** Speaks with a program line by line. */
class Dialog {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #errors = '';

  constructor(argv: readonly string[], as: Identity, cwd = makeProject(as)) {
    this.child = startProgram(argv, { as, cwd });
    if (this.child.stdout === null) throw new Error('no stdout');
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.child.stdin?.on('error', () => {});
    this.child.stderr?.on('data', (chunk) => {
      this.#errors += chunk;
    });
  }

  async read(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`it ended: ${this.#errors}`);
    return value;
  }

  async say(line: string): Promise<string> {
    this.child.stdin?.write(`${line}\n`);
    return await this.read();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    this.child.stdin?.end();
    await closed;
  }
}

/** A program with a terminal: says which, and when asked, what its master has received and the mode of its slave. */
const victim = `import os, sys
master, slave = os.openpty()
mode = os.fstat(slave).st_mode
print(os.ttyname(slave), os.getpid(), slave, flush=True)
for line in sys.stdin:
    os.set_blocking(master, False)
    try: seen = os.read(master, 65536)
    except BlockingIOError: seen = b''
    print(repr(seen.decode()), os.fstat(slave).st_mode == mode, flush=True)`;
const untouched = `'' True`;

/** Shows what the program does to the terminal of a victim that runs as `argv` says. */
async function attack(
  as: Identity,
  argv: readonly string[],
  program: (terminal: string[]) => Promise<string>,
) {
  const target = new Dialog(argv, as);
  try {
    const out = await program((await target.read()).split(' '));
    return { out, seen: await target.say('look') };
  } finally {
    await target.close();
  }
}

/** Gives up a terminal, and opens it when another program has its number; prints what came of it. */
const reopen = `import fcntl, os, sys
flags = os.O_RDWR | os.O_NOCTTY
while True:
    master = os.open('/dev/ptmx', flags)
    fcntl.ioctl(master, 0x40045431, b'\\0' * 4)
    path = '/dev/pts/%d' % int.from_bytes(fcntl.ioctl(master, 0x80045430, b'\\0' * 4), sys.byteorder)
    os.close(os.open(path, flags))
    os.close(master)
    print(path, flush=True)
    if sys.stdin.readline() == 'taken\\n': break
try:
    print(os.write(os.open(path, flags), b'reopened'), flush=True)
except OSError:
    print('refused', flush=True)
sys.stdin.read()`;

/** Opens terminals until one has the wanted number; then says when asked what its master has received. */
const taker = `import fcntl, os, sys
while True:
    wanted, masters, number = sys.stdin.readline().strip(), [], ''
    while number != wanted and len(masters) < 50:
        masters.append(os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY))
        fcntl.ioctl(masters[-1], 0x40045431, b'\\0' * 4)
        number = '/dev/pts/%d' % int.from_bytes(fcntl.ioctl(masters[-1], 0x80045430, b'\\0' * 4), sys.byteorder)
    if number == wanted: break
    for master in masters: os.close(master)
    print('missed', flush=True)
print('taken', flush=True)
sys.stdin.readline()
os.set_blocking(masters[-1], False)
try: seen = os.read(masters[-1], 100)
except OSError: seen = b''
print(repr(seen.decode()), flush=True)
sys.stdin.read()`;

/** Other programs open terminals as well, so that the number may be gone: then with another one. */
async function reuse(as: Identity, argv: readonly string[]): Promise<string[]> {
  const attacker = new Dialog(argv, as);
  const host = new Dialog(['python3', '-c', taker], as);
  try {
    let path = await attacker.read();
    for (let tries = 0; tries < 200; tries++) {
      const word = await host.say(path);
      const answer = await attacker.say(word);
      if (word === 'taken') return [answer, await host.say('look')];
      path = answer;
    }
    throw new Error('no number was taken again');
  } finally {
    await Promise.all([attacker.close(), host.close()]);
  }
}

const takeMany = `import errno, os
kept = []
try:
    while len(kept) < 100: kept.append(os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY))
except OSError as e: print(errno.errorcode[e.errno])
print(len(kept))
os.close(kept.pop())
print(os.isatty(os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY)))`;

describe.each(identities())('with Landlock isolation, terminals, as $label', (as) => {
  const victims = [
    ['another program of the user', ['python3', '-c', victim]],
    ['another run', inside(as, ['python3', '-c', victim])],
  ] as const;

  test.each(victims)('a terminal of %s cannot be opened', async (_, argv) => {
    const program = (wrap: (argv: readonly string[]) => readonly string[]) => {
      const cwd = makeProject(as, { 'attack.py': payloadText('landlock_terminals.py') });
      return (terminal: string[]) =>
        runProgram(wrap(['python3', 'attack.py', ...terminal]), { as, cwd }).then((run) => {
          expect(run.err).toBe('');
          return run.out;
        });
    };
    const outside = await attack(
      as,
      argv,
      program((plain) => plain),
    );
    const ways = ['path', 'write', 'dots', 'root', 'link', 'relative', 'own-path', 'mode', 'time'];
    expect(outside.out.split('\n')).toEqual(expect.arrayContaining(ways));
    expect(outside.seen).toMatch(/path.*own-path.* False/);
    expect(
      await attack(
        as,
        argv,
        program((plain) => inside(as, plain)),
      ),
    ).toEqual({ out: '', seen: untouched });
  });

  test('terminals of others cannot be opened while the path is being changed', async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'terminal_swap', cwd);
    const swap = (wrap: (argv: readonly string[]) => readonly string[]) =>
      attack(as, ['python3', '-c', victim], async ([path = '']) => {
        const run = await runProgram(wrap(['./terminal_swap', path]), { as, cwd });
        expect(run.status, run.err).toBe(0);
        return run.out;
      });
    const outside = await swap((argv) => argv);
    expect(outside.seen).toContain('swapped');
    const run = await swap((argv) => inside(as, argv));
    expect(run.seen).toBe(untouched);
    const [own, others] = run.out.split(' ').map(Number);
    expect(own).toBeGreaterThanOrEqual(1000);
    expect(others).toBe(0);
  });

  test('are not those that have their numbers later', async () => {
    const argv = ['python3', '-c', reopen];
    expect(await reuse(as, argv)).toEqual(['8', `'reopened'`]);
    expect(await reuse(as, inside(as, argv))).toEqual(['refused', `''`]);
  });

  test('are few, so that the machine does not run out of them', async () => {
    const cwd = makeProject(as);
    const argv = ['python3', '-c', takeMany];
    expect((await runProgram(argv, { as, cwd })).out).toBe('100\nTrue\n');
    const run = await runWasbox([...options, ...argv], { as, cwd });
    expect(run.out, run.err).toBe('ENOSPC\n64\nTrue\n');
  });
});
