/**
 * What a report advises works: each option that a refusal names is given, and the refusal is gone. Where no option
 * is named, none is promised for what would fail a step later. The oracle is the second run's own account of refusals,
 * and for lookups what the supervisor was asked.
 */
import { describe, expect, it } from 'vitest';
import type { ReportRefusal, RunReport } from '../../src/index.js';
import { makeFront } from '../support/front.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

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

  it('a sandbox inside the sandbox is promised nothing: it could not mount', async () => {
    const refused = await refusals([], ['bwrap', '--ro-bind', '/', '/', 'true']);
    const namespaces = refused.filter(({ kind }) => kind === 'namespace');
    expect(namespaces.length).toBeGreaterThan(0);
    expect(namespaces.map(({ option }) => option)).toEqual(namespaces.map(() => undefined));
  });
});

/** Packets that are no questions, answers to be sent round, names without an end, thousands of names. */
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

it('packets that are no questions are survived, and nothing of them is printed raw', async () => {
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
  const front = makeFront(as);
  const argv = ['run', '--', 'python3', '-c', lookup('example.org')];
  for (const times of [1, 2]) {
    const run = await front.run(argv, { cwd });
    expect([times, run.err.includes('--net example.org')]).toEqual([times, true]);
  }
});
