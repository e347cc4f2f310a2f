import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors/index.js';
import { maxNetRules, readNetRule, readNetRules } from '../../../src/options/net-rules.js';

describe('rules of the network', () => {
  it.each([
    ['example.com', 'example.com'],
    ['EXAMPLE.com:443', 'example.com:443'],
    ['*.example.com:8000-8100/tcp', '*.example.com:8000-8100/tcp'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.0/24:53/UDP', '192.0.2.0/24:53/udp'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]:443', '[2001:db8::1]:443'],
    ['[2001:db8::/32]:443/tcp', '[2001:db8::/32]:443/tcp'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['internet', 'internet'],
    ['internet:443/tcp', 'internet:443/tcp'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['a_b.example', 'a_b.example'],
    ['off:443', 'off:443'],
    ['localhost:5432', 'localhost:5432'],
    ['LOCALHOST:5432/tcp', 'localhost:5432'],
    ['host:5432', 'localhost:5432'],
    ['localhost:8000-8100', 'localhost:8000-8100'],
    ['127.0.0.1:80', '127.0.0.1:80'],
    ['[::1]:80', '[::1]:80'],
  ])('reads %s', (written, canonical) => {
    const rule = readNetRule('--net', written);
    expect(rule.text).toBe(canonical);
    expect(readNetRule('--net', rule.text)).toEqual(rule);
  });

  it.each([
    ['', 'none'],
    ['example.com:70000', '65535'],
    ['example.com:0', '65535'],
    ['example.com:', '65535'],
    ['example.com:443x', '65535'],
    ['example.com:9-1', '1-9'],
    ['off', '--net none'],
    ['no', '--net none'],
    ['false', '--net none'],
    ['any', '--net internet'],
    ['all', '--net internet'],
    ['true', '--net internet'],
    ['bridge', '--net host'],
    ['http://x/', '--net x:80'],
    ['https://user:pw@example.com:8443/path', '--net example.com:8443'],
    ['example.com/path', 'example.com:443'],
    ['*', '--net internet'],
    ['*.*', '--net internet'],
    ['a.*.example.com', '*.example.com'],
    ['*example.com', '*.'],
    ['example.com.', '--net example.com'],
    ['example..com', 'Labels'],
    ['-a.example', 'hyphens'],
    [`${'a'.repeat(64)}.example`, 'Labels'],
    [`${'a.'.repeat(127)}example`, 'Labels'],
    ['127.1', 'four decimal'],
    ['0x7f000001', 'four decimal'],
    ['0177.0.0.1', 'four decimal'],
    ['010.0.0.1', 'four decimal'],
    ['2130706433', 'four decimal'],
    ['1.2.3.256', 'four decimal'],
    ['1.2.3.4.', 'four decimal'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:80', '[fe80::1]:80'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['10.0.0.1/8', '10.0.0.0/8'],
    ['10.0.0.0/33', '32'],
    ['10.0.0.0/08', '32'],
    ['[192.0.2.1]:80', '192.0.2.1:80'],
    ['[2001:db8::1', '[2001:db8::1]:443'],
    ['2001:db8::1::2', 'four decimal'],
    ['localhost', '--net localhost:5432'],
    ['a.localhost:80', '--net localhost:5432'],
    ['127.0.0.1', '--net 127.0.0.1:5432'],
    ['127.0.0.2:80', '--net localhost:5432'],
    ['127.0.0.0/8:80', '--net localhost:5432'],
    ['::1', "--net '[::1]:5432'"],
    ['localhost:53/udp', '--net localhost:53'],
    ['0.0.0.0', '--net internet'],
    ['::', '--net internet'],
    ['a b', 'commas'],
    ['a.example\r\nHost', 'commas'],
    ['intrenet', '--net internet'],
    ['none', 'alone'],
    ['host', 'alone'],
    ['\u0000.example', 'commas'],
    ['ex\u3002ample\u2024.', ''],
  ])('refuses %j and shows the fix', (rule, fix) => {
    const error = (() => {
      try {
        return readNetRule('--net', rule);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(UsageError);
    const { message, hint, code } = error as UsageError;
    expect(code).toBe('ERR_OPTION_VALUE');
    expect(message).toContain(JSON.stringify(rule));
    expect(hint).toContain(fix);
  });

  // A URL would end at each of these, and `good` would be meant.
  it.each([
    'good\\x.example',
    'good#x',
    'good?x',
    'g\u00f6od\\x.example',
    'g\u00f6od?x',
    'good x',
    'good\uff3cx',
  ])('refuses %j, which is no host name', (rule) => {
    expect(() => readNetRule('--net', rule)).toThrow(UsageError);
  });

  it('reads lists, and refuses what is empty between two commas', () => {
    expect(readNetRules('--net', 'a.example,10.0.0.0/8').map(({ text }) => text)).toEqual([
      'a.example',
      '10.0.0.0/8',
    ]);
    expect(() => readNetRules('--net', 'a.example,,b.example')).toThrow('empty');
    expect(() => readNetRules('--net', 'a.example,')).toThrow('empty');
    expect(() => readNetRules('--net', new Array(maxNetRules + 1).fill('a.b').join())).toThrow(
      'many',
    );
  });
});
