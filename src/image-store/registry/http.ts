/** One request to a registry, over TLS unless it may be plain, with an end for servers that stall. */
import { readdirSync, readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { connect, rootCertificates } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import { ImageError, isWasboxError } from '../../errors/index.js';
import { bareHost, forwarded, proxyFor, tunnel } from './proxy.js';

export interface HttpAnswer {
  readonly host: string;
  /** `https://host:port`, of the server that answered. */
  readonly origin: string;
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The caller reads it to its end, or destroys it. */
  readonly body: http.IncomingMessage;
}

export interface HttpSettings {
  /** Milliseconds in which a server has to send something. @default 60 s */
  readonly stallMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A host whose certificate need not be trusted. */
  readonly unverified?: string | undefined;
  /** Where proxies are named. @default none */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

export const defaultStallMs = 60_000;
/** The bytes that have to come in that time; less is a stall, too. */
const stallBytes = 1024;

const stalled = (host: string): ImageError =>
  new ImageError('ERR_REGISTRY', `The registry ${host} stopped answering.`, {
    hint: 'Try again; what was downloaded is kept.',
  });

const unreachable = (
  host: string,
  error: NodeJS.ErrnoException,
  what: 'registry' | 'proxy',
): ImageError =>
  new ImageError('ERR_REGISTRY', `Cannot reach the ${what} ${host}: ${error.code ?? 'failed'}`, {
    cause: error,
    hint:
      error.code?.includes('CERT') === true || error.code?.startsWith('UNABLE_TO_') === true
        ? `If you trust it, put its CA certificate into ~/.config/containers/certs.d/${host}/ca.crt`
        : undefined,
  });

/** A failure of the network or of TLS, with its code; not an answer. */
export class ConnectionError extends ImageError {
  constructor(host: string, cause: NodeJS.ErrnoException, what: 'registry' | 'proxy' = 'registry') {
    const { message, hint } = unreachable(host, cause, what);
    super('ERR_REGISTRY', message, { hint, cause });
  }

  /** Returns whether the server talks something other than TLS. */
  get isPlain(): boolean {
    const { code = '' } = this.cause as NodeJS.ErrnoException;
    return code === 'EPROTO' || code.startsWith('ERR_SSL_');
  }
}

const certificatePlaces = (): string[] => {
  const places = ['/etc/containers/certs.d', '/etc/docker/certs.d'];
  try {
    return [join(homedir(), '.config/containers/certs.d'), ...places];
  } catch {
    return places;
  }
};

/** CAs that the user trusts for one registry, as docker and podman have them. */
function certificates(host: string): string[] | undefined {
  const found: string[] = [];
  for (const place of certificatePlaces()) {
    try {
      for (const name of readdirSync(join(place, host))) {
        if (name.endsWith('.crt')) found.push(readFileSync(join(place, host, name), 'utf8'));
      }
    } catch {
      // none there
    }
  }
  return found.length === 0 ? undefined : [...rootCertificates, ...found];
}

/** The settings of a pull are one object: its requests read the files once. */
const known = new WeakMap<HttpSettings, Map<string, string[] | undefined>>();

function certificatesOnce(host: string, settings: HttpSettings): string[] | undefined {
  const found = known.get(settings) ?? new Map<string, string[] | undefined>();
  known.set(settings, found);
  if (!found.has(host)) found.set(host, certificates(host));
  return found.get(host);
}

/** How a request goes to the registry: itself, through a tunnel, or, without TLS, by a proxy. */
async function route(
  url: URL,
  headers: Readonly<Record<string, string>>,
  settings: HttpSettings,
): Promise<{ readonly options: https.RequestOptions; readonly secure: boolean }> {
  const { stallMs = defaultStallMs, signal, env = {}, unverified } = settings;
  const rejectUnauthorized = url.host !== unverified;
  const secure = url.protocol === 'https:';
  const proxy = proxyFor(url, env);
  const ca = certificatesOnce(url.host, settings);
  if (proxy === undefined) {
    const own = { ...urlToHttpOptions(url), headers, agent: false } as const;
    return { secure, options: secure ? { ...own, ca, rejectUnauthorized } : own };
  }
  const toProxy = proxy.protocol === 'https:' ? { ca: certificatesOnce(proxy.host, settings) } : {};
  if (!secure) {
    const options = { ...forwarded(proxy, url, headers), ...toProxy };
    return { secure: proxy.protocol === 'https:', options };
  }
  try {
    const late = (): Error => stalled(proxy.host);
    const socket = await tunnel(proxy, url, { ...toProxy, signal, timeoutMs: stallMs, late });
    const host = bareHost(url);
    const name = isIP(host) === 0 ? { servername: host } : {};
    const createConnection = () => connect({ socket, host, ca, rejectUnauthorized, ...name });
    return {
      secure,
      options: {
        host,
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, ...headers },
        createConnection,
      },
    };
  } catch (error) {
    if (isWasboxError(error) || signal?.aborted === true) throw error;
    throw new ConnectionError(proxy.host, error as NodeJS.ErrnoException, 'proxy');
  }
}

/** Redirects are answers, too. @throws ConnectionError, ImageError ERR_REGISTRY where the server stalls */
export async function request(
  url: URL,
  headers: Readonly<Record<string, string>>,
  settings: HttpSettings = {},
  body?: string,
): Promise<HttpAnswer> {
  const { stallMs = defaultStallMs, signal } = settings;
  const all = { 'user-agent': 'wasbox', 'accept-encoding': 'identity', ...headers };
  const { options, secure } = await route(url, all, settings);
  const method = body === undefined ? 'GET' : 'POST';
  return new Promise((resolve, reject) => {
    const sent = (secure ? https : http).request({ ...options, method, signal });
    const timer = setTimeout(() => sent.destroy(stalled(url.host)), stallMs);
    sent.once('error', (error) => {
      clearTimeout(timer);
      reject(
        error instanceof ImageError || signal?.aborted === true
          ? error
          : new ConnectionError(url.host, error),
      );
    });
    sent.once('response', (answer) => {
      clearTimeout(timer);
      watch(answer, url.host, stallMs);
      resolve({
        host: url.host,
        origin: url.origin,
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        body: answer,
      });
    });
    sent.end(body);
  });
}

/** Ends an answer of which too little comes. */
function watch(answer: http.IncomingMessage, host: string, stallMs: number): void {
  let before = 0;
  let count = 0;
  answer.on('data', (chunk: Buffer) => {
    count += chunk.length;
  });
  answer.pause(); // until it is read
  const timer = setInterval(() => {
    // The reader may be slower than the network: then it is paused, and not to blame.
    if (count - before < stallBytes && answer.readableLength === 0) answer.destroy(stalled(host));
    before = count;
  }, stallMs);
  answer.once('close', () => clearInterval(timer));
}

/** The whole answer. @throws where it is longer than `limit` bytes */
export async function readAll(
  { body, host }: HttpAnswer,
  limit: number,
  tooLong: () => Error,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) throw tooLong();
      chunks.push(chunk);
    }
  } catch (error) {
    body.destroy();
    const { code } = error as NodeJS.ErrnoException;
    throw error instanceof ImageError || code === 'ABORT_ERR'
      ? error
      : new ConnectionError(host, error as NodeJS.ErrnoException);
  }
  return Buffer.concat(chunks);
}
