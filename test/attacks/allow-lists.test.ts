/**
 * Tests what leads around an allow list: every kind of address, racing threads, datagrams, odd resolvers.
 * The oracle is what servers on all of these addresses wrote down; the control is the same program
 * outside, which reaches them. network.test.ts has the ways of a single socket.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { addresses, Network } from '../support/network/index.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';

let cells = 0;
const newCell = () => `attack${process.pid}x${++cells}`;

// The network is made of namespaces that only root can join; wasbox runs as the user in it.
needs('root').describe('around an allow list', () => {
  let network: Network;
  let directory = '';
  let cwd = '';
  const as = () => ordinaryUser();
  beforeAll(async () => {
    directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-network-'));
    network = await Network.make(directory);
    cwd = makeProject(as(), {}, 'network');
    compilePayload(as(), 'network', cwd);
  });
  afterAll(() => {
    network?.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  const outside = (argv: readonly string[]) => network.outside(argv, { as: as(), cwd });
  const inside = async (options: readonly string[], argv: readonly string[]) => {
    const run = await network.wasbox(['-q', '--discard', ...options, '--', ...argv], {
      as: as(),
      cwd,
    });
    expect([null, 124, 125, 126], `${run.out}${run.err}`).not.toContain(run.status);
    return run;
  };
  const curl = (url: string, ...options: string[]) => ['curl', '-s', '-m', '20', ...options, url];

  /** Where `internet` must not lead, and names that lead there. */
  const closed = [
    ...['127.0.0.1', '[::1]', addresses.ownPublic, addresses.ownLan, '[fd00:7::10]'],
    ...['[2606:2800:220:2::10]', addresses.lan, '10.11.12.13', '172.16.9.9', '100.64.0.9'],
    ...[addresses.metadata, '[fd00:7::2]', '[64:ff9b::c0a8:702]', '[::ffff:192.168.7.2]'],
    ...['0.0.0.0', '2130706433', '0x7f000001', '127.1', '0300.0250.7.2'],
    ...['loop.example.com', 'lan.example.com', 'meta.example.com', 'own.example.com'],
    ...['mapped.example.com', 'nat64.example.com', 'near.example.com'],
    ...[addresses.neighbour, `[${addresses.neighbour6}]`],
  ];

  describe.each([
    ['internet', ['--net', 'internet']],
    ['a wildcard', ['--net', '*.example.com']],
  ])('%s', (_name, options) => {
    test('leads to no address of this host, its LAN or beyond them', async () => {
      const tried = closed.map((host) => ({ host, cell: newCell() }));
      const script = tried.map(({ host, cell }) =>
        curl(`http://${host}/page?${cell}`, '-m', '3')
          .map((word) => `'${word}'`)
          .join(' '),
      );
      // A few at a time: many are a crowd, which is put behind everybody else.
      for (let n = 0; n < script.length; n += 7) {
        const some = script.slice(n, n + 7);
        await inside(options, ['sh', '-c', some.join(' & ').concat(' & wait')]);
      }
      const reached = tried.filter(({ cell }) => network.requests(cell).length > 0);
      expect(reached.map(({ host }) => host)).toEqual([]);
    });

    test('leads to what it names', async () => {
      const cell = newCell();
      await inside(options, curl(`http://www.example.com/page?${cell}`));
      expect(network.requests(cell)).toHaveLength(1);
    });

    test('follows no redirect to the LAN or the host', async () => {
      for (const path of ['to-lan', 'to-host']) {
        const before = network.requests('redirected').length;
        await inside(options, curl(`http://www.example.com/${path}`, '-L'));
        expect(network.requests('redirected')).toHaveLength(before);
      }
    });
  });

  test('outside, all of these are reached, and redirects are followed', async () => {
    // These two curl refuses, or the kernel does, on some systems.
    const some = closed.filter((host) => !/^(0\.0\.0\.0|\[::ffff|mapped)/.test(host));
    for (const host of some) {
      const cell = newCell();
      const run = await outside(curl(`http://${host}/page?${cell}`));
      // The log follows the answer.
      const logged = await eventually(() => network.requests(cell).length === 1);
      expect(logged, `${host} ${run.status} ${run.err}`).toBe(true);
    }
    const before = network.requests('redirected').length;
    for (const path of ['to-lan', 'to-host']) {
      await outside(curl(`http://www.example.com/${path}`, '-L'));
    }
    const logged = () => network.requests('redirected').length === before + 2;
    expect(await eventually(logged)).toBe(true);
  });

  describe.each([
    ['internet', addresses.lan],
    ['internet', addresses.ownPublic],
    [addresses.web, addresses.other],
  ])('with --net %s, %s', (mode, bad) => {
    const reached = () =>
      network.lines('access.log').filter((line) => line.split(' ')[2] === bad).length +
      network.lines('udp.log').filter((line) => line === `${bad} attack`).length;
    const ways = ['connect-race', 'descriptor-race', 'datagram-race', 'retarget', 'fast-open'];

    test.each([...ways, 'raw', 'passed-on', 'listener'])('%s does not reach', async (way) => {
      const before = reached();
      await inside(['--net', mode], ['./network', way, addresses.web, bad, '1']);
      expect(reached()).toBe(before);
    });

    test.each(ways.concat('passed-on'))('%s outside does', async (way) => {
      const before = reached();
      // A race is not won at each try.
      for (let tries = 0; tries < 20 && reached() === before; tries++) {
        await outside(['./network', way, addresses.web, bad, '1']);
      }
      expect(reached()).toBeGreaterThan(before);
    });
  });

  test('the allowed address is reached while a thread rewrites it', async () => {
    const reached = () =>
      network.lines('access.log').filter((line) => line.split(' ')[2] === addresses.web).length;
    const before = reached();
    const run = await inside(
      ['--net', addresses.web],
      ['./network', 'connect-race', addresses.web, addresses.other, '1'],
    );
    expect(Number(run.out)).toBeGreaterThan(0);
    expect(reached()).toBeGreaterThan(before);
  });

  describe('names', () => {
    test.each(['WWW.EXAMPLE.COM', 'www.example.com.', 'wWw.eXample.cOm.'])(
      '%s is what the list means by it',
      async (name) => {
        const [good, wrong] = [newCell(), newCell()];
        await inside(['--net', 'www.example.com'], curl(`http://${name}/page?${good}`));
        await inside(['--net', 'other.example.net'], curl(`http://${name}/page?${wrong}`));
        expect(network.requests(good)).toHaveLength(1);
        expect(network.requests(wrong)).toEqual([]);
      },
    );

    test('a name that is not on the list is not asked for', async () => {
      const label = newCell();
      const ask = ['dig', '+tries=1', '+time=2', `${label}.example.net`];
      await inside(['--net', 'www.example.com'], ask);
      const asked = () => network.lines('dns.log').filter((line) => line.includes(label));
      expect(asked()).toEqual([]);
      await outside(ask);
      expect(asked()).not.toEqual([]);
    });

    test('localhost and the sandbox’s own name lead to the sandbox without a query', async () => {
      const label = newCell();
      const dig = `dig +short ${label}.localhost localhost wasbox; dig +short AAAA wasbox`;
      const ask = ['sh', '-c', `${dig}; getent ahostsv4 $(hostname) | head -n 1`];
      const run = await inside(['--net', 'www.example.com'], ask);
      const lines = run.out.trim().split('\n');
      expect(lines.slice(0, 4)).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1', '::1']);
      expect(lines[4]).toMatch(/^127\.0\.0\.1\s/);
      const asked = () => network.lines('dns.log').filter((line) => line.includes(label));
      expect(asked()).toEqual([]);
      await outside(['dig', '+tries=1', '+time=2', `${label}.localhost`]);
      expect(asked()).not.toEqual([]);
    });

    test('an address of another name on the same server is not reached by its number', async () => {
      const [byName, byOther] = [newCell(), newCell()];
      const script = `${curl(`http://www.example.com/page?${byName}`).join(' ')}; ${curl(`http://${addresses.other}/page?${byOther}`).join(' ')}`;
      await inside(['--net', 'www.example.com'], ['sh', '-c', script]);
      expect(network.requests(byName)).toHaveLength(1);
      expect(network.requests(byOther)).toEqual([]);
    });

    test('an allowed name that turns to the host is not followed there', async () => {
      const [first, second] = [newCell(), newCell()];
      const script = `${curl(`http://turn.odd.test/page?${first}`, '-4').join(' ')}; sleep 1.5; ${curl(`http://turn.odd.test/page?${second}`, '-4').join(' ')}`;
      await inside(['--net', 'turn.odd.test'], ['sh', '-c', script]);
      const where = (cell: string) => network.requests(cell).map((line) => line.split(' ')[2]);
      expect(where(first)).not.toContain(addresses.ownLan);
      expect(where(second)).not.toContain(addresses.ownLan);
      const third = newCell();
      await outside(curl(`http://turn.odd.test/page?${third}`, '-4'));
      expect(where(third)).toEqual([addresses.ownLan]);
    });

    test.each(['silent', 'slow', 'loop', 'many', 'foreign', 'short', 'pointer'])(
      'a resolver that answers %s ends nothing',
      async (kind) => {
        const cell = newCell();
        const script = `${curl(`http://${kind}.odd.test/page?${cell}`, '-m', '5').join(' ')}; curl -s -m 9 http://www.example.com/page?${cell}`;
        const run = await inside(
          ['--net', `${kind}.odd.test,www.example.com`],
          ['sh', '-c', script],
        );
        expect(run.status).toBe(0);
        expect(network.requests(cell).some((line) => line.includes('www.example.com'))).toBe(true);
        expect(network.requests(cell).map((line) => line.split(' ')[2])).not.toContain(
          addresses.other,
        );
      },
    );
  });

  test('only IPv4 allowed: nothing over IPv6, and the other way round', async () => {
    const cells = [newCell(), newCell(), newCell(), newCell()] as const;
    const url = (cell: string) => `http://www.example.com/page?${cell}`;
    await inside(['--net', addresses.web], curl(`http://[${addresses.web6}]/page?${cells[0]}`));
    await inside(['--net', addresses.web], curl(`http://${addresses.web}/page?${cells[1]}`));
    await inside(['--net', `[${addresses.web6}]`], curl(url(cells[2]), '-4'));
    await inside(
      ['--net', `[${addresses.web6}]`],
      curl(`http://[${addresses.web6}]/page?${cells[3]}`),
    );
    expect(cells.map((cell) => network.requests(cell).length)).toEqual([0, 1, 0, 1]);
  });

  test('a port that was not named', async () => {
    const [plain, secure] = [newCell(), newCell()];
    const script = `${curl(`http://${addresses.web}/page?${plain}`).join(' ')}; ${curl(`https://${addresses.web}/page?${secure}`, '-k').join(' ')}`;
    await inside(['--net', `${addresses.web}:443`], ['sh', '-c', script]);
    expect(network.requests(plain)).toEqual([]);
    expect(network.requests(secure)).toHaveLength(1);
  });

  test('--net-deny takes away from what --net gives', async () => {
    const [denied, other] = [newCell(), newCell()];
    const options = ['--net', 'internet', '--net-deny', 'www.example.com'];
    await inside(options, curl(`http://www.example.com/page?${denied}`));
    await inside(options, curl(`http://other.example.net/page?${other}`));
    expect(network.requests(denied)).toEqual([]);
    expect(network.requests(other)).toHaveLength(1);
  });

  test('an empty list means no network', async () => {
    const cell = newCell();
    const run = await network.wasbox(
      ['--discard', '--net', '', '--', ...curl(`http://${addresses.web}/page?${cell}`)],
      { as: as(), cwd },
    );
    expect(run.status).toBe(125);
    expect(network.requests(cell)).toEqual([]);
  });
});
