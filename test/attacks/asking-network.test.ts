/**
 * Attacks on questions about the network (33, 36), with rules and with the network off: what was
 * shown is what is reached, by TCP, by UDP and by name. The oracle is what servers of the host saw.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { program, type Told, told } from '../support/asking.js';
import { ownAddress } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { libraryArgv } from '../support/library-child.js';
import { needs } from '../support/needs.js';
import { addresses, Network } from '../support/network/index.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

const host = ownAddress();

/** Servers of the host's, with the same port for both protocols; what each has been sent. */
async function servers() {
  const seen = { tcp: 0, udp: 0 };
  const tcp = createServer((socket) => {
    seen.tcp += 1;
    socket.on('error', () => {});
    socket.end('hello');
  }).listen(0, '0.0.0.0');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4').bind(port, '0.0.0.0');
  udp.on('message', (_text, { port: from, address }) => {
    seen.udp += 1;
    udp.send('pong', from, address);
  });
  await once(udp, 'listening');
  onTestFinished(() => {
    tcp.close();
    udp.close();
  });
  return { seen, port };
}

/** Dials by TCP, then by UDP, then a port without a server. */
const dials = (port: number) => `
import socket
def attempt(kind, port):
    s = socket.socket(type=kind)
    s.settimeout(60)
    try:
        s.connect(('${host}', port))
        if kind == socket.SOCK_DGRAM: s.send(b'ping')
        print(s.recv(9).decode())
    except OSError as error: print(error.strerror)
    return s
s = attempt(socket.SOCK_STREAM, ${port})
attempt(socket.SOCK_DGRAM, ${port})
attempt(socket.SOCK_STREAM, 1)
try:
    s.connect(('127.0.0.1', ${port}))
    print('again')
except OSError: print('no')
`;

const python = (code: string, options = {}) => ({
  ...{ lang: 'python', code },
  ...options,
});

describe.each(identities())('destinations that are asked about, as $label', (as) => {
  test.each([
    ['the network off', {}, 'Network is unreachable'],
    ['rules', { net: ['example.com'] }, 'Permission denied'],
  ])('with %s: what is allowed is reached, and nothing else', async (_name, net, refusal) => {
    const { seen, port } = await servers();
    const cwd = makeProject(as);
    const options = python(dials(port), net);
    const careful = `return question.kind === 'network' && question.port === ${port} ? 'allow' : 'deny'`;
    const run = await told(as, cwd, program([''], careful, options));
    const there = [`connect to ${host}:${port}`, `send UDP to ${host}:${port}`];
    expect(run.asked).toEqual([...there, `connect to ${host}:1`]);
    expect(run.stdout).toBe(`hello\npong\n${refusal}\nno\n`);
    expect(seen).toEqual({ tcp: 1, udp: 1 });
    const never = await told(as, cwd, program([''], `return 'deny'`, options));
    expect(never.stdout).toMatch(new RegExp(`^${refusal}\n.+\n${refusal}\nno\n$`));
    expect(seen).toEqual({ tcp: 1, udp: 1 });
    // A destination that is denied beforehand is not asked about.
    const denied = { ...options, netDeny: [`${host}:${port}`] };
    const ruled = await told(as, cwd, program([''], `return 'allow'`, denied));
    expect(ruled.asked).toEqual([`connect to ${host}:1`]);
    expect(ruled.stdout).toMatch(/^Permission denied\n.+\nConnection refused\nno\n$/);
    expect(seen).toEqual({ tcp: 1, udp: 1 });
  });

  test.each([
    ['the network off', {}],
    ['rules', { net: ['example.com'] }],
  ])('with %s: a thread that changes the address gets what was shown', async (_name, net) => {
    const [good, bad] = [await servers(), await servers()];
    const cwd = makeProject(as);
    const race = `
import ctypes, random, socket, struct, sys, threading
sys.setswitchinterval(0.00001)
libc = ctypes.CDLL(None)
ends = [struct.pack('<H', 2) + struct.pack('>H', port) + socket.inet_aton('${host}') + bytes(8) for port in (${good.port}, ${bad.port})]
address = ctypes.create_string_buffer(ends[0], 16)
over = False
def change():
    while not over: ctypes.memmove(address, random.choice(ends), 16)
thread = threading.Thread(target=change)
for end in ends:
    with socket.socket() as s: libc.connect(s.fileno(), end, 16)
thread.start()
for _ in range(60):
    with socket.socket() as s: libc.connect(s.fileno(), address, 16)
over = True
thread.join()
for i in range(20):
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        ctypes.memmove(address, ends[i % 2], 16)
        libc.sendto(s.fileno(), b'x', 1, 0, address, 16)
        ctypes.memmove(address, ends[1 - i % 2], 16)
        s.settimeout(0.01)
        try: s.recv(1)
        except OSError: pass
`;
    const options = python(race, net);
    const careful = `return question.port === ${good.port} ? 'allow' : 'deny'`;
    const run = await told(as, cwd, program([''], careful, options));
    expect(run.exitCode).toBe(0);
    expect(good.seen.tcp).toBeGreaterThan(0);
    expect(bad.seen).toEqual({ tcp: 0, udp: 0 });
    expect(run.asked).toContain(`connect to ${host}:${bad.port}`);
    expect(run.asked).toContain(`send UDP to ${host}:${bad.port}`);
    // The control: if both are allowed, both are reached.
    await told(as, cwd, program([''], `return 'allow-run'`, options));
    expect(bad.seen.tcp).toBeGreaterThan(0);
    expect(bad.seen.udp).toBeGreaterThan(0);
  });

  test('a question that no call waits for ends with the run', async () => {
    const cwd = makeProject(as);
    const code = `
import socket
s = socket.socket(type=socket.SOCK_DGRAM)
s.sendto(b'x', ('${host}', 9))
print('sent')
`;
    const text = program([''], 'return new Promise(() => {})', python(code, { askTimeoutMs: 0 }));
    const run = await told(as, cwd, text);
    expect(run).toMatchObject({ stdout: 'sent\n', exitCode: 0 });
    expect(run.withdrawn).toBe(run.asked.length);
  });

  test('a kernel that hands no connections over: the network is off, and that is said', async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'deny', cwd);
    const { seen, port } = await servers();
    const code = `import socket; socket.create_connection(('${host}', ${port}))`;
    const run = ['run', '--ask', '--discard', '--lang', 'python', '-c', code];
    const createRuleset = ['./deny', '444', '38', '-'];
    const argv = ['setsid', '-w', ...createRuleset, ...wasboxArgv(as, run)];
    const old = await runProgram(argv, { as, cwd });
    expect(old.err).toContain('the network is off, and --ask cannot ask about it: Landlock is off');
    expect(old.err).toContain('Network is unreachable');
    expect(seen.tcp).toBe(0);
  });
});

// Names take a resolver, and with it a network that only root can make; wasbox runs as the user.
needs('root').describe('names that are asked about', () => {
  let network: Network;
  let directory = '';
  let cwd = '';
  const as = () => ordinaryUser();
  beforeAll(async () => {
    directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-asking-'));
    network = await Network.make(directory);
    cwd = makeProject(as(), {}, 'asking');
  });
  afterAll(() => {
    network?.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  const ask = async (command: readonly string[], answer: string): Promise<Told> => {
    const argv = libraryArgv(as(), program(command, answer));
    const run = await network.outside(argv, { as: as(), cwd });
    expect(run.err).toBe('');
    return JSON.parse(run.out) as Told;
  };
  const page = (name: string, cell: string) => ['curl', '-s', `http://${name}/page?${cell}`];

  test('are asked about once each; a denied name sends no query', async () => {
    const cell = `asked${process.pid}`;
    const run = await ask(page('www.example.com', `${cell}a`), `return 'allow-run'`);
    expect(run.asked[0]).toBe('look up the name www.example.com');
    expect(new Set(run.asked.slice(1))).toEqual(new Set(['connect to www.example.com:80']));
    expect(run.exitCode).toBe(0);
    expect(network.requests(`${cell}a`)).toHaveLength(1);

    const name = `${cell}.example.com`;
    const queries = () => network.lines('dns.log').filter((line) => line.includes(name));
    const denied = await ask(page(name, `${cell}b`), `return 'deny'`);
    expect(denied.asked).toEqual([`look up the name ${name}`]);
    expect(queries()).toEqual([]);
    await ask(page(name, `${cell}b`), `return 'allow'`);
    expect(queries()).not.toEqual([]);
  });

  test('a name that was allowed allows no other port, and no address of this host', async () => {
    const cell = `port${process.pid}`;
    const names = `return question.protocol === 'lookup' ? 'allow-run' : 'deny'`;
    const run = await ask(page('www.example.com', cell), names);
    expect(run.asked).toContain('connect to www.example.com:80');
    expect(network.requests(cell)).toEqual([]);
    const own = await ask(page('own.example.com', cell), `return 'allow-run'`);
    expect(own.asked).toEqual(['look up the name own.example.com']);
    // The control: by its number that address is asked about as what it is.
    const direct = await ask(page(addresses.ownPublic, cell), `return 'deny'`);
    expect(direct.asked).toEqual([`connect to ${addresses.ownPublic}:80`]);
  });
});
