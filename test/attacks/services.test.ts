/**
 * `--net localhost:PORT` leads to one port of this machine's loopback: by name and by address, over IPv4 and
 * IPv6, and to nothing else of it. The oracle is what the host's servers accept.
 */
import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

/** Tries each ADDRESS/PORT and prints what came back; a datagram for udp:ADDRESS/PORT. */
const client = `
import socket, sys
for target in sys.argv[1:]:
    kind, _, rest = target.rpartition('=')
    address, port = rest.rsplit('/', 1)
    try:
        if kind == 'udp':
            family = socket.AF_INET6 if ':' in address else socket.AF_INET
            s = socket.socket(family, socket.SOCK_DGRAM)
            s.sendto(b'datagram', (address, int(port)))
            print('sent')
            continue
        s = socket.create_connection((address, int(port)), timeout=20)
        print(s.makefile().read().strip() or 'nothing')
    except OSError as error:
        print('refused')
`;

interface Service {
  readonly port: number;
  readonly accepted: string[];
  close(): void;
}

/** A server on the given loopback addresses, at the same port of each. */
async function serve(text: string, addresses: readonly string[], wanted = 0): Promise<Service> {
  const accepted: string[] = [];
  const servers: Server[] = [];
  let port = wanted;
  for (const address of addresses) {
    const server = createServer((socket) => {
      accepted.push(socket.localAddress ?? '');
      socket.on('error', () => {});
      socket.end(text);
    });
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(port, address, done);
    });
    port = (server.address() as { port: number }).port;
    servers.push(server);
  }
  return {
    port,
    accepted,
    close: () => {
      for (const server of servers) server.close();
    },
  };
}

const ownAddress = (): string | undefined =>
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.internal === false && one.family === 'IPv4')?.address;

describe.each(identities())('services of this machine as $label', (as) => {
  let named: Service;
  let other: Service;
  beforeAll(async () => {
    named = await serve('named', ['127.0.0.1', '::1']);
    other = await serve('other', ['127.0.0.1', '::1']);
  });
  afterAll(() => {
    named.close();
    other.close();
  });

  const attempt = async (
    who: Identity,
    net: string,
    targets: readonly string[],
    more: readonly string[] = [],
  ): Promise<string[]> => {
    const args = ['run', '-q', '--discard', '--net', net, ...more];
    const command = ['--lang', 'python', '-c', client, ...targets];
    const run = await runWasbox([...args, ...command], { as: who, cwd: makeProject(who) });
    expect(run.status, run.err).toBe(0);
    return run.out.trim().split('\n');
  };

  test.each(['localhost', 'host'])('--net %s:PORT reaches that port and no other', async (name) => {
    const targets = ['localhost', '127.0.0.1', '::1', '::ffff:127.0.0.1'];
    const to = (port: number) => targets.map((one) => `${one}/${port}`);
    const all = [...to(named.port), ...to(other.port)];
    named.accepted.length = 0;
    other.accepted.length = 0;
    expect(await attempt(as, `${name}:${named.port}`, all)).toEqual([
      ...targets.map(() => 'named'),
      ...targets.map(() => 'refused'),
    ]);
    expect(named.accepted).toHaveLength(targets.length);
    expect(named.accepted).toContain('::1');
    expect(other.accepted).toEqual([]);
    // The control: the other port is there for who may use the host's network.
    expect(await attempt(as, 'host', to(other.port))).toEqual(targets.map(() => 'other'));
  });

  test('an address stands for itself, and a range for its ports', async () => {
    const { port } = named;
    const both = [`127.0.0.1/${port}`, `::1/${port}`];
    expect(await attempt(as, `127.0.0.1:${port}`, both)).toEqual(['named', 'refused']);
    expect(await attempt(as, `[::1]:${port}`, both)).toEqual(['refused', 'named']);
    const range = `localhost:${port}-${port}`;
    expect(await attempt(as, range, both)).toEqual(['named', 'named']);
    const denied = ['--net-deny', `localhost:${port}`];
    expect(await attempt(as, range, both, denied)).toEqual(['refused', 'refused']);
  });

  test('nothing beside it is this machine: other addresses of it, UDP, wide blocks', async () => {
    const everywhere = await serve('everywhere', ['0.0.0.0']);
    const { port } = everywhere;
    const own = ownAddress();
    const targets = ['127.0.0.2', '127.255.0.1', '0.0.0.0', ...(own === undefined ? [] : [own])];
    const all = targets.map((one) => `${one}/${port}`);
    const refused = all.map(() => 'refused');
    expect(await attempt(as, `localhost:${port}`, all)).toEqual(refused);
    const wide = ['0.0.0.0/0', '::/0', 'internet'];
    for (const rules of [wide.join(','), [...wide, `localhost:${other.port}`].join(',')]) {
      expect(await attempt(as, rules, [`127.0.0.1/${port}`, ...all])).toEqual([
        'refused',
        ...refused,
      ]);
    }
    expect(everywhere.accepted).toEqual([]);
    expect(await attempt(as, 'host', all)).toEqual(all.map(() => 'everywhere'));
    everywhere.close();
  });

  test('UDP to the same port stays in the sandbox', async () => {
    const got: string[] = [];
    const socket = createSocket('udp4', (message) => got.push(message.toString()));
    await new Promise<void>((done) => socket.bind(named.port, '127.0.0.1', done));
    const targets = [`udp=127.0.0.1/${named.port}`, `127.0.0.1/${named.port}`];
    expect(await attempt(as, `localhost:${named.port}`, targets)).toEqual(['sent', 'named']);
    expect(got).toEqual([]);
    // The control, on the same socket and after it: what was sent before has arrived by then.
    expect(await attempt(as, 'host', targets)).toEqual(['sent', 'named']);
    await expect.poll(() => got).toEqual(['datagram']);
    socket.close();
  });

  test('why names the port that a program looked for on its own loopback', async () => {
    const cwd = makeProject(as);
    const dial = `import socket; print(socket.create_connection(('localhost', ${named.port})).makefile().read())`;
    const command = ['--lang', 'python', '-c', dial];
    const asked = await runWasbox(['why', '--json', ...command], { as, cwd });
    const { lacks } = JSON.parse(asked.out) as { lacks: { option: string }[] };
    expect(lacks[0]?.option).toBe(`--net localhost:${named.port}`);
    const fixed = await runWasbox(['run', '--net', `localhost:${named.port}`, ...command], {
      as,
      cwd,
    });
    expect(fixed.out).toBe('named\n');
    // A port on which nothing listens, inside or outside, is not the sandbox's doing.
    const free = await serve('none', ['127.0.0.1']);
    free.close();
    const vain = dial.replace(String(named.port), String(free.port));
    const none = await runWasbox(['why', '--json', '--lang', 'python', '-c', vain], { as, cwd });
    expect(JSON.parse(none.out)).toMatchObject({ lacks: [] });
  });

  test('a port that is not named stays the sandbox’s own', async () => {
    const server = `
import socket, threading
s = socket.create_server(('127.0.0.1', ${other.port}))
def serve():
    c, _ = s.accept()
    c.sendall(b'inside'); c.close()
threading.Thread(target=serve, daemon=True).start()
print(socket.create_connection(('127.0.0.1', ${other.port})).makefile().read())
print(socket.create_connection(('127.0.0.1', ${named.port})).makefile().read())`;
    other.accepted.length = 0;
    const run = await runWasbox(
      [
        'run',
        '-v',
        '--discard',
        '--net',
        `localhost:${named.port}`,
        '--lang',
        'python',
        '-c',
        server,
      ],
      { as, cwd: makeProject(as) },
    );
    expect(run.out).toBe('inside\nnamed\n');
    expect(other.accepted).toEqual([]);
    expect(run.err).toContain(`127.0.0.1:${named.port} of this machine`);
  });
});
