import { describe, expect, it } from 'vitest';
import type { ReachedDestination } from '../../../src/native/decode/records.js';
import { networkLines, reportNetwork } from '../../../src/report/network.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const mapped = (...ipv4: number[]) =>
  Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...ipv4]);

const reached = (part: Partial<ReachedDestination>): ReachedDestination => ({
  ...{ protocol: 'tcp', verdict: 'allowed', name: '', address: mapped(93, 184, 216, 34) },
  ...{ port: 443, pid: 7, process: bytes('curl'), count: 1, bytes: 0 },
  ...part,
});
const lookup = (verdict: ReachedDestination['verdict'], name = 'a.example') =>
  reached({ protocol: 'lookup', verdict, name, address: undefined, port: 0, pid: 0 });

const report = (list: readonly ReachedDestination[], rules = 'b.example', dropped = 0) =>
  reportNetwork({ destinations: list, dropped }, rules);
const option = (one: ReachedDestination, rules?: string) =>
  report([one], rules).destinations[0]?.option;

describe('where the program wanted to go', () => {
  it('is reported with name, address, port, process and number', () => {
    const one = reached({ name: 'a.example', count: 3 });
    expect(report([one]).destinations).toEqual([
      {
        ...{ protocol: 'tcp', allowed: true, name: 'a.example', address: '93.184.216.34' },
        ...{ port: 443, count: 3, pid: 7, process: 'curl' },
      },
    ]);
    const udp = reached({ protocol: 'udp', bytes: 99, pid: 0, process: bytes('') });
    expect(report([udp]).destinations[0]).toMatchObject({ protocol: 'udp', bytes: 99 });
  });

  it('has the option that adds it to the rules, quoted for a shell, where one does', () => {
    const refused = reached({ verdict: 'refused' });
    expect(option(refused)).toBe('--net b.example,93.184.216.34:443');
    expect(option(refused, 'none')).toBe('--net 93.184.216.34:443');
    expect(option(refused, '*.b.example')).toBe("--net '*.b.example,93.184.216.34:443'");
    const ipv6 = Uint8Array.from([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(option(reached({ verdict: 'refused', address: ipv6 }))).toBe(
      "--net 'b.example,[2001:db8::1]:443'",
    );
    expect(option(lookup('refused'))).toBe('--net b.example,a.example');
    const own = reached({ verdict: 'refused-address', address: mapped(192, 168, 7, 2), port: 0 });
    expect(option(own)).toBe('--net b.example,192.168.7.2');
    // No option opens the host's loopback, and none is suggested for an invalid name.
    expect(option(reached({ verdict: 'refused', address: mapped(127, 0, 0, 1) }))).toBeUndefined();
    expect(option(lookup('refused', "a'; rm -rf /"))).toBeUndefined();
    for (const verdict of ['denied', 'silent', 'wrong', 'unknown', 'failed'] as const) {
      expect(option(lookup(verdict))).toBeUndefined();
      expect(report([lookup(verdict)]).destinations[0]?.allowed).toBe(false);
    }
  });

  it('is a line each in the summary: what was refused, and with -v what was reached', () => {
    const list = [
      reached({ name: 'b.example', count: 2 }),
      reached({ verdict: 'refused' }),
      lookup('denied'),
      lookup('unknown', 'typo.example'),
      reached({ verdict: 'refused', address: mapped(127, 0, 0, 1) }),
    ];
    const rule = 'the network rules do not allow it';
    const lines = [
      'not reached:',
      `  tcp       93.184.216.34:443 — ${rule}. Allow with --net b.example,93.184.216.34:443`,
      '  lookup    a.example — --net-deny blocks it',
      '  lookup    typo.example — the name server found no such name',
      `  tcp       127.0.0.1:443 — ${rule}. No option allows it`,
    ];
    expect(networkLines(report(list), false)).toEqual(lines);
    expect(networkLines(report(list), true)).toEqual([
      'reached:',
      '  tcp       b.example (93.184.216.34:443) ×2',
      ...lines,
    ]);
  });

  it('is counted where there is more than is shown or kept, and holds no control characters', () => {
    const many = Array.from({ length: 9 }, (_, i) => reached({ verdict: 'refused', port: i + 1 }));
    expect(networkLines(report(many, 'none', 4), false).slice(-2)).toEqual([
      '  and 3 more (-v lists them)',
      '  and 4 more that were not recorded',
    ]);
    const odd = reached({ name: 'a\u001b[m', process: bytes('\u001b]0;x') });
    expect(JSON.stringify(report([odd]))).not.toContain('\\u001b');
  });
});
