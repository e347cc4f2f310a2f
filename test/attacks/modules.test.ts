/**
 * Attack 57: sockets, upper-layer protocols and ioctl requests for which the kernel loads a module. Each is made for
 * real, inside, and where the kernel answers: in the same sandbox with these calls allowed, and without its filter.
 * Many kernels lack the module and give the very errno of the filter, so whether a call was refused before the kernel
 * saw it is asked of the supervisor, which hears of each refusal but those with ENOTTY; these have another errno in
 * the control.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';
import { weakenedArgv } from '../support/weaken.js';

const [STREAM, DGRAM, RAW, RDM, SEQPACKET, DCCP] = [1, 2, 3, 4, 5, 6];
const [EPERM, ENOTTY, ENOPROTOOPT, EPROTONOSUPPORT] = [1, 25, 92, 93];
/** SOCK_CLOEXEC | SOCK_NONBLOCK, and bits that the kernel does not read. */
const flags = 0x80800;
const high = 2 ** 32;

type Row = readonly [what: string, errno: number, kind: string, ...args: (number | string)[]];

const families: Readonly<Record<string, number>> = {
  ax25: 3,
  x25: 9,
  key: 15,
  packet: 17,
  rds: 21,
  pppox: 24,
  llc: 26,
  can: 29,
  tipc: 30,
  bluetooth: 31,
  rxrpc: 33,
  phonet: 35,
  ieee802154: 36,
  caif: 37,
  alg: 38,
  nfc: 39,
  vsock: 40,
  kcm: 41,
  qipcrtr: 42,
  smc: 43,
  xdp: 44,
  mctp: 45,
};

const internet: readonly (readonly [string, type: number, protocol: number])[] = [
  ['SCTP', STREAM, 132],
  ['SCTP, one to many', SEQPACKET, 132],
  ['SCTP with flags', STREAM | flags, 132],
  ['SCTP with high bits', STREAM, high + 132],
  ['whatever is SOCK_SEQPACKET', SEQPACKET, 0],
  ['whatever is SOCK_RDM', RDM, 0],
  ['DCCP', DCCP, 33],
  ['L2TP', DGRAM, 115],
  ['UDP-Lite', DGRAM, 136],
  ['SMC as a protocol', STREAM, 256],
  ['MPTCP', STREAM, 262],
];

const rows: readonly Row[] = [
  ...internet.flatMap(([what, type, protocol]): Row[] => [
    [`${what}, IPv4`, EPROTONOSUPPORT, 'socket', 2, type, protocol],
    [`${what}, IPv6`, EPROTONOSUPPORT, 'socket', 10, type, protocol],
  ]),
  ...Object.entries(families).flatMap(([name, family]): Row[] =>
    [STREAM, DGRAM, RAW, SEQPACKET].map((type) => [
      `${name}, type ${type}`,
      EPERM,
      'socket',
      family,
      type,
      0,
    ]),
  ),
  ['netlink of the crypto module', EPERM, 'socket', 16, RAW, 21],
  ['netlink of SCSI, IPv4', EPERM, 'socket', 16, RAW, 18],
  ['netlink of connections, high bits', EPERM, 'socket', high + 16, RAW | flags, 4],
  ['a pair of TIPC', EPERM, 'socketpair', 30, STREAM, 0],
  ['tls above TCP', ENOPROTOOPT, 'ulp', 'tls'],
  ['smc above TCP', ENOPROTOOPT, 'ulp', 'smc'],
  ['espintcp above TCP', ENOPROTOOPT, 'ulp', 'espintcp'],
  ['a bridge', ENOTTY, 'ioctl', 0x8940],
  ['a bridge to be made', ENOTTY, 'ioctl', 0x89a0],
  ['a VLAN', ENOTTY, 'ioctl', 0x8982],
];

/** Makes each row's call and prints its errno, or `made`. */
const program = `import ctypes, json, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    ctypes.set_errno(0)
    done = getattr(libc, name)(*[ctypes.c_ulong(a) if isinstance(a, int) else a for a in args])
    return 'made' if done >= 0 else ctypes.get_errno()
syscall = lambda number, *args: call('syscall', number, *args)
s = socket.socket(); l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(); s.connect(l.getsockname())
pair = (ctypes.c_int * 2)()
numbers = dict(x86_64=(41, 53), aarch64=(198, 199))[__import__('os').uname().machine]
for kind, *args in json.loads(sys.argv[1]):
    if kind == 'socket': done = syscall(numbers[0], *args)
    if kind == 'socketpair': done = syscall(numbers[1], *args, pair)
    if kind == 'ulp': done = call('setsockopt', s.fileno(), 6, 31, args[0].encode(), len(args[0]))
    if kind == 'ioctl': done = call('ioctl', s.fileno(), args[0], ctypes.create_string_buffer(4096))
    print(done)`;

describe.each(identities())('calls that load modules, as $label', (as) => {
  let inside: string[];
  let unfiltered: string[];
  let heard: number;
  let allowed: string[];
  let heardAllowed: number;

  beforeAll(async () => {
    const cwd = makeProject(as);
    const calls = JSON.stringify(rows.map(([, , ...call]) => call));
    const args = ['--json', '--discard', '--', 'python3', '-c', program, calls];
    const opened = ['socket', 'socketpair', 'setsockopt', 'ioctl'];
    const options = opened.flatMap((call) => ['--allow', call]);
    // Node's pipes are sockets, which bring net-guard.policy along.
    const piped = (name: string, argv: readonly string[]) => {
      const script = `"$@" < /dev/null 2> ${name} | cat; cat ${name} >&2`;
      return runProgram(['sh', '-c', script, 'sh', ...argv], { as, cwd });
    };
    const [run, open, weak] = await Promise.all([
      piped('run', wasboxArgv(as, ['run', ...args])),
      piped('open', wasboxArgv(as, ['run', ...options, ...args])),
      piped('weak', weakenedArgv(as, ['seccomp'], args)),
    ]);
    const total = ({ err }: { err: string }) =>
      (JSON.parse(err) as RunReport).refusals?.total ?? Number.NaN;
    [inside, allowed, unfiltered] = [run, open, weak].map(({ out }) =>
      out.trimEnd().split('\n'),
    ) as [string[], string[], string[]];
    heard = total(run);
    heardAllowed = total(open);
  });

  test.each(rows.map((row, at) => [...row.slice(0, 2), at] as [string, number, number]))(
    '%s is refused with %d',
    (_, errno, at) => {
      expect(inside[at]).toBe(String(errno));
      // The supervisor does not see such a request: the kernel answers differently.
      if (errno === ENOTTY) expect(unfiltered[at]).not.toBe(String(errno));
    },
  );

  test('each is refused by the filter, before the kernel sees it', () => {
    expect(inside).toHaveLength(rows.length);
    expect(heard).toBe(rows.filter(([, errno]) => errno !== ENOTTY).length);
  });

  test('reach the kernel without the filter, which answers all of them', () => {
    expect(unfiltered).toHaveLength(rows.length);
    expect(allowed).toEqual(unfiltered);
    expect(heardAllowed).toBe(0);
    // Every kernel has these: it makes some, and refuses others in its own words.
    expect(unfiltered.filter((answer, at) => answer !== inside[at]).length).toBeGreaterThan(20);
  });
});
