/**
 * Programs behind each kind of network: as outside where it is allowed, and nothing at all, by the
 * server's own log, where it is not.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../../src/report/index.js';
import { eventually } from '../../support/host.js';
import { identities, ordinaryUser } from '../../support/identity.js';
import { needs } from '../../support/needs.js';
import { Network } from '../../support/network/index.js';
import { makeProject } from '../../support/project.js';
import { type Client, clientFiles, clients, pageText } from './clients.js';

const host = 'www.example.com';
const modes = [
  { mode: 'none', reaches: false },
  { mode: 'host', reaches: true },
  { mode: 'internet', reaches: true },
  { mode: host, reaches: true },
  { mode: 'other.example.net', reaches: false },
];

let cells = 0;
const newCell = () => `cell${process.pid}x${++cells}`;

// The network is made of namespaces that only root can join; wasbox runs as both in it.
needs('root').describe('clients', () => {
  let network: Network;
  let directory = '';
  beforeAll(async () => {
    directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-network-'));
    network = await Network.make(directory);
  });
  afterAll(() => {
    network?.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  test('the report tells who went where, and its options work when run again', async () => {
    const as = ordinaryUser();
    const cwd = makeProject(as);
    const run = async (net: string, urls: readonly string[]) => {
      const curl = urls.map((url) => `curl -s -m 9 http://${url}`).join('; ');
      const args = ['--discard', '--net', net, '--json', '--', 'sh', '-c', curl];
      const { out, err } = await network.wasbox(args, { as, cwd });
      return { out, reached: (JSON.parse(err) as RunReport).network?.destinations ?? [] };
    };
    const name = 'v4.example.com';
    const net = `${name},absent.example.com`;
    const cell = newCell();
    const urls = ['other.example.net', '93.184.216.35', '[2606:2800:220:2::10]', 'lan.example.com'];
    const closed = urls.map((url) => `${url}/page?${cell}`);
    const first = await run(net, [`${name}/page`, 'absent.example.com', ...closed]);
    expect(first.out).toBe(`${pageText}\n`);
    expect(network.requests(cell)).toEqual([]);
    expect(first.reached).toContainEqual({
      ...{ protocol: 'tcp', allowed: true, name, address: '93.184.216.34', port: 80 },
      ...{ count: 1, pid: expect.any(Number), process: 'curl' },
    });
    const absent = first.reached.find((one) => one.name === 'absent.example.com');
    expect(absent).toMatchObject({ protocol: 'lookup', allowed: false });
    expect(absent).not.toHaveProperty('option');
    const refused = first.reached.filter(({ allowed }) => !allowed);
    expect(refused.map(({ option }) => option)).toEqual([
      undefined,
      `--net ${net},other.example.net`,
      `--net ${net},93.184.216.35:80`,
      `--net '${net},[2606:2800:220:2::10]:80'`,
      `--net ${net},lan.example.com`,
    ]);
    for (const [index, url] of closed.entries()) {
      const option = refused[index + 1]?.option?.replace(/^--net |'/g, '') ?? '';
      const again = await run(option, [url]);
      // The LAN's address has to be named as well, which the next report tells.
      const address = again.reached.find(({ allowed }) => !allowed)?.option;
      const last = address === undefined ? again : await run(address.slice('--net '.length), [url]);
      expect(last.out, option).toBe(`${pageText}\n`);
    }
  });

  // Root hides little here: the sockets are the same.
  const everyone = process.env.WASBOX_MATRIX === 'all' ? identities() : [ordinaryUser()];
  describe.each(everyone)('as $label', (as) => {
    let cwd = '';
    beforeAll(() => {
      cwd = makeProject(as, clientFiles(directory), 'clients');
      fs.chmodSync(join(cwd, 'user_key'), 0o600);
    });

    const variables = (client: Client) =>
      Object.entries(client.env ?? {}).flatMap(([name, value]) => ['--env', `${name}=${value}`]);

    test.concurrent.each(clients)('$name', async (client) => {
      const prints = client.prints ?? pageText;
      const outsideCell = newCell();
      const outside = await network.outside(client.argv({ host, cell: outsideCell }), {
        as,
        cwd,
        env: client.env,
      });
      expect(outside.status, outside.err).toBe(0);
      expect(outside.out).toContain(prints);
      // The log follows the answer.
      const logged = (cell: string) => eventually(() => network.requests(cell).length > 0);
      if (!client.unlogged) expect(await logged(outsideCell)).toBe(true);
      for (const { mode, reaches } of modes) {
        const cell = newCell();
        const args = ['-q', '--discard', '--net', mode, ...variables(client), '--'];
        const inside = await network.wasbox([...args, ...client.argv({ host, cell })], { as, cwd });
        const said = `--net ${mode}: status ${inside.status}\n${inside.out}${inside.err}`;
        expect(inside.out.includes(prints), said).toBe(reaches);
        expect([null, 124, 125, 126, 127], said).not.toContain(inside.status);
        if (reaches) {
          expect(inside.status, said).toBe(outside.status);
          if (!client.varies) expect(inside.out, said).toBe(outside.out);
        }
        if (!client.unlogged) {
          expect(reaches ? await logged(cell) : network.requests(cell).length > 0, said).toBe(
            reaches,
          );
        }
      }
    });
  });
});
