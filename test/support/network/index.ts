/**
 * A small internet for the tests, made of network namespaces and a veth pair: *here*, which stands
 * for the user's machine, and *there*, which has every kind of address and real servers behind
 * them. Making it needs root; wasbox then runs in it as whom the test likes.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../host.js';
import type { Identity } from '../identity.js';
import { type Ended, ended, type StartOptions, startProgram, wasboxArgv } from '../wasbox.js';
import { addresses } from './addresses.js';
import { prepareServers, startServers } from './servers.js';

export { freePort } from '../free-port.mjs';
export { addresses, names } from './addresses.js';

/** A process that holds a network and a mount namespace until its input ends. */
async function holdNamespaces(extra: readonly string[]): Promise<ChildProcess> {
  const script = 'mount -t tmpfs none /run && echo ready && exec cat';
  const child = spawn('unshare', ['--net', '--mount', ...extra, 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`unshare ended with ${code}`)));
  });
  return child;
}

/** The process inside, where `--fork` put one between. */
function innermost(pid: number): number {
  const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? pid : Number(children.split(' ')[0]);
}

const enter = (pid: number): string[] => [
  'nsenter',
  `--net=/proc/${pid}/ns/net`,
  `--mount=/proc/${pid}/ns/mnt`,
];

export class Network {
  /** Where the servers write what they saw. */
  readonly directory: string;
  readonly #here: ChildProcess;
  readonly #there: ChildProcess;

  private constructor(directory: string, here: ChildProcess, there: ChildProcess) {
    this.directory = directory;
    this.#here = here;
    this.#there = there;
  }

  /** Makes the network and starts its servers; `directory` must be empty and root's. */
  static async make(directory: string): Promise<Network> {
    if (process.getuid?.() !== 0) throw new Error('a test network can only be made by root');
    const here = await holdNamespaces([]);
    const there = await holdNamespaces(['--pid', '--fork', '--kill-child=KILL', '--mount-proc']);
    const network = new Network(directory, here, there);
    try {
      network.#link();
      prepareServers(directory);
      await startServers(network);
    } catch (error) {
      network.close();
      throw error;
    }
    return network;
  }

  get #herePid(): number {
    return this.#here.pid ?? 0;
  }
  get #therePid(): number {
    return innermost(this.#there.pid ?? 0);
  }

  #link(): void {
    const ip = (pid: number, ...args: string[]) =>
      execFileSync('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...args]);
    const [here, there] = [this.#herePid, this.#therePid];
    ip(there, 'link', 'add', 'there', 'type', 'veth', 'peer', 'name', 'here', 'netns', `${here}`);
    for (const [pid, name, list] of [
      [here, 'here', addresses.here],
      [there, 'there', addresses.there],
    ] as const) {
      ip(pid, 'link', 'set', 'lo', 'up');
      // Without duplicate address detection, IPv6 addresses count at once.
      ip(pid, 'link', 'set', name, 'up', 'addrgenmode', 'eui64');
      for (const address of list) {
        const flags = address.includes(':') ? ['nodad'] : [];
        ip(pid, 'address', 'add', address, 'dev', name, ...flags);
      }
    }
    ip(there, 'route', 'add', addresses.ownPublic, 'dev', 'there');
    ip(here, 'route', 'add', 'default', 'via', addresses.gateway);
    ip(here, '-6', 'route', 'add', 'default', 'via', addresses.gateway6);
    const resolv = join(this.directory, 'resolv.conf');
    fs.writeFileSync(resolv, `nameserver ${addresses.resolver}\noptions timeout:2 attempts:2\n`);
    fs.chmodSync(this.directory, 0o755);
    execFileSync('nsenter', [
      `--mount=/proc/${here}/ns/mnt`,
      ...['mount', '--bind', resolv, fs.realpathSync('/etc/resolv.conf')],
    ]);
  }

  /** argv that runs a program as root on the servers' side. */
  there(argv: readonly string[]): string[] {
    // The program is in the pid namespace, too: it ends with the namespace.
    return [...enter(this.#therePid), `--pid=/proc/${this.#therePid}/ns/pid`, ...argv];
  }

  /** argv that runs a program on the user's side, as the identity; to be started as root. */
  here(as: Identity, cwd: string, argv: readonly string[]): string[] {
    const user = ['setpriv', '--reuid', `${as.uid}`, '--regid', `${as.gid}`, '--clear-groups'];
    const who = as.uid === 0 ? [] : user;
    return [...enter(this.#herePid), `--wdns=${cwd}`, ...who, ...argv];
  }

  start(argv: readonly string[], options: StartOptions): ChildProcess {
    const cwd = options.cwd ?? options.as.scratch;
    const root: Identity = { ...options.as, uid: 0, gid: 0 };
    return startProgram(this.here(options.as, cwd, argv), { ...options, as: root, cwd: '/' });
  }

  /** Runs a program on the user's side without a sandbox. */
  outside(argv: readonly string[], options: StartOptions): Promise<Ended> {
    return ended(this.start(argv, options), options);
  }

  /** Runs `wasbox run` with these arguments on the user's side. */
  wasbox(args: readonly string[], options: StartOptions): Promise<Ended> {
    return this.outside(wasboxArgv(options.as, ['run', ...args]), options);
  }

  /**
   * Returns what servers have written: `access.log` (side, client, server's address, host, path, status of
   * each request), `udp.log` (server's address and text of each datagram), `dns.log` (of dnsmasq).
   */
  lines(log: 'access.log' | 'udp.log' | 'dns.log'): string[] {
    const text = fs.readFileSync(join(this.directory, log), 'utf8');
    return text.split('\n').filter((line) => line !== '');
  }

  /** Requests that any web server of the network has logged and that contain the text. */
  requests(text: string): string[] {
    return this.lines('access.log').filter((line) => line.includes(text));
  }

  /** Waits until a server listens on a TCP port of a side. */
  async listening(side: 'here' | 'there', port: number): Promise<void> {
    const pid = side === 'here' ? this.#herePid : this.#therePid;
    const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const sockets = () =>
      ['tcp', 'tcp6'].flatMap((name) =>
        fs.readFileSync(`/proc/${pid}/net/${name}`, 'utf8').trim().split('\n').slice(1),
      );
    const found = await eventually(() =>
      sockets().some((line) => {
        const fields = line.trim().split(/\s+/);
        return fields[3] === '0A' && (fields[1] ?? '').endsWith(hex);
      }),
    );
    if (!found) throw new Error(`nothing listens on port ${port} (${side})`);
  }

  close(): void {
    for (const one of [this.#here, this.#there]) one.stdin?.end();
    this.#there.kill('SIGKILL');
    this.#here.kill('SIGKILL');
  }
}
