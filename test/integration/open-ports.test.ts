/** A port that a program listens on inside is told at once, with the option that publishes it. */
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { describe, expect, test } from 'vitest';
import { identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox, startWasbox } from '../support/wasbox.js';

/** Listens on a port of each family it is given, twice, and answers one connection if it is to. */
const server = `import socket, sys
kept = []
for word in sys.argv[1:]:
    family, port = (socket.AF_INET6, word[1:]) if word[0] == "6" else (socket.AF_INET, word[1:])
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::" if family == socket.AF_INET6 else "127.0.0.1", int(port)))
    if word[0] != "b":
        s.listen()
        s.listen()
    kept.append(s)
print("ready", flush=True)
if sys.stdin.read(1) == "a":
    kept[0].accept()[0].sendall(b"answered")
`;
const files = { 'server.py': server };
/** A free port that no kernel gives to who asks for any. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((done) => {
      server.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true));
    });
    await new Promise((done) => server.close(done));
    if (isFree) return port;
  }
}

/** The first bytes that a server sends. */
function answerOf(port: number): Promise<string> {
  const client = connect(port, '127.0.0.1');
  return new Promise((resolve, reject) => {
    client.once('data', (bytes) => resolve(bytes.toString()));
    client.once('error', reject);
  });
}

const line = (port: number) =>
  `wasbox: port ${port} is open inside only. To reach it: --publish ${port}\n`;

describe.each(identities())('a port as $label', (as) => {
  const run = (args: readonly string[], cwd = makeProject(as, files)) =>
    runWasbox(['run', ...args], { as, cwd });

  test('is told once, in a first and in a repeated run', async () => {
    const cwd = makeProject(as, files);
    for (let i = 0; i < 3; i++) {
      const { status, out, err } = await run(['server.py', '45000', '66000'], cwd);
      expect([status, out, err]).toEqual([0, 'ready\n', line(5000) + line(6000)]);
    }
  });

  test.each([
    ['it is only bound', ['server.py', 'b5000']],
    ['nothing is to be told', ['-q', 'server.py', '45000']],
    ['it is published', ['--publish', '__:5000', 'server.py', '45000']],
    ['it is the host’s', ['--net', 'host', 'server.py', '4__']],
  ])('is not told where %s', async (_, args) => {
    const port = String(await freePort());
    const { status, out, err } = await run(args.map((word) => word.replace('__', port)));
    expect([status, out, err]).toEqual([0, 'ready\n', '']);
  });

  test('is told where another one is published', async () => {
    const port = await freePort();
    const { err } = await run(['--publish', `${port}:5000`, 'server.py', '45000', '45001']);
    expect(err).toBe(line(5001));
  });

  test('is told while the program runs, and the option of the line reaches it', async () => {
    const cwd = makeProject(as, files);
    const port = await freePort();
    const begin = (args: readonly string[]) => startWasbox(['run', ...args], { as, cwd });
    const first = begin(['server.py', `4${port}`]);
    const said = await new Promise<string>((resolve) => {
      first.stderr?.on('data', (chunk: Buffer) => resolve(chunk.toString()));
    });
    expect(said).toBe(line(port));
    first.stdin?.end();
    await new Promise((resolve) => first.on('close', resolve));
    const second = begin([
      ...(/--publish \d+/.exec(said)?.[0] ?? '').split(' '),
      'server.py',
      `4${port}`,
    ]);
    await new Promise((resolve) => second.stdout?.once('data', resolve));
    second.stdin?.end('a');
    expect(await answerOf(port)).toBe('answered');
    await new Promise((resolve) => second.on('close', resolve));
  });
});

describe.each(identities())('a low port as $label', (as) => {
  const way = (port: number) => (as.uid === 0 ? `${port}` : `${port + 8000}:${port}`);

  test('can be listened on, since it is the sandbox’s own, and is told with one of users', async () => {
    const cwd = makeProject(as, files);
    for (let i = 0; i < 2; i++) {
      const { status, out, err } = await runWasbox(['run', 'server.py', '480', '6443'], {
        as,
        cwd,
      });
      const told = [80, 443].map(
        (port) => `wasbox: port ${port} is open inside only. To reach it: --publish ${way(port)}\n`,
      );
      expect([status, out, err]).toEqual([0, 'ready\n', told.join('')]);
    }
  });

  test('is reached where it is published', async () => {
    const port = await freePort();
    const words = ['run', '--publish', `${port}:80`, 'server.py', '480'];
    const run = startWasbox(words, { as, cwd: makeProject(as, files) });
    await new Promise((resolve) => run.stdout?.once('data', resolve));
    run.stdin?.end('a');
    expect(await answerOf(port)).toBe('answered');
    await new Promise((resolve) => run.on('close', resolve));
  });

  test('stays root’s on this machine, with whose network nothing changes', async () => {
    const start = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
    const before = readFileSync(start, 'utf8');
    const words = ['run', '--net', 'host', '--', 'cat', start];
    expect((await runWasbox(words, { as, cwd: makeProject(as) })).out).toBe(before);
    expect((await runWasbox(['run', '--', 'cat', start], { as, cwd: makeProject(as) })).out).toBe(
      '0\n',
    );
    expect(readFileSync(start, 'utf8')).toBe(before);
  });
});

describe('a port', () => {
  const as = ordinaryUser();

  test('is told if it is one of the first eight of many', async () => {
    const ports = Array.from({ length: 20 }, (_, i) => 7000 + i);
    const { out, err } = await runWasbox(['run', 'server.py', ...ports.map((port) => `4${port}`)], {
      as,
      cwd: makeProject(as, files),
    });
    expect([out, err]).toEqual(['ready\n', ports.slice(0, 8).map(line).join('')]);
  });

  test('is not told if the kernel has chosen it: the program talks to itself', async () => {
    const { out, err } = await runWasbox(['run', 'server.py', '40', '46000'], {
      as,
      cwd: makeProject(as, files),
    });
    expect([out, err]).toEqual(['ready\n', line(6000)]);
  });

  test('is named by --publish if it is taken on the host, and nothing runs', async () => {
    const taken: Server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const { status, out, err } = await runWasbox(
      ['run', '--publish', `${port}`, 'server.py', '45000'],
      { as, cwd: makeProject(as, files) },
    );
    taken.close();
    expect([status, out]).toEqual([125, '']);
    expect(err).toContain(`${port}`);
    expect(err).toMatch(/in use/);
  });

  test('is told with --json by nothing but the report', async () => {
    const { err } = await runWasbox(['run', '--json', 'server.py', '45000'], {
      as,
      cwd: makeProject(as, files),
    });
    expect(JSON.parse(err).outcome.kind).toBe('exited');
  });
});
