/**
 * Programs with a terminal of their own in the library: `tty` of `spawn` and `run`, `session.spawn` and
 * `session.exec`. Needs: user namespaces, overlayfs in them, python3.
 */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { eventually, processesWith, uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { inSession } from '../support/session.js';

/** The two ways to a program whose streams the caller has, and what is done with each. */
const ways = `
  const ways = [
    (argv, options) => session.spawn(argv, options),
    ([command, ...args], options) => lib.spawn(command, args, options),
  ];
  const textOf = async (stream) => { let all = ''; for await (const chunk of stream) all += chunk; return all; };
  const until = (program, text) => new Promise((resolve, reject) => {
    program.seen ??= '';
    const look = (chunk) => {
      program.seen += chunk;
      if (!program.seen.includes(text)) return;
      program.seen = program.seen.slice(program.seen.indexOf(text) + text.length);
      program.stdout.off('data', look);
      program.stdout.pause();
      resolve();
    };
    program.stdout.on('data', look).resume();
    program.stdout.once('close', () => reject(new Error('ended before ' + text + ': ' + program.seen)));
  });
  const endOf = async (program) => {
    program.stdout.resume();
    const { exitCode, signal } = await program.result;
    return signal ?? exitCode ?? null;
  };`;

const facts = `import json, os, sys
def mine():
    try: fd = os.open("/dev/tty", os.O_RDWR)
    except OSError: return None
    return os.tcgetpgrp(fd) == os.getpgrp()
os.write(2, b"to stderr ")
print(json.dumps([[os.isatty(fd) for fd in range(3)], mine()]))
if os.isatty(0): print(list(os.get_terminal_size(0)))
`;
/** Writes so many MiB of all values. */
const burst = `import os, sys, tty
tty.setraw(1)
block = bytes(range(256)) * 4096
for _ in range(int(sys.argv[1])):
    left = block
    while left: left = left[os.write(1, left):]
`;
const fill = `import os, select, tty
tty.setraw(1)
os.set_blocking(1, False)
count = 0
while True:
    try: count += os.write(1, b"x" * 512)
    except BlockingIOError:
        if not select.select([], [1], [], 0.5)[1]: break
os._exit(count >> 11)
`;
const burstHash = (mib: number): string =>
  createHash('sha256')
    .update(Buffer.alloc(mib * 1024 * 1024, Buffer.from([...Array(256).keys()])))
    .digest('hex');

describe.each(identities())('as $label', (as) => {
  test('a terminal is stdin, stdout and stderr, of the size that was asked for, and the controlling one', async () => {
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${ways}
       for (const start of ways) {
         for (const tty of [{ columns: 101, rows: 43 }, true, undefined]) {
           const program = await start(['python3', '-c', ${JSON.stringify(facts)}], { tty });
           const [stdout, stderr] = await Promise.all([textOf(program.stdout), textOf(program.stderr)]);
           show([stdout, stderr, await endOf(program)]);
         }
       }
       delete process.env.TERM;
       process.env.COLUMNS = '7';
       for (const options of [{ tty: true }, { tty: true, env: { TERM: 'dumb', COLUMNS: '8' } }, {}])
         show((await lib.run('sh', ['-c', 'echo "$TERM|$COLUMNS"'], options)).stdout.trim());
       show((await session.exec(['sh', '-c', 'echo "$TERM"'], { tty: true, env: { TERM: 'dumb' } })).stdout.trim());`,
    );
    const at = (size: string) => [`to stderr [[true, true, true], true]\r\n${size}\r\n`, '', 0];
    const none = ['[[false, false, false], null]\n', 'to stderr ', 0];
    const way = [at('[101, 43]'), at('[80, 24]'), none];
    const names = ['xterm-256color|', 'dumb|8', '|7', 'dumb'];
    expect(lines).toEqual([...way, ...way, ...names]);
  });

  test('^C interrupts, ^D and the end of stdin end the input, a new size is told', async () => {
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${ways}
       const sized = 'trap "stty size" WINCH; echo ready; read -r line; read -r line; echo "got $line"';
       for (const start of ways) {
         const slept = await start(['sh', '-c', 'echo ready; exec sleep 1000'], { tty: true });
         await until(slept, 'ready');
         slept.stdin.write('\\x03');
         show(await endOf(slept));

         const typed = await start(['cat'], { tty: true });
         typed.stdin.write('line\\n\\x04');
         show([await textOf(typed.stdout), await endOf(typed)]);

         const ended = await start(['cat'], { tty: true });
         ended.stdin.end('half a line');
         show([await textOf(ended.stdout), await endOf(ended)]);

         const resized = await start(['bash', '-c', sized], { tty: { columns: 90, rows: 30 } });
         await until(resized, 'ready');
         resized.resize({ columns: 120, rows: 50 });
         resized.stdin.write('one\\n');
         await until(resized, '50 120');
         resized.stdin.write('two\\n');
         await until(resized, 'got two');
         show([await endOf(resized), await Promise.resolve().then(() => resized.resize({ columns: 0, rows: 1 })).catch(({ name }) => name)]);

         // The control: what is no terminal takes the same for bytes.
         const piped = await start(['cat']);
         piped.stdin.end('\\x03\\x04');
         show([await textOf(piped.stdout), await endOf(piped)]);
       }`,
    );
    const expected = [
      'SIGINT',
      ['line\r\nline\r\n', 0],
      ['half a linehalf a line', 0],
      [0, 'UsageError'],
      ['\u0003\u0004', 0],
    ];
    expect(lines).toEqual([...expected, ...expected]);
  });

  test('hangs up when stdout is closed', async () => {
    const markers = [uniqueMarker(), uniqueMarker()];
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${ways}
       for (const [i, start] of ways.entries()) {
         const waits = 'trap "exit 7" HUP; trap "exit 8" TERM; echo ready; while :; do sleep 0.05; done; : ' + ${JSON.stringify(markers)}[i];
         for (const tty of [true, undefined]) {
           const program = await start(['sh', '-c', waits], { tty });
           await until(program, 'ready');
           program.stdout.destroy();
           if (tty === undefined) program.kill('SIGTERM'); // the control: else it would go on
           show((await program.result).exitCode);
         }
       }`,
    );
    expect(lines).toEqual([7, 8, 7, 8]);
    for (const marker of markers) {
      expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    }
  });

  test('the result waits for a reader no longer than with pipes, and what was written can be read later', async () => {
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${ways}
       for (const start of ways) {
         for (const tty of [true, undefined]) {
           const endless = await start(['yes'], { tty, timeoutMs: 300 });
           show((await endless.result).outcome);
           const killed = await start(['yes'], { tty });
           await new Promise((resolve) => killed.stdout.once('readable', resolve));
           killed.kill('SIGTERM');
           show((await killed.result).signal);
         }
       }
       // It fills the terminal and what is behind it; its exit status counts the 2 KiB that fit.
       const late = await lib.spawn('python3', ['-c', ${JSON.stringify(fill)}], { tty: true });
       const { exitCode } = await late.result;
       show([exitCode > 0, Math.floor((await textOf(late.stdout)).length / 2048) - exitCode]);`,
    );
    const each = ['timeout', 'SIGTERM'];
    expect(lines).toEqual([...each, ...each, ...each, ...each, [true, 0]]);
  });

  test('10 MB arrive as they were written, also at a reader that is slow', async () => {
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${ways}
       const { createHash } = await import('node:crypto');
       const argv = (mib) => ['python3', '-c', ${JSON.stringify(burst)}, String(mib)];
       const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');
       show(hash((await session.exec(argv(10), { tty: true })).stdoutBytes));
       show(hash((await lib.run('python3', argv(10).slice(1), { tty: true })).stdoutBytes));
       for (const start of ways) {
         const program = await start(argv(2), { tty: true });
         const all = createHash('sha256');
         let count = 0;
         for await (const chunk of program.stdout) {
           if (count++ % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
           all.update(chunk);
         }
         show([all.digest('hex'), await endOf(program)]);
       }`,
    );
    const [whole, slow] = [burstHash(10), [burstHash(2), 0]];
    expect(lines).toEqual([whole, whole, slow, slow]);
  });

  test('a process that goes on writing after the end of a program is not waited for', async () => {
    const marker = uniqueMarker();
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `const flood = ['sh', '-c', 'trap "" HUP; for i in 1 2 3 4 5 6; do yes ${marker} & done; sleep 0.3; exit 3'];
       // Slower than what writes.
       const onStdout = () => { for (const end = Date.now() + 20; Date.now() < end; ); };
       for (const tty of [true, undefined]) show((await session.exec(flood, { tty, onStdout })).exitCode);
       const program = await session.spawn(flood, { tty: true });
       for await (const chunk of program.stdout) onStdout(chunk);
       show((await program.result).exitCode);`,
    );
    expect(lines).toEqual([3, 3, 3]);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  });

  test('limits, callbacks, input and what is left running are as with pipes', async () => {
    const marker = uniqueMarker();
    const { lines } = await inSession(
      as,
      `{ changes: 'discard', lang: 'python', preload: 'import json' }`,
      `const { readdirSync } = await import('node:fs');
       const code = (error) => error.code ?? error.name;
       const held = () => readdirSync('/proc/self/fd').length;
       // The first look at what a session uses takes a descriptor for good.
       await session.exec(['sleep', '1'], { tty: true });
       const before = held();
       const told = [];
       const both = await session.exec(['sh', '-c', 'echo out; echo err >&2; exit 3'], { tty: true, all: true, onStdout: (chunk) => told.push(String(chunk)) });
       show([both.stdout, both.stderr, both.all, told.join(''), both.exitCode]);
       const cut = await session.exec(['sh', '-c', 'echo 123456789'], { tty: true, maxOutputBytes: 4 });
       show([cut.stdout, cut.truncated]);
       const slow = await session.exec(['sleep', '1000'], { tty: true, timeoutMs: 200 });
       show([slow.outcome, slow.signal]);
       const controller = new AbortController();
       show(await session.exec(['sh', '-c', 'echo first; exec sleep 1000'], { tty: true, signal: controller.signal, onStdout: () => controller.abort() })
         .catch((error) => [error.name, error.result.stdout]));
       const typed = await session.exec(['sh', '-c', 'stty -echo; cat | sha256sum'], { tty: true, input: 'line\\n' });
       show([typed.stdout.includes('${createHash('sha256').update('line\n').digest('hex')}'), typed.exitCode]);
       // More than the terminal holds at a time.
       await session.exec(['sh', '-c', 'wc -l > counted'], { tty: true, input: 'a line of some length\\n'.repeat(20_000) });
       show(Number(await session.files.readText('counted')));
       const leaves = await session.exec(['sh', '-c', 'trap "" HUP; sh -c "sleep 1000; : ${marker}" & echo done'], { tty: true });
       show([leaves.stdout.trim(), leaves.exitCode]);
       show((await session.exec(['ls', '/dev/pts'])).stdout.trim());
       show(await session.exec({ lang: 'python', code: '1' }, { tty: true }).catch(code));
       show(await session.exec(['true'], { tty: { columns: 0, rows: 1 } }).catch(code));
       show(await lib.spawn('true', [], { tty: 1 }).catch(code));
       show(await lib.spawn('true', [], { tty: true, stdio: ['pipe', 'pipe', 'pipe'] }).catch(code));
       const plain = await session.spawn(['true']);
       show(await Promise.resolve().then(() => plain.resize({ columns: 1, rows: 1 })).catch(code));
       await plain.result;
       for (let i = 0; i < 1000 && held() > before; i++) await new Promise((resolve) => setTimeout(resolve, 20));
       show(held() <= before);
       const ran = await lib.run('sh', ['-c', 'stty size; cat; exit 4'], { tty: { columns: 60, rows: 20 }, input: 'x\\n' });
       show([ran.stdout.replace('x\\r\\n', ''), ran.stderr, ran.exitCode]);`,
    );
    expect(lines).toEqual([
      ['out\r\nerr\r\n', '', 'out\r\nerr\r\n', 'out\r\nerr\r\n', 3],
      ['1234', true],
      ['timeout', 'SIGTERM'],
      ['AbortError', 'first\r\n'],
      [true, 0],
      20_000,
      ['done', 0],
      'ptmx',
      'ERR_USAGE',
      'ERR_OPTION_VALUE',
      'ERR_OPTION_VALUE',
      'ERR_USAGE',
      'ERR_USAGE',
      true,
      ['20 60\r\nx\r\n', '', 4],
    ]);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  });
});
