/**
 * Tests what leads into a sandbox and out of it by name: `--publish` and `--socket`. Clients and servers
 * of the host say what was reached. Addresses of 127.0.0.0/8 stand for those of the host.
 */
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import * as net from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../../support/host.js';
import { identities } from '../../support/identity.js';
import { freePort } from '../../support/network/index.js';
import { makeProject } from '../../support/project.js';
import { ended, runProgram, runWasbox, startProgram, startWasbox } from '../../support/wasbox.js';

/** Listens on an address inside, tells, and answers each connection with what it says, in capitals. */
const upper = (address: string) => `
import socket, threading
family = socket.AF_INET6 if ':' in '${address}' else socket.AF_INET
server = socket.create_server(('${address}', 80), family=family)
print('up', flush=True)
def serve(client):
    with client, client.makefile('rb') as said: client.sendall(said.read().upper())
while True: threading.Thread(target=serve, args=[server.accept()[0]]).start()`;

/** Sends a megabyte to each client that has said something, ends the connection, and reports. */
const flood = `
import socket
server = socket.create_server(('127.0.0.1', 80))
print('up', flush=True)
client = server.accept()[0]
client.recv(9)
client.sendall(bytes(range(256)) * 4096)
client.close()
print('sent', flush=True)
server.accept()`;

/** Sends so many bytes to one client, and exits. */
const lastAnswer = (length: number) => `
import os, socket
server = socket.create_server(('127.0.0.1', 80))
print('up', flush=True)
client = server.accept()[0]
client.recv(9)
client.sendall(b'a' * ${length})
os._exit(0)`;

/** Has little room, ends its side, and reads when it is told to. */
const slowReader = (port: number) => `
import socket, sys
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
client.connect(('127.0.0.1', ${port}))
client.sendall(b'begin')
client.shutdown(socket.SHUT_WR)
sys.stdin.read()
print(client.makefile('rb').read() == bytes(range(256)) * 4096)`;

/** Reads a megabyte and rests, again and again, and prints how many bytes came. */
const pausingReader = (port: number) => `
import socket, time
client = socket.create_connection(('127.0.0.1', ${port}))
client.sendall(b'begin')
came = 0
while True:
    time.sleep(0.5)
    piece = client.recv(1 << 20, socket.MSG_WAITALL)
    if not piece: break
    came += len(piece)
print(came)`;

/** Processor time of a process, in hundredths of a second. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Returns what a server says to `hello`, or the code of the error. */
async function say(host: string, port: number): Promise<string> {
  const socket = net.connect({ host, port });
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  try {
    socket.end('hello');
    await once(socket, 'close');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? '';
  }
  return heard;
}

describe.each(identities())('--publish and --socket, as $label', (as) => {
  const running: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of running.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });

  async function serve(options: readonly string[], code: string) {
    const args = ['run', '-q', '--discard', ...options, '--lang', 'python', '-c', code];
    const child = startWasbox(args, { as, cwd: makeProject(as) });
    running.push(child);
    const server = { out: '', child };
    child.stdout?.on('data', (chunk) => {
      server.out += chunk;
    });
    let err = '';
    child.stderr?.on('data', (chunk) => {
      err += chunk;
    });
    expect(await eventually(() => server.out.startsWith('up')), err).toBe(true);
    return server;
  }

  test('a server inside is reached from this machine, at the address and port given', async () => {
    const [port, same, other, all] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const ports = [`${port}:80`, `127.0.0.3:${other}:80`, `0.0.0.0:${all}:80`, `${same}`];
    const options = ports.flatMap((one) => ['--publish', one]);
    await serve(options, upper('127.0.0.1'));
    expect(await say('127.0.0.1', port)).toBe('HELLO');
    expect(await say('127.0.0.2', port)).toBe('ECONNREFUSED');
    expect(await say('127.0.0.3', other)).toBe('HELLO');
    expect(await say('127.0.0.1', other)).toBe('ECONNREFUSED');
    // The control: these addresses can be reached.
    expect(await say('127.0.0.2', all)).toBe('HELLO');
    expect(await say('127.0.0.1', all)).toBe('HELLO');
    // One port is the same one on both sides, where no server listens.
    expect(await say('127.0.0.1', same)).toMatch(/^(ECONNRESET)?$/);
  });

  test('a server that listens on IPv6 alone, and a port on IPv6', async () => {
    const [port, other] = [await freePort(), await freePort()];
    await serve(['--publish', `${port}:80`, '--publish', `[::1]:${other}:80`], upper('::1'));
    expect(await say('127.0.0.1', port)).toBe('HELLO');
    expect(await say('::1', other)).toBe('HELLO');
    expect(await say('::1', port)).toBe('ECONNREFUSED');
  });

  test('a port that is taken ends the start, and says so', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as net.AddressInfo;
    const cwd = makeProject(as);
    const args = ['run', '--discard', '--publish', `${port}:80`, '--', 'touch', 'started'];
    const run = await runWasbox(args, { as, cwd });
    expect(run.status).toBe(125);
    expect(run.err).toContain(`can't bind port ${port}`);
    expect(run.err).toContain('ss -ltnp');
    taken.close();
    await once(taken, 'close');
    expect((await runWasbox(args, { as, cwd })).status).toBe(0);
  });

  test('a reader that is slow loses nothing, and costs nothing meanwhile', async () => {
    const port = await freePort();
    const server = await serve(['--publish', `${port}:80`], flood);
    const options = { as, stdio: ['pipe', 'pipe', 'inherit'] as StdioOptions };
    const client = startProgram(['python3', '-c', slowReader(port)], options);
    running.push(client);
    expect(await eventually(() => server.out.includes('sent'))).toBe(true);
    // Both directions are shut, inside, and there is nothing to do but to wait.
    const pid = server.child.pid ?? 0;
    const before = ticksOf(pid);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(ticksOf(pid) - before).toBeLessThan(20);
    expect((await ended(client, { as })).out).toBe('True\n');
  });

  test.each([
    ['a word', 6],
    ['more than the sockets hold', 5_000_000],
  ])('%s that a server sends before it exits arrives', async (_, length) => {
    const port = await freePort();
    const last = lastAnswer(length);
    // Which of both the supervisor sees first, the end or the answer, differs from run to run.
    for (let turn = 0; turn < 8; turn++) {
      const { child } = await serve(['--publish', `${port}:80`], last);
      expect(await say('127.0.0.1', port)).toHaveLength(length);
      if (child.exitCode === null) await once(child, 'close');
      expect(child.exitCode).toBe(0);
    }
  });

  test('a client that reads slowly gets all that a server sent before it exits', async () => {
    const port = await freePort();
    const length = 12 << 20;
    const { child } = await serve(['--publish', `${port}:80`], lastAnswer(length));
    const client = startProgram(['python3', '-c', pausingReader(port)], { as });
    running.push(client);
    expect((await ended(client, { as })).out).toBe(`${length}\n`);
    if (child.exitCode === null) await once(child, 'close');
    expect(child.exitCode).toBe(0);
  });

  test('one socket of the host, and none beside it', async () => {
    const places = makeProject(as);
    const came = { one: 0, two: 0 };
    const servers = (['one', 'two'] as const).map((name) =>
      net
        .createServer((socket) => {
          came[name] += 1;
          socket.end(name);
        })
        .listen({ path: join(places, name), writableAll: true, readableAll: true }),
    );
    for (const server of servers) if (!server.listening) await once(server, 'listening');
    const code = ['one', 'two'].map(
      (name) => `
try:
    s = socket.socket(socket.AF_UNIX)
    s.connect('${join(places, name)}')
    print(s.recv(9).decode())
except OSError as error: print(error.strerror)`,
    );
    const python = ['-c', `import socket${code.join('')}`];
    const options = ['-q', '--discard', '--socket', join(places, 'one'), '--lang', 'python'];
    const run = await runWasbox(['run', ...options, ...python], { as, cwd: makeProject(as) });
    expect(run.out, run.err).toBe('one\nNo such file or directory\n');
    expect(came).toEqual({ one: 1, two: 0 });
    expect((await runProgram(['python3', ...python], { as })).out).toBe('one\ntwo\n');
    expect(came).toEqual({ one: 2, two: 1 });
    const wrong = ['run', '--discard', '--socket', makeProject(as), '--', 'true'];
    const refused = await runWasbox(wrong, { as, cwd: makeProject(as) });
    expect(refused.status).toBe(125);
    expect(refused.err).toContain('not a UNIX socket');
    for (const server of servers) server.close();
  });
});
