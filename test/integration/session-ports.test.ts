/**
 * Ports of running sessions: told at once by every interface, published while the session runs, listed, removed.
 * Needs: user namespaces, python3.
 */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createSession, run, type Session } from '../../src/index.js';
import { sessionPlace } from '../support/cli-session.js';
import { freePort } from '../support/free-port.mjs';
import { ordinaryUser } from '../support/identity.js';
import { libraryPlace } from '../support/library-place.js';
import { startMcp } from '../support/mcp.js';
import { onTerminal } from '../support/terminal.js';
import { wasboxArgv } from '../support/wasbox.js';

const { workdir } = libraryPlace('session-ports');

/** Says how many bytes each client sent, once that is at its end. */
const counter = (port: number, host = '127.0.0.1') => `import socket
s = socket.socket(socket.AF_INET6 if ":" in "${host}" else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("${host}", ${port})); s.listen(); print("ready", flush=True)
while True:
    client, n = s.accept()[0], 0
    while piece := client.recv(65536): n += len(piece)
    client.sendall(b"%d bytes" % n); client.close()`;
const listening = (port: number) =>
  `import socket; s = socket.socket(); s.bind(("", ${port})); s.listen()`;

function ask(port: number, bytes: number): Promise<string> {
  return new Promise((resolve) => {
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let answer = '';
    client.on('data', (piece) => {
      answer += piece;
    });
    client.on('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)));
    client.on('close', () => resolve(answer));
    client.end(Buffer.alloc(bytes));
  });
}

async function serve(session: Session, port: number, host?: string) {
  const server = await session.spawn({ lang: 'python', code: counter(port, host) });
  for await (const line of server.stdoutLines()) if (line === 'ready') break;
  return server;
}

describe('onPort', () => {
  test('is called while a run goes on, once a port', async () => {
    const ports: number[] = [];
    const code = `${listening(5000)}; s.listen(); print("listening", flush=True); input()`;
    let answer: (() => void) | undefined;
    const told = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const ended = await run({
      lang: 'python',
      code,
      workdir,
      onPort: (port) => {
        ports.push(port);
        answer?.();
      },
      input: (async function* () {
        await told; // else the run does not end
        yield 'go on\n';
      })(),
    });
    expect([ended.exitCode, ended.stderr, ports]).toEqual([0, '', [5000]]);
  });

  test.each([
    ['is published', (port: number) => ({ publish: [`${port}:${port}`] })],
    ['is the host’s', () => ({ net: ['host'] })],
  ])('is not called where the port %s', async (_, optionsFor) => {
    const free = await freePort();
    const ports: number[] = [];
    const code = listening(free);
    const onPort = (port: number) => void ports.push(port);
    const ended = await run({ lang: 'python', code, workdir, ...optionsFor(free), onPort });
    expect([ended.exitCode, ports]).toEqual([0, []]);
  });

  test('must be a function', async () => {
    await expect(run({ code: 'true', onPort: 5000 as never })).rejects.toThrow(/onPort/);
  });
});

describe('a port of a session', () => {
  test.each(['127.0.0.1', '::1'])(
    'is published while it runs, for a session of %s',
    async (host) => {
      const ports: number[] = [];
      const onPort = (port: number) => void ports.push(port);
      await using session = await createSession({ workdir, changes: 'discard', onPort });
      const server = await serve(session, 5000, host);
      const port = await freePort();
      expect([await ask(port, 1), session.insidePorts]).toEqual(['ECONNREFUSED', [5000]]);

      const published = await session.publish(`${port}:5000`);
      expect(published).toMatchObject({ address: '127.0.0.1', hostPort: port, insidePort: 5000 });
      expect(await Promise.all([0, 1, 3_000_000, 5].map((bytes) => ask(port, bytes)))).toEqual(
        ['0', '1', '3000000', '5'].map((bytes) => `${bytes} bytes`),
      );
      expect([session.published, session.insidePorts]).toEqual([[published], []]);
      await expect(session.publish(`${port}:5001`)).rejects.toThrow(/in use/);

      await published.close();
      expect([await ask(port, 1), session.published, session.insidePorts]).toEqual([
        ...['ECONNREFUSED', []],
        [5000],
      ]);
      server.kill('SIGKILL');
      await server.result;
      expect(ports).toEqual([5000]);
    },
  );

  test('stays published after a snapshot, and not after the session', async () => {
    const session = await createSession({ workdir, changes: 'discard' });
    const port = await freePort();
    await session.publish(`${port}:5000`);
    expect(await ask(port, 1)).toBe('ECONNRESET');
    const server = await serve(session, 5000);
    expect(await ask(port, 2)).toBe('2 bytes');
    server.kill('SIGKILL');
    await server.result;
    const fork = session.fork(await session.snapshot());
    expect(session.insidePorts).toEqual([]);
    await serve(session, 5000);
    expect(await ask(port, 3)).toBe('3 bytes');
    expect((await fork).published).toEqual([]);
    await (await fork).close();
    await session.close();
    expect(await ask(port, 1)).toBe('ECONNREFUSED');
    await expect(session.publish(5000)).rejects.toThrow(/has ended/);
  });

  test('is not published with the network of the host', async () => {
    await using session = await createSession({ workdir, changes: 'discard', net: ['host'] });
    await expect(session.publish(5000)).rejects.toThrow(/network of this machine/);
  });

  test.each(['', 'x', '0', '70000', '1:2:3', -1, null, {}])('%j is none', async (ports) => {
    await using session = await createSession({ workdir, changes: 'discard' });
    await expect(session.publish(ports as never)).rejects.toMatchObject({
      code: 'ERR_OPTION_VALUE',
    });
  });
});

describe('the command', () => {
  test('tells a port of a session at once, publishes it, lists it and takes it back', async () => {
    const { run: wasbox } = sessionPlace(ordinaryUser());
    await wasbox(['session', 'start', '-q', '--name', 'dev']);
    const port = await freePort();
    const line =
      'wasbox: port 5000 is open inside only. To reach it: wasbox session publish dev 5000\n';
    const quiet = await wasbox(['exec', '-q', 'dev', 'python3', '-c', listening(5001)]);
    expect([quiet.out, quiet.err]).toEqual(['', '']);
    const behind = `python3 -c '${counter(5000)}' > ready & while ! test -s ready; do sleep 0.05; done`;
    const begun = await wasbox(['exec', 'dev', 'sh', '-c', behind]);
    expect([begun.status, begun.err]).toEqual([0, line]);
    const list = async () =>
      JSON.parse((await wasbox(['session', 'publish', '--json', 'dev'])).out) as object;
    expect(await list()).toMatchObject({ published: [], insidePorts: [5001, 5000] });

    expect(await wasbox(['session', 'publish', 'dev', `${port}:5000`])).toMatchObject({
      status: 0,
      out: expect.stringContaining(`wasbox session unpublish dev 127.0.0.1:${port}:5000`),
    });
    expect(await ask(port, 7)).toBe('7 bytes');
    expect(await list()).toMatchObject({ published: [`127.0.0.1:${port}:5000`] });
    const wrong = await wasbox(['session', 'unpublish', 'dev', '1']);
    expect([wrong.status, wrong.err]).toEqual([2, expect.stringContaining(`127.0.0.1:${port}`)]);
    expect((await wasbox(['session', 'unpublish', '-q', 'dev', `${port}`])).status).toBe(0);
    expect(await ask(port, 7)).toBe('ECONNREFUSED');
  });

  test('tells it at a terminal while the program runs', async () => {
    const as = ordinaryUser();
    const { run: wasbox, cwd, state } = sessionPlace(as);
    await wasbox(['session', 'start', '-q', '--name', 'dev']);
    const code = `${listening(5000)}; print("typed", input())`;
    const argv = wasboxArgv(as, ['exec', 'dev', 'python3', '-c', code]);
    const shown = await onTerminal(argv, { as, cwd, env: { XDG_STATE_HOME: state } }, [
      { after: 'wasbox session publish dev 5000', type: 'on\r' },
    ]);
    expect(shown).toMatchObject({ exit: 0, timedOut: false });
    expect(shown.output).toContain('session publish dev 5000\r\n');
    expect(shown.output).toContain('typed on\r\n');
  });
});

test('an MCP server names ports that nothing outside reaches', async () => {
  const { call, leave } = await startMcp(ordinaryUser());
  const { value } = await call('run_command', { argv: ['python3', '-c', listening(5000)] });
  expect(value).toMatchObject({ exit_code: 0, ports_open_inside_only: [5000] });
  const next = await call('run_command', { command: 'true' });
  expect(next.value).not.toHaveProperty('ports_open_inside_only');
  await leave();
});
