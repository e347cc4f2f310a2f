/**
 * Proxies of the environment, as curl and Docker have them: `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`,
 * in small letters first. The tunnel is made here, because common agents pass a proxy's refusal on as if it were the
 * registry's answer, although it came from the proxy, without TLS.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import { BlockList, isIP, type Socket } from 'node:net';
import { ImageError, UsageError } from '../../errors/index.js';
import { isLocalhost } from './endpoint.js';

type Env = Readonly<Record<string, string | undefined>>;

const variable = (env: Env, name: string): string => env[name] || env[name.toUpperCase()] || '';

/** Returns the host without the brackets that a URL has around IPv6 addresses. */
export const bareHost = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

const portOf = ({ port, protocol }: URL): string => port || (protocol === 'https:' ? '443' : '80');

function isInRange(host: string, range: string): boolean {
  const [, address = '', bits] = /^(.+)\/(\d{1,3})$/.exec(range) ?? [];
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const most = family === 'ipv6' ? 128 : 32;
  if (isIP(address) === 0 || isIP(host) !== isIP(address) || Number(bits) > most) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}

/** A domain with all below it, an address, a range of addresses, each with a port or without; or `*`. */
function isExcepted(url: URL, entry: string): boolean {
  if (entry === '*') return true;
  const host = bareHost(url).toLowerCase();
  if (entry.includes('/')) return isInRange(host, entry);
  // An IPv6 address without brackets has no port.
  const { name = entry, port } =
    /^(?<name>\[[^\]]+\]|[^:]+):(?<port>\d+)$/.exec(entry)?.groups ?? {};
  if (port !== undefined && port !== portOf(url)) return false;
  const wanted = name.replace(/^\[|\]$|^\*?\./g, '').toLowerCase();
  if (wanted === '') return false;
  return host === wanted || (isIP(host) === 0 && host.endsWith(`.${wanted}`));
}

/** The proxy to ask for a URL. @throws UsageError where the variable is no proxy's URL */
export function proxyFor(url: URL, env: Env): URL | undefined {
  // A CGI program gets the header "Proxy" of a request as this variable.
  const ofRequest = url.protocol === 'http:' && env.REQUEST_METHOD !== undefined;
  const own = ofRequest ? env.http_proxy : variable(env, `${url.protocol.slice(0, -1)}_proxy`);
  const text = own || variable(env, 'all_proxy');
  if (text === '' || isLocalhost(url.host)) return undefined;
  const exceptions = variable(env, 'no_proxy').split(/[\s,]+/);
  if (exceptions.some((entry) => entry !== '' && isExcepted(url, entry))) return undefined;
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(full) ? new URL(full) : undefined;
  if (proxy !== undefined && /^https?:$/.test(proxy.protocol) && proxy.hostname !== '')
    return proxy;
  // It may have a password, so it is not shown.
  throw new UsageError('ERR_USAGE', 'the proxy in the environment is not an HTTP proxy', {
    hint: 'Example: export HTTPS_PROXY=http://proxy.example:3128',
  });
}

const authorization = ({ username, password }: URL): Record<string, string> => {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
};

/** Options of a request to the proxy itself. */
const proxyOptions = (proxy: URL): https.RequestOptions => ({
  host: bareHost(proxy),
  port: portOf(proxy),
  agent: false,
});

/** Returns the options of a request without TLS: the proxy gets the whole URL. */
export const forwarded = (
  proxy: URL,
  url: URL,
  headers: Readonly<Record<string, string>>,
): https.RequestOptions => ({
  ...proxyOptions(proxy),
  protocol: proxy.protocol,
  path: url.href,
  headers: { ...headers, host: url.host, ...authorization(proxy) },
});

const refused = (proxy: URL, url: URL, status: number | undefined): ImageError =>
  new ImageError(
    'ERR_REGISTRY',
    `The proxy ${proxy.host} does not connect to ${url.host} (status ${status}).`,
    {
      hint:
        status === 407
          ? 'It needs a password: export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT'
          : undefined,
    },
  );

/** A connection to the host of `url` through the proxy. */
export function tunnel(
  proxy: URL,
  url: URL,
  { timeoutMs, late, ...more }: https.RequestOptions & { timeoutMs: number; late: () => Error },
): Promise<Socket> {
  const authority = `${url.hostname}:${portOf(url)}`;
  return new Promise((resolve, reject) => {
    const sent = (proxy.protocol === 'https:' ? https : http).request({
      ...proxyOptions(proxy),
      ...more,
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, 'user-agent': 'wasbox', ...authorization(proxy) },
    });
    const timer = setTimeout(() => sent.destroy(late()), timeoutMs);
    sent.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.once('connect', ({ statusCode }, socket) => {
      clearTimeout(timer);
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(refused(proxy, url, statusCode));
    });
    sent.end();
  });
}
