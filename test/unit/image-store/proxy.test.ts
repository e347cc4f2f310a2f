import { describe, expect, it } from 'vitest';
import { proxyFor } from '../../../src/image-store/registry/proxy.js';

const found = (url: string, env: Record<string, string>): string | undefined =>
  proxyFor(new URL(url), env)?.href;

describe('proxyFor', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['https://a.b', {}, undefined],
    ['https://a.b', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1/'],
    ['https://a.b', { HTTPS_PROXY: 'p:1' }, 'http://p:1/'],
    ['https://a.b', { HTTPS_PROXY: 'p' }, 'http://p/'],
    ['https://a.b', { HTTPS_PROXY: 'http://upper', https_proxy: 'http://lower' }, 'http://lower/'],
    ['https://a.b', { HTTP_PROXY: 'http://p' }, undefined],
    ['https://a.b', { ALL_PROXY: 'http://p' }, 'http://p/'],
    ['https://a.b', { HTTPS_PROXY: '' }, undefined],
    ['http://a.b', { HTTP_PROXY: 'http://p' }, 'http://p/'],
    ['http://a.b', { HTTP_PROXY: 'http://p', REQUEST_METHOD: 'GET' }, undefined],
    ['http://a.b', { http_proxy: 'http://p', REQUEST_METHOD: 'GET' }, 'http://p/'],
    ['https://localhost:5000', { HTTPS_PROXY: 'http://p' }, undefined],
    ['https://127.0.0.9', { HTTPS_PROXY: 'http://p' }, undefined],
    ['https://[::1]', { HTTPS_PROXY: 'http://p' }, undefined],
  ])('%s with %j: %s', (url, env, proxy) => {
    expect(found(url, env)).toBe(proxy);
  });

  it.each<[string, string, boolean]>([
    ['https://a.b', 'a.b', true],
    ['https://A.B', 'a.b', true],
    ['https://x.a.b', 'a.b', true],
    ['https://xa.b', 'a.b', false],
    ['https://x.a.b', '.a.b', true],
    ['https://x.a.b', '*.a.b', true],
    ['https://a.b', '*', true],
    ['https://a.b', 'x, a.b', true],
    ['https://a.b', 'x a.b', true],
    ['https://a.b', '', false],
    ['https://a.b', '.', false],
    ['https://a.b', 'a.b:443', true],
    ['https://a.b', 'a.b:80', false],
    ['https://a.b:80', 'a.b:80', true],
    ['https://10.1.2.3', '10.1.2.3', true],
    ['https://10.1.2.3', '10.1.0.0/16', true],
    ['https://10.2.2.3', '10.1.0.0/16', false],
    ['https://10.1.2.3', '2.3', false],
    ['https://10.1.2.3', '10.1.0.0/99', false],
    ['https://10.1.2.3', 'fd00::/8', false],
    ['https://[fd00::1]', 'fd00::/8', true],
    ['https://[fd00::1]', 'fd00::1', true],
    ['https://[fd00::1]', '[fd00::1]:443', true],
    ['https://[fd00::1]', '[fd00::1]:80', false],
  ])('%s with NO_PROXY=%s: %s', (url, NO_PROXY, direct) => {
    const env = { HTTPS_PROXY: 'http://p', NO_PROXY };
    expect(found(url, env)).toBe(direct ? undefined : 'http://p/');
  });

  it.each(['socks5://x', 'http://', 'http://[', 'file:///x'])('%s is none', (HTTPS_PROXY) => {
    expect(() => found('https://a.b', { HTTPS_PROXY })).toThrow('not an HTTP proxy');
  });
});
