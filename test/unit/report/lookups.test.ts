import { describe, expect, it } from 'vitest';
import type { RefusedCall } from '../../../src/native/decode/records.js';
import { splitLookups } from '../../../src/report/lookups.js';

const name = (text: string, count = 1): RefusedCall => ({
  call: 'connect',
  errno: undefined,
  arguments: {},
  target: { type: 'name', bytes: Buffer.from(text, 'latin1'), truncated: false },
  count,
});
const to = (port: number): RefusedCall => ({
  ...name(''),
  target: { type: 'address', bytes: Uint8Array.of(2, 0, 0, port, 192, 0, 2, 1), truncated: false },
});

describe('lookups while the network is off', () => {
  it('are reported by name, without the servers', () => {
    const { lookups, others } = splitLookups([to(53), name('example.org', 2), to(80)]);
    expect(lookups).toMatchObject([
      { call: 'lookup', target: 'example.org', count: 2, option: '--net example.org' },
    ]);
    expect(others).toEqual([to(80)]);
  });

  it('leave the servers where no name came', () => {
    expect(splitLookups([to(53)])).toEqual({ lookups: [], others: [to(53)] });
  });

  it('drop names with a search domain behind them', () => {
    const { lookups } = splitLookups([name('a.example'), name('a.example.corp.example')]);
    expect(lookups.map(({ target }) => target)).toEqual(['a.example']);
  });

  it.each([
    ...['1.2.0.192.in-addr.arpa', 'off', 'a b', '\u001b[31m', '-x.example', 'localhost', ''],
    ...['internet', 'INTERNET', 'host', 'none', '*.example.org', '*.org', '10.0.0.0/8', '::/0'],
    ...['a.example,internet', 'a.example,b.example', 'a.example:443', 'a.example/tcp', 'on'],
    ...['internet/tcp', 'internet:443', '[2000::/3]', 'host:22', '127.0.0.1:22', 'localhost:22'],
    ...['a.example --rw /', 'a.example\n--net host', '2130706433', '0x7f000001', '0'],
    // A name server was asked for a name of this spelling, and nothing dialled the address.
    ...['192.0.2.1', '169.254.169.254', 'fd00:ec2::254', '2001:db8::1'],
  ])('advise nothing where no rule means the name alone, and print nothing raw: %j', (text) => {
    const [one] = splitLookups([name(text)]).lookups;
    expect(one?.option).toBeUndefined();
    expect(one?.target).not.toContain('\u001b');
  });
});
