import { describe, expect, it } from 'vitest';
import { hostOption, pathOption } from '../../../src/options/exact-advice.js';
import { splitMapping } from '../../../src/options/mapping.js';
import { readNetRules } from '../../../src/options/net-rules.js';
import { shellUnquote } from '../../../src/options/quoting.js';

const value = (option: string | undefined): string =>
  shellUnquote((option ?? '').replace(/^--[a-z]+ /, ''));

describe('the option for a host that a program named', () => {
  it.each([
    ['name', 'example.org', 0, '--net example.org'],
    ['name', 'Example.ORG', 443, '--net example.org:443'],
    ['name', 'build', 8080, '--net build:8080'],
    ['address', '192.0.2.1', 443, '--net 192.0.2.1:443'],
    ['address', '2001:db8::1', 443, "--net '[2001:db8::1]:443'"],
  ] as const)('means the %s %s, port %i', (kind, host, port, option) => {
    expect(hostOption(kind, host, port)).toBe(option);
    // The other kind of thing was not tried.
    expect(hostOption(kind === 'name' ? 'address' : 'name', host, port)).toBeUndefined();
    expect(readNetRules('--net', value(option))).toHaveLength(1);
  });

  it.each([
    ...['internet', 'host', 'none', 'localhost', 'a.localhost', '*.example.org', '*'],
    ...['10.0.0.0/8', '0.0.0.0/0', '::/0', '2001:db8::/32', '127.0.0.1', '::1', '0.0.0.0'],
    ...['a.example,internet', 'a.example:80', 'a.example/udp', 'https://a.example', '', '.', 'a.'],
    ...['a.example\u200b', 'a b', "a'b", '$(id)', '`id`', '--rw=/', '1.2.3'],
  ])('is missing where a rule would mean more or something else: %j', (host) => {
    // With a port, a word of one label is a host.
    for (const kind of ['name', 'address'] as const) {
      for (const port of [0, 443]) expect(hostOption(kind, host, port)).toBeUndefined();
    }
  });

  it('keeps the rules that the run had', () => {
    expect(hostOption('name', 'b.example', 443, '*.a.example,[2001:db8::1]:22')).toBe(
      "--net '*.a.example,[2001:db8::1]:22,b.example:443'",
    );
  });
});

describe('the option for a path that a program named', () => {
  it.each([
    '/etc/hosts',
    '/home/ada/a b',
    '/home/ada/x:/etc',
    '/home/ada/x:ro',
    "/it's",
    '/-rf',
    '/$HOME/*',
    '/~/x',
    '/a\\b',
  ])('mounts this path at itself: %s', (path) => {
    expect(splitMapping(value(pathOption('--ro', path)))).toEqual({ path, dest: undefined });
  });

  it.each(['', 'etc', '~/x', '/a\nb', '/a\u202eb', '/a\u001b[2J', '/a\\:b', '/a\\'])(
    'is missing where it cannot be typed, or means another path: %j',
    (path) => {
      expect(pathOption('--ro', path)).toBeUndefined();
    },
  );
});
