/**
 * UDP with rules: every datagram arrives as it was sent, and no device of the host is needed for it.
 * Where the kernel refuses the way out, the run says so, and everything else works.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identities, ordinaryUser } from '../../support/identity.js';
import { type Echo, startEcho } from '../../support/network/echo.js';
import { addresses, Network } from '../../support/network/index.js';
import { pageText } from '../../support/network/servers.js';
import { compilePayload } from '../../support/payload.js';
import { makeProject } from '../../support/project.js';
import { type Ended, wasboxArgv } from '../../support/wasbox.js';

const port = 4433;

/** Sends datagrams of each size to both addresses, and some that the kernel cuts out of one call. */
const exchange = `
import socket
def attempt(what, action):
    try:
        print(what, action())
        return True
    except OSError as error:
        print(what, error.strerror or type(error).__name__)
def back(s, data):
    s.send(data)
    return len(s.recv(70000))
for family, address in (socket.AF_INET, '${addresses.web}'), (socket.AF_INET6, '${addresses.web6}'):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(9)
    if not attempt('connect', lambda: s.connect((address, ${port}))): continue
    for size in 0, 1, 1200, 1500, 9000, 65507 if family == socket.AF_INET else 65487:
        attempt(size, lambda: back(s, bytes(size)))
    SOL_UDP, UDP_SEGMENT = 17, 103
    s.setsockopt(SOL_UDP, UDP_SEGMENT, 1200)
    attempt('segments', lambda: s.send(bytes(12 * 1200 - 7)))
    attempt('back', lambda: sorted(len(s.recv(70000)) for _ in range(12)))
`;

import { needs } from '../../support/needs.js';

/** Runs a command as an ordinary user of a namespace that may have so many network namespaces. */
const limited = (namespaces: number) => [
  ...['unshare', '--user', '--map-root-user', 'sh', '-c'],
  `echo ${namespaces} > /proc/sys/user/max_net_namespaces
   exec unshare --user --map-user=1000 --map-group=1000 "$@"`,
  'sh',
];

// The network is made of namespaces that only root can join; wasbox runs as both in it.
needs('root').describe('UDP with rules', () => {
  let network: Network;
  let directory = '';
  let echo: Echo;
  beforeAll(async () => {
    directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-udp-'));
    network = await Network.make(directory);
    echo = await startEcho(network, port, [addresses.web, addresses.web6]);
  });
  afterAll(() => {
    network?.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  /** Returns what the program said, and what the server was sent meanwhile. */
  async function sent(run: () => Promise<Ended>) {
    echo.forget();
    const { out, err, status } = await run();
    expect(status, err).toBe(0);
    return { out, arrived: echo.lines().sort() };
  }

  describe.each(identities())('as $label', (as) => {
    const cwd = () => makeProject(as, { 'it.py': exchange });
    const run = (directory: string, net: string) =>
      network.wasbox(['-q', '--discard', '--net', net, 'it.py'], { as, cwd: directory });

    test('datagrams of all sizes go out and back as without a sandbox', async () => {
      const place = cwd();
      const outside = await sent(() => network.outside(['python3', 'it.py'], { as, cwd: place }));
      expect(outside.arrived).toHaveLength(2 * (6 + 12));
      for (const net of ['internet', `${addresses.web}:${port}/udp,[${addresses.web6}]/udp`])
        expect(await sent(() => run(place, net)), net).toEqual(outside);
    });

    test('sends nothing that no rule allows', async () => {
      const { out, arrived } = await sent(() => run(cwd(), 'other.example.net'));
      expect(arrived).toEqual([]);
      expect(out.match(/No route to host|Permission denied/g)?.length).toBeGreaterThanOrEqual(12);
    });

    test('no device of the host is opened', async () => {
      const place = cwd();
      const trace = join(place, 'trace');
      const argv = ['strace', '-f', '-e', 'trace=%file', '-o', trace];
      const wasbox = wasboxArgv(as, ['run', '-q', '--discard', '--net', 'internet', 'it.py']);
      const options = { as, cwd: place };
      const { out } = await sent(() => network.outside([...argv, ...wasbox], options));
      expect(out).toContain('65507 65507\n');
      const opened = fs.readFileSync(trace, 'utf8');
      expect(opened).toContain('/proc/self/uid_map'); // by init, which makes the network
      expect(opened).not.toContain('net/tun');
    });
  });

  test('without a way out only UDP is missing, which is said', async () => {
    const as = ordinaryUser();
    const place = makeProject(as, {
      'it.sh': `curl -sS -m 20 http://www.example.com/page
        getent ahostsv4 www.example.com | head -n 1; getent ahostsv6 www.example.com | head -n 1
        python3 it.py`,
      'it.py': exchange,
    });
    const options = { as, cwd: place };
    const within = (namespaces: number, args: readonly string[]) =>
      network.outside([...limited(namespaces), ...wasboxArgv(as, args)], options);
    const args = ['run', '--discard', '--json', '--net', 'internet', 'sh', 'it.sh'];
    const names = `${addresses.web} +STREAM.*\n${addresses.web6} +STREAM.*\n`;
    const [less, enough] = [await within(1, args), await within(64, args)];
    for (const { out } of [less, enough]) expect(out).toMatch(new RegExp(`^${pageText}\n${names}`));
    expect(less.out).not.toContain('1200 1200');
    expect(less.out.match(/Network is unreachable/g)?.length).toBe(2);
    expect(JSON.parse(less.err).network.udp).toMatch(
      /^UDP reaches only the resolver: the limit on network namesp/,
    );
    expect(enough.out).toContain('1200 1200');
    expect(JSON.parse(enough.err).network.udp).toBeUndefined();

    // Where a rule is about UDP, nothing starts.
    const rule = ['run', '--discard', '--net', `${addresses.web}/udp`, 'sh', 'it.sh'];
    const refused = await within(1, rule);
    expect([refused.status, refused.out]).toEqual([125, '']);
    expect(refused.err).toContain('a rule allows UDP, but UDP cannot leave the sandbox');

    const doctor = JSON.parse((await within(64, ['doctor', '--json'])).out);
    const found = doctor.findings.find(({ name }: { name: string }) => name.includes('--net'));
    expect(found).toMatchObject({ verdict: 'good' });
  });

  const x86 = process.arch === 'x64';
  test.each([
    ['packet sockets', x86 ? 41 : 198, 97, '0:17', 'this kernel has no packet sockets'],
    [
      'a second network',
      x86 ? 272 : 97,
      1,
      `0:${0x40000000}`,
      'cannot create a second network namespace',
    ],
    [
      'a look at the first',
      x86 ? 16 : 29,
      25,
      `1:${0x894c}`,
      'cannot create a second network namespace',
    ],
    ['the way back', x86 ? 308 : 268, 1, '-', undefined],
  ])('a machine that refuses %s', async (_, call, errno, which, why) => {
    const as = ordinaryUser();
    const cwd = makeProject(as);
    compilePayload(as, 'deny', cwd);
    const page = ['curl', '-sS', '-m', '20', 'http://www.example.com/page'];
    const wasbox = wasboxArgv(as, ['run', '-v', '--discard', '--net', 'internet', '--', ...page]);
    const argv = [join(cwd, 'deny'), `${call}`, `${errno}`, which, ...wasbox];
    const { status, out, err } = await network.outside(argv, { as, cwd });
    // Init may stay in the far network only if it ends there.
    expect([status, out]).toEqual(why === undefined ? [125, ''] : [0, `${pageText}\n`]);
    expect(err).toContain(why ?? 'this machine cannot enforce network rules');
  });
});
