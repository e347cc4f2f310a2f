import { describe, expect, it } from 'vitest';
import { readAddress } from '../../../src/native/decode/address.js';
import type { RefusalRecords, RefusedCall } from '../../../src/native/decode/records.js';
import { refusalLines } from '../../../src/report/refusal-lines.js';
import { type RefusalContext, reportRefusals } from '../../../src/report/refusals.js';

const bytes = (...parts: (number | string | readonly number[])[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : part)),
  );
const v6 = (...address: number[]) => readAddress(bytes([10, 0, 1, 187, 0, 0, 0, 0], address)).text;

describe('addresses', () => {
  it.each([
    [bytes([2, 0, 1, 187, 93, 184, 216, 34]), '93.184.216.34:443'],
    [bytes([1, 0], '/run/a b\u001b[m\0rest'), '"/run/a b\\x1b[m"'],
    [bytes([1, 0, 0], 'abstract'), '@abstract'],
    [bytes([1, 0]), 'unnamed unix socket'],
    [bytes([16, 0, 0, 0]), 'netlink'],
    [bytes([2, 0, 1]), 'an address of family 2'],
    [bytes([38, 0]), 'an address of family 38'],
    [bytes([1]), 'an address without a family'],
  ])('%s is %s', (given, text) => expect(readAddress(given).text).toBe(text));

  it('are written as RFC 5952 says in version 6', () => {
    const zeros = (n: number) => Array.from({ length: n }, () => 0);
    expect(v6(0x20, 1, 0xd, 0xb8, ...zeros(11), 1)).toBe('[2001:db8::1]:443');
    expect(v6(...zeros(16))).toBe('[::]:443');
    expect(v6(0, 1, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 4, 0, 5)).toBe('[1:0:2:3::4:5]:443');
    expect(v6(0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7)).toBe('[1:0:2:3:4:5:6:7]:443');
    expect(v6(...zeros(10), 255, 255, 10, 0, 0, 1)).toBe('[::ffff:10.0.0.1]:443');
  });
});

const call = (part: Partial<RefusedCall>): RefusedCall => ({
  call: 'mount',
  errno: 'EPERM',
  arguments: {},
  target: undefined,
  count: 1,
  ...part,
});
const path = (text: string) => ({ type: 'path', bytes: bytes(text), truncated: false }) as const;
const lines = (
  calls: readonly RefusedCall[],
  verbose = false,
  more: Partial<RefusalRecords> = {},
  context: Partial<RefusalContext> = {},
) => {
  const records = { watched: true, reason: undefined, calls, total: 9, dropped: 0, ...more };
  return refusalLines(
    reportRefusals(records, {
      builtin: true,
      guards: { files: [], terminal: false, sockets: false },
      ...context,
    }),
    verbose,
  );
};

describe('lines of refusals', () => {
  it('offer no --allow for what the guard of the network refuses', () => {
    const guarded = [
      call({ call: 'sendmsg', arguments: { flags: '0x20000000' }, errno: 'EOPNOTSUPP' }),
      call({ call: 'setsockopt', arguments: { level: 'SOL_TCP', optname: '30' } }),
      call({ call: 'ioctl', arguments: { request: 'SIOCGIFCONF' } }),
    ];
    for (const line of lines(guarded).slice(1)) {
      expect(line).toMatch(/^ {2}network .* — it .* this machine\. No option allows it$/);
    }
    const [, terminal] = lines([call({ call: 'ioctl', arguments: { request: 'TIOCSTI' } })]);
    expect(terminal).toContain('  terminal  ioctl');
  });

  it('name the command that teaches a learned profile, where that can help', () => {
    const learned = ['wasbox', 'learn', '-o', 'p.toml', '--', 'sh', '-c', 'a b'];
    const under = (...calls: RefusedCall[]) => lines(calls, false, {}, { builtin: false, learned });
    const verdict = { byDefault: true, guarded: false };
    const plain = call({ call: 'pipe2', verdict });
    const closed = { byDefault: false, guarded: false };
    expect(under(plain, call({ call: 'ptrace', verdict: closed }))).toEqual([
      'blocked:',
      '  call      pipe2 — the profile was learned without it. Allow with --allow pipe2',
      '  process   ptrace — it can read or control other processes. Allow with --allow ptrace',
      "  to add this run to the profile: wasbox learn -o p.toml -- sh -c 'a b'",
    ]);
    const many = ['wasbox', 'learn', '-o', 'p.toml', '-c', 'one\ntwo'];
    expect(lines([plain], false, {}, { builtin: false, learned: many }).at(-1)).toBe(
      '  to add this run to the profile: wasbox learn -o p.toml -c …',
    );
    expect(under(call({ call: 'ptrace' })).join()).not.toContain('wasbox learn');
    const own = lines([plain], false, {}, { builtin: false });
    expect(own.slice(1)).toEqual([
      '  call      pipe2 — your policy blocks it. Allow with --allow pipe2',
    ]);
  });

  it('name no more than what was refused, where only the user’s policy refuses it', () => {
    const verdict = { byDefault: true, guarded: false };
    const of = (name: string, args: Record<string, string>) =>
      lines([call({ call: name, arguments: args, verdict })], false, {}, { builtin: false })[1];
    expect(of('ioctl', { request: 'TIOCGWINSZ' })).toContain("'ioctl where request == TIOCGWINSZ'");
    expect(of('clone', { flags: 'CLONE_VM' })).toContain("'clone where flags & 0x7e020000 == 0'");
    expect(of('prctl', { option: '78' })).toContain("'prctl where option == 78'");
    // A guard refuses it, which no option changes.
    const guards = { files: [], terminal: true, sockets: false };
    const shared = { builtin: false, guards };
    const terminal = (guarded: boolean) => {
      const args = { request: guarded ? 'TCXONC' : 'TCGETS' };
      const one = call({ call: 'ioctl', arguments: args, verdict: { byDefault: true, guarded } });
      return lines([one], false, {}, shared)[1];
    };
    expect(terminal(true)).toContain('No option allows it');
    expect(terminal(false)).toContain('--allow');
  });

  it('a socket with Landlock isolation is told that a host can be named, not that nothing allows it', () => {
    const refused = call({ call: 'socket', arguments: { domain: 'AF_INET', type: 'SOCK_STREAM' } });
    const [, line] = lines([refused], false, {}, { isolation: 'landlock' });
    expect(line).toContain('the network is off');
    expect(line).toMatch(/Name the host to allow it: --net HOST$/);
    expect(line).not.toContain('No option');
  });

  it('put together what has the same cause and the same way out', () => {
    const targets = ['/a', '/b', '/c', '/d', '/e'].map((text) => call({ target: path(text) }));
    const [, line] = lines(targets);
    expect(line).toContain('mount /a, /b, /c and 2 more ×5 — ');
    expect(lines(targets, true)[1]).toContain('mount /a, /b, /c, /d, /e ×5 — ');
  });

  it('say that a name was to be looked up', () => {
    const dns = bytes([2, 0, 0, 53, 10, 0, 0, 2]);
    const target = { type: 'address', bytes: dns, truncated: false } as const;
    const [, line] = lines([call({ call: 'connect', errno: undefined, target, count: 3 })]);
    expect(line).toContain(
      'connect 10.0.0.2:53 ×3 — the network is off (it tried to look up a name: allow that with --net NAME). Allow with --net 10.0.0.2:53',
    );
  });

  it('name the rule for an address, for a few together, and never the whole internet for many', () => {
    const to = (last: number) => {
      const raw = bytes([2, 0, 1, 187, 192, 0, 2, last]);
      const target = { type: 'address', bytes: raw, truncated: false } as const;
      return call({ call: 'connect', errno: undefined, target });
    };
    const mapped = bytes([
      ...[10, 0, 0, 80, 0, 0, 0, 0, ...Array(10).fill(0), 255, 255, 192, 0, 2, 9],
      ...[0, 0, 0, 0],
    ]);
    const target = { type: 'address', bytes: mapped, truncated: false } as const;
    const line = (calls: RefusedCall[]) => lines(calls)[1]?.replace(/.*Allow with /, '');
    expect(line([to(1)])).toBe('--net 192.0.2.1:443');
    expect(line([to(1), to(2)])).toBe('--net 192.0.2.1:443,192.0.2.2:443');
    const many = [to(1), to(2), to(3), to(4)];
    expect(lines(many)[1]).toMatch(/Allow each by its name \(-v lists them\)$/);
    expect(lines(many, true)[1]).toContain(
      '--net 192.0.2.1:443,192.0.2.2:443,192.0.2.3:443,192.0.2.4:443',
    );
    expect(line([call({ call: 'connect', errno: undefined, target })])).toBe('--net 192.0.2.9:80');
  });

  it('show six kinds, and all with -v', () => {
    const calls = 'ptrace keyctl mount bpf acct chroot swapon reboot'.split(' ');
    const many = calls.map((name) => call({ call: name }));
    expect(lines(many)).toHaveLength(8);
    expect(lines(many).at(-1)).toBe('  and 2 more kinds (-v lists them)');
    const verbose = lines(many, true);
    expect(verbose).toHaveLength(10);
    expect(verbose.at(-1)).toMatch(/^not watched: files and directories that are hidden/);
    expect(lines([], true)).toEqual([verbose.at(-1)]);
    expect(lines([])).toEqual([]);
  });

  it('count what was not kept, and are silent where there is nothing', () => {
    expect(lines([call({})], false, { dropped: 7 }).at(-1)).toContain('7 more');
    expect(lines([])).toEqual([]);
    expect(lines([], false, { watched: false, reason: 'EBUSY' })).toEqual([]);
    expect(lines([], true, { watched: false, reason: 'EBUSY' }).join()).toContain('EBUSY');
  });

  it('quote a rule for the shell, and name no option for a number without a name', () => {
    const [, socket] = lines([
      call({ call: 'socket', arguments: { domain: 'AF_ALG', protocol: '0' } }),
    ]);
    expect(socket).toContain("Allow with --allow 'socket where domain == AF_ALG'");
    expect(lines([call({ call: 'call 999' })])[1]).toContain('No option allows it');
  });
});
