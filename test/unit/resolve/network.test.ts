import { describe, expect, it } from 'vitest';
import { addressText } from '../../../src/options/net-address.js';
import { networkMode } from '../../../src/resolve/network.js';
import { readAllPublished } from '../../../src/resolve/publish.js';

describe('the mode of the network', () => {
  it.each([
    [{}, 'none'],
    [{ net: 'none' }, 'none'],
    [{ net: 'host' }, 'host'],
    [{ net: ['host'] }, 'host'],
    [{ net: 'internet' }, 'rules'],
    [{ net: 'example.com' }, 'rules'],
    // An empty list is nothing, not everything.
    [{ net: [] }, 'none'],
    [{ net: '' }, 'rules'],
    [{ publish: ['8080'] }, 'rules'],
    [{ net: 'none', publish: ['8080'] }, 'rules'],
    // A destination that is asked about is handed over as by rules.
    [{ ask: true }, 'rules'],
    [{ ask: () => 'deny' }, 'rules'],
    [{ ask: false }, 'none'],
    [{ net: 'host', ask: true }, 'host'],
  ] as const)('%j is %s', (options, mode) => {
    expect(networkMode(options)).toBe(mode);
  });
});

describe('--publish', () => {
  it.each([
    ['8080', '127.0.0.1', 8080, 8080],
    ['8080:80', '127.0.0.1', 8080, 80],
    ['0.0.0.0:8080:80', '0.0.0.0', 8080, 80],
    ['[::]:8080:80', '::', 8080, 80],
  ])('reads %s', (text, address, hostPort, insidePort) => {
    const [port] = readAllPublished([text]);
    expect(port && addressText(port.address)).toBe(address);
    expect(port).toMatchObject({ hostPort, insidePort });
  });

  it.each([
    '',
    '0',
    '70000',
    '80:',
    ':80',
    'a:80',
    '1.2.3:4:5',
    '127.0.0.1:80',
    '::1:80:80',
    '080',
  ])('refuses %j', (text) => {
    expect(() => readAllPublished([text])).toThrow('--publish');
  });

  it('refuses a port that is given twice', () => {
    expect(() => readAllPublished(['8080:1', '8080:2'])).toThrow('duplicate host port');
  });
});
