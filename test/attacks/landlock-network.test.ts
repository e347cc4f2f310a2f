/**
 * Rules of the network where there is no network namespace: what else might lead out than a connection that the
 * supervisor makes. The servers' logs, and sockets of the host, say whether something arrived.
 */
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/host.js';
import { identities } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { addresses, freePort, Network } from '../support/network/index.js';
import { compilePayload, payloadText } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { ended, runProgram, runWasbox, startWasbox } from '../support/wasbox.js';

const options = ['run', '-q', '--discard', '--isolation', 'landlock'];

let cells = 0;
const newCell = () => `landlock${process.pid}x${++cells}x`;

needs('root').describe('a network with rules and Landlock isolation', () => {
  let network: Network;
  let directory = '';
  beforeAll(async () => {
    directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-landlock-'));
    network = await Network.make(directory);
  });
  afterAll(() => {
    network?.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  describe.each(identities())('as $label', (as) => {
    const inside = (cwd: string, net: string, argv: readonly string[]) =>
      network.wasbox([...options.slice(1), '--net', net, '--', ...argv], { as, cwd });

    test.each(['rewrite', 'swap-unix', 'swap-udp', 'swap-listen', 'again', 'fast-open', 'pass'])(
      'leads no socket elsewhere: %s',
      async (mode) => {
        const cwd = makeProject(as);
        compilePayload(as, 'netrace', cwd);
        const argv = (cell: string, by: string = mode) => [
          './netrace',
          by,
          addresses.web,
          addresses.lan,
          cell,
        ];
        const cell = newCell();
        const run = await inside(cwd, addresses.web, argv(cell));
        expect([run.status, run.out.includes('reached 0')], run.out + run.err).toEqual([0, true]);
        if (mode !== 'fast-open') expect(run.out).not.toContain('connected 0');
        const control = newCell();
        const outside = await network.outside(
          argv(control, mode === 'swap-listen' ? 'swap-listen-fresh' : mode),
          { as, cwd },
        );
        if (mode !== 'fast-open') expect(outside.out).not.toContain('reached 0');
        const to = (name: string) =>
          network.requests(name).filter((line) => line.includes(addresses.lan));
        if (mode !== 'swap-listen') {
          expect(await eventually(() => to(control).length > 0)).toBe(true);
        }
        expect(to(cell)).toEqual([]);
      },
    );

    test('looks names up through the supervisor alone, and dials what they lead to', async () => {
      const cwd = makeProject(as);
      const curl = (host: string, cell: string) => [
        ...['curl', '-sS', '-m', '20', `http://${host}/page?${cell}`],
      ];
      const cell = newCell();
      for (const name of ['lan.example.com', 'own.example.com', 'loop.example.com']) {
        const run = await inside(cwd, '*.example.com,internet', curl(name, cell));
        expect(run.status, run.out).not.toBe(0);
      }
      expect((await inside(cwd, 'www.example.com', curl('other.example.net', cell))).status).toBe(
        6,
      );
      expect(network.requests(cell)).toEqual([]);
      const allowed = await inside(cwd, 'www.example.com', curl('www.example.com', cell));
      expect(allowed.status, allowed.err).toBe(0);
      expect(await eventually(() => network.requests(cell).length > 0)).toBe(true);
      // The resolver itself is out of reach, by every protocol.
      const asked = `absent${cell}.example.com`;
      const direct = [
        'sh',
        '-c',
        `dig +time=1 +tries=1 @${addresses.resolver} ${asked}; dig +tcp +time=1 +tries=1 @${addresses.resolver} ${asked}`,
      ];
      await inside(cwd, 'www.example.com', direct);
      expect(network.lines('dns.log').filter((line) => line.includes(asked))).toEqual([]);
      await network.outside(direct, { as, cwd });
      const heard = () => network.lines('dns.log').some((line) => line.includes(asked));
      expect(await eventually(heard)).toBe(true);
    });
  });
});

describe.each(identities())('without a network namespace, as $label', (as) => {
  test('a rule opens one port, and no other kind of socket', async () => {
    const heard: string[] = [];
    const listen = async (name: string, path?: string) => {
      const server = createServer((socket) => {
        heard.push(name);
        socket
          .on('error', () => {})
          .resume()
          .end();
      });
      await new Promise<void>((done) => {
        if (path === undefined) server.listen(0, '127.0.0.1', done);
        else server.listen(path, done);
      });
      return server;
    };
    const cwd = makeProject(as, { 'landlock_net.py': payloadText('landlock_net.py') });
    const place = makeProject(as);
    const path = join(place, 'socket');
    const servers = [
      await listen('given'),
      await listen('other'),
      await listen('unix', path),
      await listen('abstract', `\0${path}`),
    ] as const;
    fs.chmodSync(path, 0o777);
    const udp = createSocket('udp4', () => heard.push('udp'));
    await new Promise<void>((done) => udp.bind(0, '127.0.0.1', done));
    try {
      const [given, other] = servers.map((one) => (one.address() as AddressInfo).port);
      const free = await freePort();
      const argv = [
        ...['python3', 'landlock_net.py', `${given}`, `${other}`, `${udp.address().port}`],
        ...[path, `${free}`],
      ];
      const control = await runProgram(argv, { as, cwd });
      const open = [
        'given',
        'other',
        'udp',
        'udp-connect',
        'unix',
        'abstract',
        'serve',
        'serve-any',
      ];
      expect(control.out.split('\n'), control.err).toEqual(expect.arrayContaining(open));
      // Each of the control's connections is waited for: one that is accepted late would count for the run.
      const attempts = {
        given: ['given'],
        other: ['other', 'mapped', 'fast-open', 'fast-open-message'],
        unix: ['unix'],
        abstract: ['abstract'],
        udp: ['udp', 'udp-message'],
      };
      for (const [name, ways] of Object.entries(attempts)) {
        const made = control.out.split('\n').filter((line) => ways.includes(line)).length;
        const arrived = () => heard.filter((one) => one === name).length;
        expect(await eventually(() => arrived() >= made), name).toBe(true);
        expect(arrived(), name).toBe(made);
      }
      heard.length = 0;
      // A port of loopback is opened for TCP alone.
      const net = `127.0.0.1:${given},127.0.0.1:${udp.address().port}`;
      const run = await runWasbox([...options, '--net', net, '--', ...argv], { as, cwd });
      expect([run.status, run.out, run.err]).toEqual([0, 'given\n', '']);
      expect(await eventually(() => heard.includes('given'))).toBe(true);
      expect(new Set(heard)).toEqual(new Set(['given']));
    } finally {
      udp.close();
      await Promise.all(servers.map((one) => new Promise((done) => one.close(done))));
    }
  });

  test('a server listens where a rule says, and nowhere else', async () => {
    const cwd = makeProject(as);
    const port = await freePort();
    const code = `import socket
for address in ('0.0.0.0', '127.0.0.2', '::'):
    try: socket.create_server((address, ${port}), family=10 if ':' in address else 2); print('open', address)
    except PermissionError: pass
server = socket.create_server(('127.0.0.1', ${port}))
server.close()
server = socket.create_server(('127.0.0.1', ${port}))
print('up', flush=True)
client = server.accept()[0]
client.sendall(client.recv(99).upper())
client.close()`;
    const net = `127.0.0.1:${port}`;
    const child = startWasbox([...options, '--net', net, '--', 'python3', '-c', code], { as, cwd });
    const end = ended(child, { as });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const said = await runProgram(
      [
        'python3',
        '-c',
        `import socket; s = socket.create_connection(('127.0.0.1', ${port})); s.sendall(b'hello'); print(s.makefile().read())`,
      ],
      { as, cwd },
    );
    expect(said.out, said.err).toBe('HELLO\n');
    expect(await end).toMatchObject({ status: 0, out: 'up\n', err: '' });
  });
});
