/**
 * Attacks on who reads the sandbox's packets: a program sends whatever the kernel lets it. The
 * supervisor goes on answering it, and what no rule allows has not arrived anywhere.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../src/report/index.js';
import { identities } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { type Echo, startEcho } from '../support/network/echo.js';
import { addresses, Network } from '../support/network/index.js';
import { makeProject } from '../support/project.js';
import { weakenedArgv } from '../support/weaken.js';

const port = 4433;
const payload = fileURLToPath(new URL('payloads/packets.py', import.meta.url));

needs('root').describe('packets of every kind', () => {
  let network: Network;
  let echo: Echo;
  let directory = '';
  beforeAll(async () => {
    directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-packets-'));
    network = await Network.make(directory);
    echo = await startEcho(network, port, [addresses.web, addresses.web6, addresses.lan]);
  });
  afterAll(() => {
    network?.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  test.each(identities())('as $label', async (as) => {
    const cwd = makeProject(as, { 'packets.py': fs.readFileSync(payload) });
    const rules = `${addresses.web},[${addresses.web6}]`;
    const { web, web6, lan } = addresses;
    const program = ['packets.py', `${port}`, web, web6, lan];
    const args = ['--discard', '--json', '--net', rules, ...program];
    echo.forget();
    const { status, out, err } = await network.wasbox(args, { as, cwd });
    expect(status, err).toBe(0);
    expect(out.match(/^answered$/gm)).toHaveLength(2);
    const places = echo.lines().map((line) => line.split(' ')[0]);
    expect(new Set(places)).toEqual(new Set([web, web6]));
    // The control: outside it gets there.
    const one =
      "import socket, sys; s = socket.socket(type=2); s.connect((sys.argv[1], int(sys.argv[2]))); s.send(b'x'); s.recv(9)";
    await network.outside(['python3', '-c', one, lan, `${port}`], { as, cwd });
    expect(echo.lines()).toContain(`${lan} 1`);
    const { network: told } = JSON.parse(err) as RunReport;
    const allowed = told?.destinations.filter((one) => one.allowed) ?? [];
    for (const { address } of allowed) expect([web, web6]).toContain(address);
    expect(told?.destinations.some((one) => !one.allowed && one.protocol === 'udp')).toBe(true);
  });

  /** Says what came of each way to the packets of others, or to another network. */
  const reach = `
import socket
def attempt(what, action):
    try: print(what, 'done', action())
    except OSError as error: print(what, error.errno)
for family in socket.AF_PACKET, socket.AF_INET, socket.AF_INET6:
    attempt(f'raw {family}', lambda: socket.socket(family, socket.SOCK_RAW, 255).close())
def request(kind, body):
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.send(struct.pack('=IHHII', 16 + len(body), kind, 5, 1, 0) + body)
    error = -struct.unpack('=i', s.recv(4096)[16:20])[0]
    if error: raise OSError(error, '')
import struct
RTM_NEWLINK, RTM_DELLINK, index = 16, 17, 100
link = lambda flags, change: struct.pack('=BxHiII', 0, 0, index, flags, change)
attempt('mtu', lambda: request(RTM_NEWLINK, link(0, 0) + struct.pack('=HHI', 8, 4, 1500)))
attempt('home', lambda: request(RTM_NEWLINK, link(0, 0) + struct.pack('=HHI', 8, 19, 1)))
attempt('delete', lambda: request(RTM_DELLINK, link(0, 0)))
`;
  test.each(identities())(
    'not raw ones, nor the device that they leave by, as $label',
    async (as) => {
      const cwd = makeProject(as, { 'reach.py': reach });
      const args = ['-q', '--discard', '--net', 'internet', 'reach.py'];
      const { out } = await network.wasbox(args, { as, cwd });
      expect(out).toMatch(/^raw 17 \d+\nraw 2 \d+\nraw 10 \d+\nmtu 1\nhome 1\ndelete 1\n$/);
      const weak = await network.outside(weakenedArgv(as, ['capabilities'], args), { as, cwd });
      // The control: with capabilities the device is changed. The policy does not cover raw sockets either.
      expect(weak.out).toMatch(/^raw 17 \d+\nraw 2 \d+\nraw 10 \d+\n/);
      expect(weak.out.match(/^(mtu|home|delete) done/gm)).toHaveLength(3);
    },
  );
});
