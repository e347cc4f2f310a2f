/** Tests what passes through a terminal of the payload's own, byte for byte. */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { makeProject } from '../support/project.js';
import { runWasbox, startWasbox } from '../support/wasbox.js';

const always = ['run', '-q', '--discard', '--tty', 'always', '--'];
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Reads so many bytes from its terminal, which changes none, and says what they were. */
const reads = `import hashlib, os, sys, tty
tty.setraw(0)
os.write(1, b"ready")
got = b""
while len(got) < int(sys.argv[1]): got += os.read(0, 65536)
os.write(1, hashlib.sha256(got).hexdigest().encode())
`;
/** Writes so many bytes of all values. */
const writes = `import os, sys, tty
tty.setraw(1)
block = bytes(range(256)) * 256
for n in range(int(sys.argv[1])):
    left = n.to_bytes(4, "big") + block
    while left: left = left[os.write(1, left):]
`;
/** Writes what fits before its reader reads, says on stderr how much that was, and ends by itself. */
const fills = `import os, select, sys, tty
tty.setraw(1)
os.set_blocking(1, False)
count = 0
while True:
    try: count += os.write(1, b"x" * 512)
    except BlockingIOError:
        if not select.select([], [1], [], 0.3)[1]: break
os.write(2, b"%d\\n" % count)
`;
/** Does so after a SIGINT that it survives. */
const survives = `import os, signal, time
hit = []
signal.signal(signal.SIGINT, lambda *_: hit.append(1))
os.write(2, b"ready\\n")
while not hit: time.sleep(0.01)
${fills}`;
const written = (blocks: number): Buffer =>
  Buffer.concat(
    Array.from({ length: blocks }, (_, n) => {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(n);
      return Buffer.concat([head, ...Array(256).fill(Buffer.from([...Array(256).keys()]))]);
    }),
  );

describe.each(identities())('--tty always as $label', (as) => {
  test('10 MB of output, bytes of all values', async () => {
    const args = [...always, 'python3', '-c', writes, '160'];
    const run = await runWasbox(args, { as, cwd: makeProject(as) });
    expect(run.stdout.length).toBe(160 * (65536 + 4));
    expect(hashOf(run.stdout)).toBe(hashOf(written(160)));
  });

  test('a reader that is slow loses nothing', async () => {
    const child = startWasbox([...always, 'python3', '-c', writes, '8'], {
      as,
      cwd: makeProject(as),
    });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      child.stdout?.pause();
      setTimeout(100).then(() => child.stdout?.resume());
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(hashOf(Buffer.concat(chunks))).toBe(hashOf(written(8)));
  });

  test('a time limit ends a run whose reader does not read', async () => {
    // Node's end is a socket, which cannot be enlarged as a pipe can.
    const limited = ['run', '-q', '--discard', '--timeout', '300ms'];
    for (const tty of ['always', 'never']) {
      const args = [...limited, '--tty', tty, '--', 'yes'];
      const child = startWasbox(args, { as, cwd: makeProject(as) });
      const status = await new Promise((resolve) => child.once('exit', resolve));
      child.stdout?.destroy();
      expect(status, tty).toBe(124);
    }
  });

  test('a program that ended in time loses nothing, however late its output is read', async () => {
    // On a busy machine, the program may need more than the first limit.
    for (let seconds = 2; ; seconds *= 2) {
      const limited = ['run', '-q', '--discard', '--timeout', `${seconds}s`, '--tty', 'always'];
      const argv = [...limited, '--', 'python3', '-c', fills];
      const child = startWasbox(argv, { as, cwd: makeProject(as) });
      const status = new Promise((resolve) => child.once('close', resolve));
      // Node drops what has no listener yet when the process exits.
      let length = 0;
      child.stdout?.pause().on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      let said = '';
      for await (const chunk of child.stderr ?? []) {
        said += chunk;
        if (said.includes('\n')) break;
      }
      // The end waits for a reader that takes nothing a second longer than the limit, if that ended the program.
      await setTimeout(seconds * 1000 + 1500);
      child.stdout?.resume();
      if ((await status) === 124 && seconds < 30) continue;
      expect([await status, length]).toEqual([0, Number(said)]);
      return;
    }
  });

  test('100 KB pasted raw: NUL, ^C, ^S, escapes and halves of characters', async () => {
    const bytes = Buffer.concat([Buffer.from([...Array(256).keys()]), randomBytes(100_000)]);
    const child = startWasbox([...always, 'python3', '-c', reads, String(bytes.length)], {
      as,
      cwd: makeProject(as),
    });
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      // The bytes come once the terminal is raw: ^C would be a signal before.
      if (text === '') {
        child.stdin?.write(bytes.subarray(0, 77));
        child.stdin?.write(bytes.subarray(77));
      }
      text += chunk.toString('latin1');
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(text).toBe(`ready${hashOf(bytes)}`);
  });

  test('1 MiB of lines pasted at once reach a program that reads lines', async () => {
    const lines = Buffer.from(`${randomBytes(30).toString('hex')}\n`.repeat(17_200));
    const child = startWasbox([...always, 'sh', '-c', 'stty -echo; echo ready; sha256sum'], {
      as,
      cwd: makeProject(as),
    });
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      if (text === '') child.stdin?.end(lines);
      text += chunk.toString('latin1');
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(text).toBe(`ready\r\n${hashOf(lines)}  -\r\n`);
  });

  test('a character that comes in halves is one to the line editor', async () => {
    const code = `echo ready; read line; printf '%s' "$line" | od -An -tx1`;
    const child = startWasbox([...always, 'sh', '-c', `stty iutf8; ${code}`], {
      as,
      cwd: makeProject(as),
    });
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      if (text === '') {
        // é, x, erased both, ü
        for (const part of [[0xc3], [0xa9, 0x78, 0x7f], [0x7f, 0xc3], [0xbc, 0x0a]]) {
          child.stdin?.write(Buffer.from(part));
        }
      }
      text += chunk.toString('latin1');
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(text).toMatch(/ c3 bc\r\n$/);
  });

  test('the end of stdin is ^D, and what leads elsewhere stays there', async () => {
    const script =
      'cat; test -t 0 && test -t 1 && echo both; test -t 2 || echo apart; echo err >&2';
    const args = [...always, 'sh', '-c', script];
    const run = await runWasbox(args, { as, cwd: makeProject(as), stdin: 'typed' });
    expect(run.out).toBe('typedtypedboth\r\napart\r\n');
    expect(run.err).toBe('err\n');
  });

  test('the reader of stdout that goes takes the terminal with it', async () => {
    const script = `trap '' HUP; while echo y; do :; done; exit 7`;
    const child = startWasbox([...always, 'sh', '-c', script], { as, cwd: makeProject(as) });
    child.stdout?.once('data', () => child.stdout?.destroy());
    const status = await new Promise((resolve) => child.once('exit', resolve));
    expect(status).toBe(7);
  });

  test('in the library, where a SIGINT that the program survived does not hurry its reader', async () => {
    const cwd = makeProject(as);
    const { out, err } = await runLibrary(
      `const net = process.getBuiltinModule('node:net');
       const { createInterface } = process.getBuiltinModule('node:readline');
       const { setTimeout } = process.getBuiltinModule('node:timers/promises');
       // The stream is a socket, as a pipe would be enlarged.
       const server = net.createServer({ pauseOnConnect: true }).listen(${JSON.stringify(`${cwd}.socket`)});
       const accepted = new Promise((resolve) => server.once('connection', resolve));
       const given = net.connect(${JSON.stringify(`${cwd}.socket`)});
       const reader = await accepted;
       const { fd } = given._handle;
       const args = ['-c', ${JSON.stringify(survives)}];
       const options = { tty: 'always', stdio: ['pipe', fd, 'pipe'], changes: 'discard' };
       const sandbox = await lib.spawn('python3', args, options);
       const lines = createInterface({ input: sandbox.stderr })[Symbol.asyncIterator]();
       await lines.next();
       sandbox.kill('SIGINT');
       const count = Number((await lines.next()).value);
       let length = 0;
       const late = setTimeout(1500).then(() => reader.on('data', (chunk) => { length += chunk.length; }).resume());
       const { exitCode } = await sandbox.result;
       await late;
       const ended = new Promise((resolve) => reader.once('end', resolve));
       given.end();
       await ended;
       server.close();
       console.log(JSON.stringify([exitCode, count > 0, count - length]));`,
      { as, cwd },
    );
    expect([out, err]).toEqual(['[0,true,0]\n', '']);
  });

  test('in the library, where a second SIGINT is one like the first', async () => {
    const cwd = makeProject(as);
    const { out, err } = await runLibrary(
      `const code = 'tty; trap "echo int" INT; echo ready; while read l; do echo "$l"; done; exit 4';
       const sandbox = await lib.spawn({ lang: 'bash', code, tty: 'always', graceMs: 50, changes: 'discard' });
       let text = '';
       const steps = ['ready', 'int', 'int', 'int'];
       sandbox.stdout.on('data', (chunk) => {
         text += chunk;
         while (steps.length > 0 && text.includes(steps[0])) {
           text = text.slice(text.indexOf(steps.shift()) + 3);
           if (steps.length > 0) sandbox.kill('SIGINT');
           else sandbox.stdin.end();
         }
       });
       console.log((await sandbox.result).exitCode);`,
      { as, cwd },
    );
    expect([out, err]).toEqual(['4\n', '']);
  });
});
