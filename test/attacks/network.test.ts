/**
 * Attacks 20 to 24 and what else an allow list has failed by: the servers' logs, and the host's own
 * service, say whether something arrived. Each has a control that arrives.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { addresses, Network } from '../support/network/index.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';

let cells = 0;
const newCell = () => `attack${process.pid}x${++cells}x`;

needs('root').describe('rules of the network', () => {
  let network: Network;
  let directory = '';
  beforeAll(async () => {
    directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-attacks-'));
    network = await Network.make(directory);
  });
  afterAll(() => {
    network?.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  // Only the ids differ as root.
  const everyone = process.env.WASBOX_MATRIX === 'all' ? identities() : [ordinaryUser()];
  describe.each(everyone)('as $label', (as) => {
    let cwd = '';
    beforeAll(() => {
      cwd = makeProject(as, { 'file.txt': 'x' });
      compilePayload(as, 'netrace', cwd);
    });

    const inside = (options: string[], argv: string[]) =>
      network.wasbox(['-q', '--discard', ...options, '--', ...argv], { as, cwd });
    /** A server writes its log after its answer. */
    const arrived = (cell: string, count = 1) =>
      eventually(() => network.requests(cell).length >= count);
    const curl = (url: string, ...more: string[]) => [
      ...['curl', '-sS', '-m', '20', '--connect-timeout', '10', ...more, url],
    ];

    test.concurrent.each([
      ['loop.example.com', '127.0.0.1'],
      ['lan.example.com', addresses.lan],
      ['meta.example.com', '169.254.169.254'],
      ['azure.example.com', '168.63.129.16'],
      ['azure64.example.com', '[64:ff9b::a83f:8110]'],
      ['alibaba.example.com', '100.100.100.200'],
      ['oracle.example.com', '192.0.0.192'],
      ['amazon6.example.com', '[fd00:ec2::254]'],
      ['google6.example.com', '[fd20:ce::254]'],
      ['own.example.com', addresses.ownPublic],
      ['mapped.example.com', '[::ffff:192.168.7.2]'],
      ['nat64.example.com', '[64:ff9b::c0a8:702]'],
    ])('an allowed name that leads where it must not: %s', async (name, address) => {
      const cell = newCell();
      for (const host of [name, address]) {
        for (const rules of ['*.example.com', 'internet,*.example.com,localhost:81']) {
          const run = await inside(['--net', rules], curl(`http://${host}/page?${cell}`));
          expect(run.status, `${rules} ${host}: ${run.out}${run.err}`).not.toBe(0);
        }
      }
      const control = newCell();
      if (!address.includes('64:ff9b')) {
        await network.outside(curl(`http://${name}/page?${control}`), { as, cwd });
        expect(await arrived(control)).toBe(true);
      }
      expect(network.requests(cell)).toEqual([]);
    });

    test('dial only what is allowed of a name that leads to several', async () => {
      const cell = newCell();
      const run = await inside(['--net', '*.example.com'], curl(`mixed.example.com/page?${cell}`));
      expect(run.status, run.err).toBe(0);
      expect(await arrived(cell)).toBe(true);
      expect(network.requests(cell).every((line) => line.includes(addresses.web))).toBe(true);
      expect(network.requests(cell)).toHaveLength(1);
    });

    test('a redirect to the LAN and to this host', async () => {
      for (const place of ['to-lan', 'to-host']) {
        const argv = curl(`http://www.example.com/${place}`, '-L', '-4');
        const before = network.requests('redirected').length;
        const run = await inside(['--net', 'internet'], argv);
        expect(run.status, run.err).not.toBe(0);
        await network.outside(argv, { as, cwd });
        expect(await arrived('redirected', before + 1)).toBe(true);
        expect(network.requests('redirected')).toHaveLength(before + 1);
      }
    });

    test('spellings of names and addresses', async () => {
      const cell = newCell();
      const good = ['WWW.Example.COM', 'www.example.com.'];
      for (const name of good) {
        const run = await inside(['--net', 'www.example.com'], curl(`http://${name}/page?${cell}`));
        expect(run.status, `${name}: ${run.err}`).toBe(0);
      }
      expect(await arrived(cell, good.length)).toBe(true);
      const other = newCell();
      const bad = [
        '3232237314',
        '0xc0.0xa8.7.2',
        '0300.0250.07.02',
        '192.168.1794',
        'other.example.net',
      ];
      for (const name of bad) {
        const run = await inside(
          ['--net', 'www.example.com'],
          curl(`http://${name}/page?${other}`),
        );
        expect(run.status, name).not.toBe(0);
      }
      expect(network.requests(other)).toEqual([]);
    });

    test('IPv6 where only IPv4 is allowed, another port, another protocol, and what is denied', async () => {
      const cell = newCell();
      const refused: [string, string][] = [
        [addresses.web, `http://[${addresses.web6}]/page?${cell}`],
        [`${addresses.web}:443`, `http://${addresses.web}/page?${cell}`],
        [`${addresses.web}:80/udp`, `http://${addresses.web}/page?${cell}`],
        ['other.example.net', `http://${addresses.web}/page?${cell}`],
        ['93.184.216.0/24', `http://${addresses.ownPublic}/page?${cell}`],
      ];
      for (const [rule, url] of refused) {
        expect((await inside(['--net', rule], curl(url))).status, rule).not.toBe(0);
      }
      const deny = ['--net', 'internet', '--net-deny', 'www.example.com,93.184.216.34'];
      for (const host of ['www.example.com', addresses.web]) {
        expect((await inside(deny, curl(`http://${host}/page?${cell}`))).status).not.toBe(0);
      }
      expect(network.requests(cell)).toEqual([]);
      const run = await inside(
        ['--net', `${addresses.web}:80/tcp`],
        curl(`http://${addresses.web}/page?${cell}`),
      );
      expect(run.status, run.err).toBe(0);
      expect(await arrived(cell)).toBe(true);
      expect(network.requests(cell)).toHaveLength(1);
    });

    test.each(['rewrite', 'swap-unix', 'swap-udp', 'swap-listen', 'again', 'fast-open', 'pass'])(
      'a socket that is led elsewhere: %s',
      async (mode) => {
        const cell = newCell();
        const argv = (name: string, by: string = mode) => [
          './netrace',
          by,
          addresses.web,
          addresses.lan,
          name,
        ];
        const run = await inside(['--net', addresses.web], argv(cell));
        expect(run.status, run.err).toBe(0);
        expect(run.out).toContain('reached 0');
        // It did have a connection to where it may.
        if (mode !== 'fast-open') expect(run.out).not.toContain('connected 0');
        const control = newCell();
        const outside = await network.outside(
          argv(control, mode === 'swap-listen' ? 'swap-listen-fresh' : mode),
          { as, cwd },
        );
        // The server ends the connection after the first of several requests.
        if (mode !== 'fast-open') expect(outside.out).not.toContain('reached 0');
        if (mode !== 'swap-listen') expect(await arrived(control)).toBe(true);
        expect(network.requests(cell)).toEqual([]);
      },
    );

    test('deny an address also in the form that NAT64 has for it', async () => {
      const url = (cell: string) => `http://[64:ff9b::5db8:d822]/page?${cell}`;
      const script = (cell: string) =>
        `getent ahosts www.example.com >/dev/null; ${curl(url(cell)).join(' ')}`;
      const run = (deny: string[], cell: string) =>
        inside(['--net', 'internet', ...deny], ['sh', '-c', script(cell)]);
      const cell = newCell();
      for (const deny of [addresses.web, '93.184.216.0/24', 'www.example.com:80']) {
        expect((await run(['--net-deny', deny], cell)).status, deny).not.toBe(0);
      }
      const control = newCell();
      expect((await run(['--net-deny', addresses.other], control)).status).toBe(0);
      expect(await arrived(control)).toBe(true);
      expect(network.requests(cell)).toEqual([]);
    });

    test('all of IPv6 is not IPv4 as well', async () => {
      const [cell, control] = [newCell(), newCell()];
      for (const host of [addresses.web, addresses.lan]) {
        const run = await inside(['--net', '::/0'], curl(`http://${host}/page?${cell}`));
        expect(run.status, host).not.toBe(0);
      }
      await inside(['--net', '::/0'], curl(`http://[${addresses.web6}]/page?${control}`));
      expect(await arrived(control)).toBe(true);
      expect(network.requests(cell)).toEqual([]);
    });

    test('groups of the LAN, joined by a connected socket', async () => {
      const code = `import socket, struct
group, source = socket.inet_aton('232.1.2.3'), socket.inet_aton('198.51.100.9')
def plain(text): return struct.pack('=HH4s120x', 2, 0, socket.inet_aton(text))
s = socket.create_connection(('${addresses.web}', 80))
t = socket.create_connection(('${addresses.web6}', 80))
any = socket.inet_aton('0.0.0.0')
six = struct.pack('=I4xHHI16sI100x', 0, 10, 0, 0, socket.inet_pton(10, 'ff15::2'), 0)
for socket_, level, option, value in [
    (s, 0, 39, group + any + source),
    (s, 0, 42, struct.pack('=I4x', 0) + plain('232.1.2.4')),
    (s, 0, 46, struct.pack('=I4x', 0) + plain('232.1.2.5') + plain('198.51.100.9')),
    (t, 41, 42, six)]:
    try: socket_.setsockopt(level, option, value); print('joined')
    except OSError as e: print('errno', e.errno)
print(open('/proc/net/igmp').read())`;
      const argv = ['/usr/bin/python3', '-c', code];
      const rules = `${addresses.web},[${addresses.web6}]`;
      const run = await inside(['--net', rules], argv);
      expect(run.out.match(/errno 1$/gm), run.out + run.err).toHaveLength(4);
      const control = await network.outside(argv, { as, cwd });
      expect(control.out.match(/joined/g), control.out + control.err).toHaveLength(4);
      // The host tells the LAN of these.
      expect(control.out).toContain('030201E8');
    });

    test('a program that has closed itself to other processes connects where a rule allows it', async () => {
      // The program is like ssh: its memory can be read, but its files in /proc are root's.
      const code = `import ctypes, socket
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
s = socket.create_connection(('${addresses.web}', 80), 20)
print('connected')`;
      const run = await inside(['--net', addresses.web], ['/usr/bin/python3', '-c', code]);
      expect([run.status, run.out], run.err).toEqual([0, 'connected\n']);
    });

    test('thousands of registrations do not keep the supervisor, and its time limit, waiting', async () => {
      // Each connection would have 2.5 million lines of /proc to be read for it, seconds each.
      const code = `import os, select, socket
r, w = os.pipe()
epoll = select.epoll()
for i in range(1600): epoll.register(os.dup(r), 1)
for i in range(1600): os.dup(epoll.fileno())
done = 0
for i in range(20):
    s = socket.socket()
    s.setblocking(False)
    epoll.register(s, 4)
    s.connect_ex(('${addresses.web}', 80))
    done += any(number == s.fileno() for number, event in epoll.poll(20))
    s.close()
print(done)`;
      const options = ['--net', addresses.web, '--timeout', '40s'];
      const run = await inside(options, ['/usr/bin/python3', '-c', code]);
      expect([run.status, run.out], run.err).toEqual([0, '20\n']);
    });

    test('raw and packet sockets, and what tells of the host’s interfaces', async () => {
      const code = `import socket, fcntl, struct
def attempt(name, act):
    try: act(); print(name, 'done')
    except OSError as e: print(name, 'errno', e.errno)
attempt('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt('packet', lambda: socket.socket(17, socket.SOCK_RAW, 0))
s = socket.create_connection(('${addresses.web}', 80))
attempt('interface', lambda: fcntl.ioctl(s, 0x8915, struct.pack('40s', b'here')))
attempt('device', lambda: s.setsockopt(1, 25, b'here'))
attempt('options', lambda: s.setsockopt(0, 4, bytes([131, 7, 4, 192, 168, 7, 2, 0])))`;
      const run = await inside(['--net', addresses.web], ['python3', '-c', code]);
      expect(run.out.match(/errno/g), run.out + run.err).toHaveLength(5);
    });
  });
});
