/**
 * Programs behind each kind of network: as outside where it is allowed, and nothing at all, by the
 * server's own log, where it is not.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identities, underRoot } from '../../support/identity.js';
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
describe.runIf(underRoot)('clients', () => {
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

  // Root hides little here: the sockets are the same.
  const everyone =
    process.env.WASBOX_MATRIX === 'all'
      ? identities()
      : identities().filter((one) => one.uid !== 0);
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
      if (!client.unlogged) expect(network.requests(outsideCell)).not.toEqual([]);
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
          expect(network.requests(cell).length > 0, said).toBe(reaches);
        }
      }
    });
  });
});
