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

  it.each(['1.2.0.192.in-addr.arpa', 'off', 'a b', '\u001b[31m', '-x.example', 'localhost', ''])(
    'advise no rule that --net would refuse, and print nothing raw: %j',
    (text) => {
      const [one] = splitLookups([name(text)]).lookups;
      expect(one?.option).toBe('--net internet');
      expect(one?.target).not.toContain('\u001b');
    },
  );
});
