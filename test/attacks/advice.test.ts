/**
 * Tests that what a report advises works: each option that a refusal names is given, and the refusal is gone. Where no
 * option is named, none is promised for what would fail a step later. The oracle is the second run's own account of
 * refusals, and for lookups what the supervisor was asked.
 */
import { describe, expect, it } from 'vitest';
import type { ReportRefusal, RunReport } from '../../src/index.js';
import { makeFastpath } from '../support/fastpath.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

const lookup = (name: string) =>
  `import socket
try: socket.getaddrinfo(${JSON.stringify(name)}, 443)
except OSError: pass`;

const connect = `import socket
for to in ("192.0.2.1", 443), ("198.51.100.7", 80):
    s = socket.socket(); s.settimeout(0.2)
    try: s.connect(to)
    except OSError: pass`;

const call = (number: string) => `import ctypes
ctypes.CDLL(None).syscall(${number})`;

const programs: readonly (readonly [what: string, argv: readonly string[]])[] = [
  ['a name', ['python3', '-c', lookup('example.org')]],
  ['addresses', ['python3', '-c', connect]],
  ['a user namespace', ['unshare', '-U', 'true']],
  ['a tracer', ['strace', '-o', '/dev/null', 'true']],
  ['a key', ['python3', '-c', call('250, 0, 0, 0')]],
  ['fanotify', ['python3', '-c', call('300, 0, 0')]],
  ['personality', ['python3', '-c', call('135, 0x0400000')]],
];

const same = (a: ReportRefusal, b: ReportRefusal): boolean =>
  a.call === b.call &&
  a.target === b.target &&
  JSON.stringify(a.arguments) === JSON.stringify(b.arguments);

/** The words of an option as a shell splits them. */
const words = (option: string): string[] =>
  [...option.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

describe.each(identities())('as $label', (as) => {
  const cwd = makeProject(as);
  const refusals = async (options: readonly string[], argv: readonly string[]) => {
    const run = await runWasbox(['run', '--json', '--discard', ...options, '--', ...argv], {
      as,
      cwd,
    });
    const report = JSON.parse(run.err.slice(run.err.indexOf('{'))) as RunReport;
    return report.refusals?.calls ?? [];
  };

  /** The command that `wasbox why` would run again. */
  const offered = async (argv: readonly string[]) => {
    const { out } = await runWasbox(['why', '--json', '--', ...argv], { as, cwd });
    return (JSON.parse(out) as { readonly fixed?: string }).fixed;
  };

  it.each(programs)('%s: each option that is named makes its refusal go', async (_, argv) => {
    const refused = await refusals([], argv);
    expect(refused.length).toBeGreaterThan(0); // else nothing was tried
    const advised = refused.filter(({ option }) => option !== undefined);
    expect(advised.length).toBeGreaterThan(0);
    for (const one of advised) {
      const again = await refusals(words(one.option ?? ''), argv);
      expect(
        again.filter((other) => same(one, other)),
        one.option,
      ).toEqual([]);
      // Control: an option that has nothing to do with it leaves the refusal.
      const control = await refusals(['--allow', 'lookup_dcookie'], argv);
      expect(
        control.some((other) => same(one, other)),
        one.option,
      ).toBe(true);
    }
  });

  it('a name is advised by name, and its server is not', async () => {
    const run = await runWasbox(
      ['run', '--discard', '--', 'python3', '-c', lookup('Host.Example.org')],
      {
        as,
        cwd,
      },
    );
    expect(run.err).toContain('lookup host.example.org');
    expect(run.err).toContain('--net host.example.org');
    expect(run.err).not.toContain(':53');
    expect(run.err).not.toContain('--net internet');
  });

  it.each(['internet', 'host', 'none', '*.example.org', '10.0.0.0/8', 'a.example,internet'])(
    'a program that looks up %j gets no advice that opens more than that name',
    async (name) => {
      // A query of its own: the resolver of libc refuses some of these names.
      const program = `import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
server = [l.split()[1] for l in open("/etc/resolv.conf") if l.startswith("nameserver")]
q = struct.pack(">HHHHHH", 7, 256, 1, 0, 0, 0)
for part in ${JSON.stringify(name)}.split("."): q += bytes([len(part)]) + part.encode()
try:
    s.connect((server[0] if server else "192.0.2.53", 53)); s.send(q + bytes(1) + struct.pack(">HH", 1, 1)); s.recv(512)
except OSError: pass`;
      const refused = await refusals([], ['python3', '-c', program]);
      const options = refused.map(({ option }) => option ?? '');
      expect(refused.length).toBeGreaterThan(0);
      for (const rule of options.flatMap((text) => words(text).slice(1).join(',').split(','))) {
        expect(['internet', 'host', '*.example.org', '10.0.0.0/8']).not.toContain(rule);
      }
      const again = await offered(['python3', '-c', `${program}\nraise SystemExit(1)`]);
      expect(again ?? '').not.toMatch(/--net (internet|host)/);
    },
  );

  it('a path with a colon is not advised as PATH:DEST', async () => {
    const outside = makeProject(as, { 'x:y/secret': 'text' }, 'outside');
    const refused = await refusals(['--audit'], ['cat', `${outside}/x:y/secret`]);
    const option = refused.find(({ target }) => target?.includes('x:y'))?.option ?? '';
    expect(option).toContain('\\:');
    expect(await refusals(['--audit', ...words(option)], ['cat', `${outside}/x:y/secret`])).toEqual(
      [],
    );
  });

  it('a sandbox inside the sandbox is promised nothing: it could not mount', async () => {
    const refused = await refusals([], ['bwrap', '--ro-bind', '/', '/', 'true']);
    const namespaces = refused.filter(({ kind }) => kind === 'namespace');
    expect(namespaces.length).toBeGreaterThan(0);
    expect(namespaces.map(({ option }) => option)).toEqual(namespaces.map(() => undefined));
  });

  // Chromium and what is built on it make this call first, then unshare, then chroot, which no option advises.
  it('a browser is told what helps it, and `why` does not offer what does not', async () => {
    const argv = ['python3', '-c', `${call('56, 0x10000011, 0, 0, 0, 0')}\nraise SystemExit(1)`];
    const [refused] = await refusals([], argv);
    expect(refused).toMatchObject({ call: 'clone', arguments: { flags: 'CLONE_NEWUSER' } });
    expect(refused?.proviso).toContain('--no-sandbox');
    expect(await offered(argv)).toBeUndefined();
    // The option that is named is for this call alone: other namespaces stay refused.
    const named = words(refused?.option ?? '');
    expect(await refusals(named, argv)).toEqual([]);
    const other = ['python3', '-c', call('56, 0x50000011, 0, 0, 0, 0')];
    expect(await refusals(named, other)).toMatchObject([{ call: 'clone' }]);
    // Controls: an option that helps is offered, and every flag is open without a condition.
    expect(await offered(['strace', '-o', '/dev/null', 'true'])).toContain('--allow');
    expect(await refusals(['--allow', 'clone'], other)).toEqual([]);
  });
});

/** Makes calls of libc and prints, for each, whether it was made. */
const calls = (...list: string[]) => `import ctypes
libc = ctypes.CDLL(None, use_errno=True); two = (ctypes.c_int * 2)(); room = ctypes.create_string_buffer(256)
for name, *args in [${list.join(', ')}]:
    print(name, 'made' if getattr(libc, name)(*args) != -1 else 'refused')`;

/** Uses that the default policy allows: a policy that refuses them is all that is in the way. */
const ordinary = [
  "('ioctl', two, 0x5421, two)",
  "('ioctl', 1, 0x5424, two)", // TIOCGETD: ENOTTY of a pipe, once it is allowed
  "('prctl', 3)",
  "('prctl', 39)",
  "('socket', 1, 1, 0)",
  "('socket', 2, 2, 0)",
  "('socketpair', 1, 2, 0, two)",
  "('unshare', 0x200)",
  "('personality', 0xffffffff)",
  "('mkdir', b'made', 0o700)",
  "('getpriority', 0, 0)",
];
/** Uses that the kernel refuses as well, or that something beside the policy does. */
const closed = [
  "('ioctl', 0, 0x5412, room)",
  "('prctl', 35, 1, 1, 0, 0)",
  "('socket', 17, 3, 0)",
  "('socket', 2, 3, 1)",
  "('unshare', 0x20000)",
  "('mount', 0, b'/tmp', 0, 32, 0)",
  "('socketpair', 2, 1, 0, two)",
  "('sethostname', b'x', 1)",
];
/** Uses that the default policy refuses, and the kernel does not. */
const opened = [
  "('ioctl', 0, 0x540c)", // TIOCEXCL
  "('ioctl', 3, 0x40086602, room)", // FS_IOC_SETFLAGS
  "('prctl', 78, 3, 0, 0, 0)", // PR_FUTEX_HASH
  "('socket', 2, 1, 132)",
  "('socket', 10, 5, 0)",
  "('socket', 16, 3, 12)",
  "('socket', 16, 3, 21)",
  "('socket', 43, 1, 0)",
  "('socket', 38, 5, 0)",
  "('setsockopt', 3, 6, 31, b'tls', 3)",
];

describe.each(identities())('under a policy, as $label', (as) => {
  const own =
    'target x86_64, aarch64\ndeny ioctl prctl socket socketpair setsockopt unshare personality mkdir getpriority\ninclude "default"\n';
  const cwd = makeProject(as, { 'own.policy': own });
  const python = (list: readonly string[]) => ['/usr/bin/python3', '-c', calls(...list)];
  /** The streams are pipes: Node's own are sockets, which bring net-guard.policy along. */
  const refusals = async (options: readonly string[], argv: readonly string[]) => {
    const run = ['run', '--json', '--discard', ...options, '--', ...argv];
    const script = '{ "$@" < /dev/null 2>&1 >&3 | cat >&2; } 3>&1 | cat';
    const { out, err } = await runProgram(['sh', '-c', script, 'sh', ...wasboxArgv(as, run)], {
      as,
      cwd,
    });
    const report = JSON.parse(err.slice(err.indexOf('{\n'))) as RunReport;
    return { out, calls: report.refusals?.calls ?? [] };
  };
  const profile = async () => {
    await runWasbox(['learn', '-q', '-o', 'learned.toml', '--', ...python(["('getpid',)"])], {
      as,
      cwd,
    });
    return ['--profile', './learned.toml'];
  };
  const under: readonly (readonly [what: string, options: () => Promise<string[]>])[] = [
    ['the built-in policy', async () => []],
    ['a policy of one’s own', async () => ['--policy', 'own.policy']],
    ['a learned profile', profile],
  ];

  it.each(under)('%s: an option is named where it helps, and only there', async (what, get) => {
    const options = await get();
    const list = [...ordinary, ...closed, ...opened];
    const first = await refusals(options, python(list));
    const advised = first.calls.filter(({ option }) => option !== undefined);
    // Something is said of each use: by the default policy those that it refuses.
    const builtin = options.length === 0;
    expect(first.calls.length).toBeGreaterThanOrEqual(builtin ? 15 : 24);
    for (const { option } of advised) expect(option).toMatch(/^--allow \S+( where .+)?/);
    const all = advised.flatMap(({ option }) => words(option ?? ''));
    const again = await refusals([...options, ...all], python(list));
    const still = first.calls.filter((one) => again.calls.some((other) => same(one, other)));
    expect(still.map(({ option }) => option)).toEqual(still.map(() => undefined));
    // Each by itself: no other option makes the refusal go.
    for (const one of advised.slice(0, 6)) {
      const [, ...rest] = [...new Set(advised.map(({ option }) => option))].sort((a) =>
        a === one.option ? -1 : 1,
      );
      const others = rest.flatMap((option) => words(option ?? ''));
      const control = await refusals([...options, ...others], python(list));
      expect(
        control.calls.some((other) => same(one, other)),
        one.option,
      ).toBe(true);
    }
    // The control: of those without an option, the call allowed as a whole is refused all the same.
    const whole = [...new Set(closed.map((line) => /'(\w+)'/.exec(line)?.[1] ?? ''))];
    const open = await refusals(
      [...options, ...whole.flatMap((call) => ['--allow', call])],
      python(closed),
    );
    expect(open.out.match(/refused/g)).toHaveLength(closed.length);
    const unhelped = closed.length;
    expect(first.calls.filter(({ option }) => option === undefined).length, what).toBe(unhelped);
  });
});

/** Packets that are not questions, answers to be sent round, names without an end, thousands of names. */
const hostile = `import os, random, socket
random.seed(7)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("192.0.2.53", 53)); s.settimeout(0.01)
head = lambda flags, count: b"\\1\\2" + flags + count.to_bytes(2, "big") + bytes(6)
label = lambda t: bytes([len(t)]) + t
packets = [b"", b"x", head(b"\\x80\\0", 1) + label(b"answer") + b"\\0\\0\\1\\0\\1",
  head(b"\\1\\0", 0), head(b"\\1\\0", 9), head(b"\\1\\0", 1) + b"\\x3f" + b"a" * 20,
  head(b"\\1\\0", 1) + b"\\xc0\\x0c", head(b"\\1\\0", 1) + label(b"a" * 60) * 8,
  head(b"\\1\\0", 1) + label(b"\\x1b[31m\\n") + b"\\0\\0\\1\\0\\1"]
packets += [os.urandom(random.randrange(600)) for _ in range(500)]
packets += [head(b"\\1\\0", 1) + label(b"n%d" % i) + b"\\0\\0\\1\\0\\1" for i in range(2000)]
for p in packets:
    try: s.send(p)
    except OSError: pass
print("sent")`;

it('survives packets that are not questions, and prints none of their bytes raw', async () => {
  const as = ordinaryUser();
  const cwd = makeProject(as);
  const run = await runWasbox(['run', '-v', '--', 'python3', '-c', hostile], { as, cwd });
  expect([run.status, run.out]).toEqual([0, 'sent\n']);
  expect(run.err).toContain('lookup');
  expect(run.err).not.toContain('\u001b[31m');
  expect(run.err).not.toContain('lookup answer');
});

it('a start without Node tells names as well', async () => {
  const as = ordinaryUser();
  const cwd = makeProject(as);
  const fastpath = makeFastpath(as);
  const argv = ['run', '--', 'python3', '-c', lookup('example.org')];
  for (const times of [1, 2]) {
    const run = await fastpath.run(argv, { cwd });
    expect([times, run.err.includes('--net example.org')]).toEqual([times, true]);
  }
});
