/**
 * Attacks 51 and 42: some of stdin, stdout and stderr are the caller's terminal, the others lead elsewhere. The
 * payload must neither read what is typed there, unless stdin is the terminal, nor stop it, resize it
 * or leave it changed. The oracle is the terminal; the control the same program outside.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { onTerminal, type Typed } from '../support/terminal.js';
import { wasboxArgv } from '../support/wasbox.js';

/** Where each stream that is not a terminal goes; the words are redirections of a shell. */
const parts: readonly (readonly [streams: string, redirections: string])[] = [
  ['all', ''],
  ['stdin and stdout', '2> err'],
  ['stdin and stderr', '> out'],
  ['stdin and stderr, in a pipe', '| cat > out'],
  ['stdout and stderr', '< in'],
  ['stdin', '> out 2>&1'],
  ['stdin, in a pipe', '2>&1 | cat > out'],
  ['stdout', '< in 2> err'],
  ['stderr', '< in > out'],
];

/** Looks at what a program finds, a line into the file `seen`; the results of its attempts, too. */
const look = `import errno, fcntl, os, select, struct, sys, termios
def attempt(f):
    try: f()
    except OSError as e: return errno.errorcode[e.errno]
    except termios.error as e: return errno.errorcode[e.args[0]]
    return 'done'
seen = [''.join('ty'[os.isatty(fd)] for fd in (0, 1, 2))]
if sys.argv[1] == 'resize':
    for fd in (2, 1, 0):
        if os.isatty(fd): attempt(lambda: fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 7, 7, 0, 0)))
elif sys.argv[1] == 'stop':
    for fd in (2, 1, 0):
        if os.isatty(fd): attempt(lambda: termios.tcflow(fd, termios.TCOOFF))
elif sys.argv[1] == 'modes':
    for fd in (2, 1, 0):
        if os.isatty(fd):
            modes = termios.tcgetattr(fd); modes[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG); modes[1] &= ~termios.OPOST
            attempt(lambda: termios.tcsetattr(fd, termios.TCSANOW, modes))
elif sys.argv[1] == 'screen':
    for fd in (2, 1):
        if os.isatty(fd): os.write(fd, b'\\x1b]4;1;rgb:00/00/00\\x07\\x1b[5 q\\x1b[20h\\x1b[3g\\x1b[?1003h\\x1b[>1u')
elif sys.argv[1] == 'read':
    fds = [fd for fd in (2, 1) if os.isatty(fd)]
    os.write(fds[0], b'ready')
    for fd in fds:
        for path in (None, '/proc/self/fd/%d' % fd, '/dev/tty'):
            try: at = fd if path is None else os.open(path, os.O_RDWR | os.O_NONBLOCK)
            except OSError: continue
            if select.select([at], [], [], 0.3)[0]:
                try: seen.append(os.read(at, 99).decode())
                except OSError: pass
open('seen', 'w').write('|'.join(seen))
`;

interface Run {
  readonly seen: string;
  readonly output: string;
  readonly before: number[];
  readonly after: number[];
  readonly timedOut: boolean;
}

/** Runs it there, and another command on the same terminal afterwards. */
async function there(
  as: Identity,
  what: string,
  redirections: string,
  {
    sandboxed,
    options = [],
    then = 'echo over',
    typed = [],
    limit,
  }: {
    readonly sandboxed: boolean;
    readonly options?: readonly string[];
    readonly then?: string;
    readonly typed?: readonly Typed[];
    readonly limit?: number;
  },
): Promise<Run> {
  const cwd = makeProject(as, { 'look.py': look, in: '' });
  const run = ['run', '-q', '--apply', ...options, '--', 'python3', 'look.py', what];
  const argv = sandboxed ? wasboxArgv(as, run) : ['python3', 'look.py', what];
  const words = argv.map((word) => `'${word}'`).join(' ');
  const script = `stty rows 33 cols 99; ${words} ${redirections}; ${then}`;
  const seen = await onTerminal(['bash', '-c', script], { as, cwd }, typed, limit);
  return { ...seen, seen: readFileSync(join(cwd, 'seen'), 'utf8') };
}

describe.each(identities())('a terminal in part, as $label', (as) => {
  const inside = { sandboxed: true };
  const outside = { sandboxed: false };

  test.concurrent.each(parts)(
    '%s: each stream is what it was, and has its size',
    async (_, redirections) => {
      const then = 'stty size';
      const got = await there(as, 'resize', redirections, { ...inside, then });
      const wanted = await there(as, 'resize', redirections, { ...outside, then });
      expect(got.seen).toBe(wanted.seen);
      expect(got.output).toContain('33 99');
      // Control: outside it is another one then.
      expect(wanted.output).toContain('7 7');
    },
  );

  test.concurrent.each(parts)('%s: output goes on', async (_, redirections) => {
    const got = await there(as, 'stop', redirections, inside);
    expect([got.timedOut, got.output.replace(/[\r\n]/g, '')]).toEqual([false, 'over']);
  });

  test('a program is stopped for good outside: the control', async () => {
    const got = await there(as, 'stop', '< in > out', { ...outside, limit: 4 });
    expect([got.timedOut, got.output]).toEqual([true, '']);
  });

  test.concurrent.each(parts)('%s: modes come back', async (_, redirections) => {
    const got = await there(as, 'modes', redirections, inside);
    expect(got.after).toEqual(got.before);
    const control = await there(as, 'modes', redirections, outside);
    expect(control.after).not.toEqual(control.before);
  });

  const shown = parts.filter(([streams]) => /std(out|err)|all/.test(streams));
  test.concurrent.each(shown)(
    '%s: colours, cursor, tabs, mouse and keys come back',
    async (_, redirections) => {
      const reset = /\x1b\[<[12]u.*\x1b\[0 q.*\x1b\]104\x1b\\.*\x1b\[3g\x1b\[8C\x1bH/s;
      const got = await there(as, 'screen', redirections, inside);
      expect(got.output).toMatch(reset);
      expect(got.output).toMatch(/\x1b\[\?1003l.*over/s);
      const options = ['--tty', 'never'];
      const control = await there(as, 'screen', redirections, { ...inside, options });
      expect(control.output).toContain('\x1b[5 q');
      expect(control.output).not.toMatch(reset);
    },
  );

  const notTyped = parts.filter(([streams]) => /^std(out|err)/.test(streams));
  test.concurrent.each(notTyped)(
    '%s: what is typed stays with the terminal',
    async (_, redirections) => {
      const typed = [{ after: 'ready', type: 'secret\n' }];
      const then = 'read -r -t 2 line; echo "shell $line"';
      const got = await there(as, 'read', redirections, { ...inside, then, typed });
      expect(got.seen).not.toContain('secret');
      expect(got.output).toContain('shell secret');
      const never = { ...inside, then, typed, options: ['--tty', 'never'] };
      expect((await there(as, 'read', redirections, never)).seen).not.toContain('secret');
      // Control: outside it is read.
      const control = await there(as, 'read', redirections, { ...outside, then, typed });
      expect(control.seen).toContain('secret');
    },
  );
});

/** A terminal that belongs to root, and a program of another user's on it, as by su and sudo. */
needs('root').describe('a terminal of another user', () => {
  const as = ordinaryUser();
  const root = { ...as, uid: 0, gid: 0 };
  const typed = [{ after: 'ready', type: 'secret\n' }];
  const user = ['setpriv', `--reuid=${as.uid}`, `--regid=${as.gid}`, '--init-groups'];

  test.each(['< in > out', '< in 2> err', '< in'])('%s: nothing that is typed', async (to) => {
    for (const option of ['auto', 'never', 'outside']) {
      const cwd = makeProject(as, { 'look.py': look, in: '' });
      const program = ['python3', 'look.py', 'read'];
      const run = ['run', '-q', '--apply', '--tty', option, '--', ...program];
      const argv = option === 'outside' ? program : wasboxArgv(as, run);
      const words = argv.map((word) => `'${word}'`).join(' ');
      const script = [...user, 'bash', '-c', `${words} ${to}; read -r -t 2 line`];
      const { exit } = await onTerminal(script, { as: root, cwd }, typed);
      const seen = readFileSync(join(cwd, 'seen'), 'utf8');
      expect([option, seen.includes('secret')]).toEqual([option, option === 'outside']);
      expect([option, exit === 0]).toEqual([option, option !== 'outside']);
    }
  });
});

/** The other end of a pipe, which reads a key from the terminal, as a pager does. */
const pager = `import os, select, sys, termios, tty
t = os.open('/dev/tty', os.O_RDWR)
old = termios.tcgetattr(t)
tty.setraw(t)
os.write(t, b'press')
got = os.read(t, 1) if select.select([t], [], [], 3)[0] else b'none'
termios.tcsetattr(t, termios.TCSANOW, old)
print('pager got', got.decode(), len(sys.stdin.read()))
`;

describe.each(identities())('keys, as $label', (as) => {
  const files = { 'pager.py': pager };
  const run = (cwd: string, script: string, typed: Typed[]) =>
    onTerminal(['bash', '-c', script], { as, cwd }, typed);
  const wasbox = (...options: string[]) =>
    wasboxArgv(as, ['run', '-q', '--discard', ...options, '--']).join(' ');

  test.each(['', '2>&1'])('belong to a pager at the end of the pipe (%s)', async (joined) => {
    const cwd = makeProject(as, files);
    const typed = [{ after: 'press', type: 'k' }];
    const program = `sh -c 'echo abc; sleep 1; echo def'`;
    const got = await run(cwd, `${wasbox()} ${program} ${joined} | python3 pager.py`, typed);
    expect(got.output).toContain('pager got k 8');
  });

  // The control of the test above: they are not simply cut off.
  test('reach a program whose output is in a pipe, when it reads', async () => {
    const cwd = makeProject(as);
    const program = `sh -c 'echo ask >&2; read -r answer; echo "got $answer"'`;
    const got = await run(cwd, `${wasbox()} ${program} | cat`, [{ after: 'ask', type: 'yes\n' }]);
    expect(got.output).toContain('got yes');
  });

  test('a program whose output is in a file asks at its terminal', async () => {
    const cwd = makeProject(as);
    const program = `sh -c 'printf ask > /dev/tty; stty -echo < /dev/tty; read -r answer < /dev/tty; echo "got $answer"'`;
    const got = await run(cwd, `${wasbox()} ${program} > out; cat out; stty -a`, [
      { after: 'ask', type: 'yes\n' },
    ]);
    expect(got.output).toContain('got yes');
    expect(got.output).toMatch(/ echo /);
    expect(got.after).toEqual(got.before);
  });

  test.each(['< in', '> out', '> out 2>&1', '< in > out', '| cat'])(
    '^C ends a program with %s',
    async (redirections) => {
      const cwd = makeProject(as, { in: '' });
      const program = `sh -c 'touch begun; while :; do sleep 0.1; done'`;
      const began = `( sleep 1.5; printf re''ady > /dev/tty ) & `;
      const script = `trap : INT; ${began} ${wasbox()} ${program} ${redirections}; echo "status \${PIPESTATUS[0]}"`;
      const got = await run(cwd, script, [{ after: 'ready', type: '\\x03' }]);
      expect(got.output).toContain('status 130');
    },
  );

  test('modes of a stdin that it shares come back where wasbox is killed', async () => {
    const cwd = makeProject(as);
    const program = `sh -c 'stty raw -echo; exec sleep 60'`;
    const looks = `until stty -a < /dev/tty | grep -q -e '-icanon'; do sleep 0.1; done`;
    const run = (command: string) =>
      onTerminal(
        [
          'bash',
          '-c',
          `( ${looks}; kill -9 $(cat pid) ) & bash -c 'echo $$ > pid; exec "$@"' - ${command} | cat; sleep 1`,
        ],
        { as, cwd },
      );
    const got = await run(`${wasbox()} ${program}`);
    expect(got.after).toEqual(got.before);
    // Control: outside they stay.
    const control = await run(program);
    expect(control.after).not.toEqual(control.before);
  });
});
