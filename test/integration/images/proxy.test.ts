/** Pulls through a proxy. The oracle is what the proxy and the registry have heard. */
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openStore, removeDirectory } from '../../../src/changes/index.js';
import { ensureImage } from '../../../src/image-store/index.js';
import { loadNative } from '../../../src/native/index.js';
import {
  type Certificate,
  type MadeServer,
  madeServer,
  makeCertificate,
} from '../../support/image-registry.js';
import { imageBlobs, tarOf } from '../../support/images.js';

// The name is never resolved by a name server (RFC 6761): only the proxy knows where it is.
const name = 'registry.test';
const { native } = loadNative();
const { HOME } = process.env;
let scratch: string;
let image: ReturnType<typeof imageBlobs>;
let certificate: Certificate;
let secured: MadeServer;
let plain: MadeServer;
const proxies: MadeServer[] = [];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'wasbox-proxy-'));
  certificate = makeCertificate(join(scratch, 'tls'), name);
  image = imageBlobs({ layers: [await tarOf([{ name: 'f', data: 'x' }])] });
  const trusted = join(scratch, '.config/containers/certs.d', name);
  mkdirSync(trusted, { recursive: true });
  cpSync(certificate.cert, join(trusted, 'ca.crt'));
  const auths = { [name]: { auth: Buffer.from('ann:registry').toString('base64') } };
  mkdirSync(join(scratch, '.docker'));
  writeFileSync(join(scratch, '.docker/config.json'), JSON.stringify({ auths }));
  process.env.HOME = scratch; // where CAs are
});
beforeEach(async () => {
  const answer: Parameters<typeof madeServer>[0] = (request, response) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return;
    }
    const wanted = (request.url ?? '').split('/').at(-1) ?? '';
    response.end((image.blobs.find(({ digest }) => digest === wanted) ?? image.manifest).bytes);
  };
  secured = await madeServer(answer, { tls: certificate });
  plain = await madeServer(answer);
});
afterEach(() => Promise.all([secured, plain, ...proxies.splice(0)].map((one) => one.stop())));
afterAll(() => {
  process.env.HOME = HOME;
  removeDirectory(native, scratch);
});

const portOf = ({ host }: MadeServer): number => Number(host.split(':')[1]);

function toRegistry(socket: Duplex): void {
  const other = connect(portOf(secured), '127.0.0.1');
  for (const one of [socket, other]) one.on('error', () => undefined);
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  socket.pipe(other).pipe(socket);
}

type OnConnect = (socket: Duplex) => void;

async function proxy(onConnect: OnConnect = toRegistry, tls?: Certificate): Promise<MadeServer> {
  const made = await madeServer((_, response) => response.writeHead(503).end(), {
    tls,
    onConnect: (_, socket) => onConnect(socket),
  });
  proxies.push(made);
  return made;
}

let count = 0;
function pull(env: Readonly<Record<string, string>>, more: object = {}) {
  const store = openStore(native, { directory: join(scratch, `state-${count++}`) });
  const registry = { env: { HOME: scratch, ...env }, stallMs: 1000, ...more };
  return ensureImage(`${name}/a/b:1`, { store, registry });
}

describe('a pull', () => {
  it('goes through the proxy of the environment, with TLS to the registry', async () => {
    await expect(pull({})).rejects.toThrow(`Cannot reach the registry ${name}`); // the control
    const through = await proxy();
    const { id } = await pull({ HTTPS_PROXY: `http://bob:proxy%20word@${through.host}` });
    expect(id).toBe(image.config.digest);
    expect(new Set(through.requests.map(({ path }) => path))).toEqual(new Set([`${name}:443`]));
    // Each has its own credentials, and not the other's.
    for (const { headers } of through.requests) {
      expect(headers['proxy-authorization']).toBe(
        `Basic ${Buffer.from('bob:proxy word').toString('base64')}`,
      );
      expect(headers.authorization).toBeUndefined();
    }
    expect(secured.requests.at(-1)?.headers.authorization).toBe(
      `Basic ${Buffer.from('ann:registry').toString('base64')}`,
    );
    for (const { headers } of secured.requests) {
      expect(headers['proxy-authorization']).toBeUndefined();
      expect(headers.host).toBe(name);
    }
  });

  it('goes through a proxy with TLS', async () => {
    const through = await proxy(toRegistry, certificate);
    const trusted = join(scratch, '.config/containers/certs.d', through.host);
    await expect(pull({ https_proxy: `https://${through.host}` })).rejects.toThrow(
      `Cannot reach the proxy ${through.host}: DEPTH_ZERO_SELF_SIGNED_CERT`,
    );
    mkdirSync(trusted);
    cpSync(certificate.cert, join(trusted, 'ca.crt'));
    const { id } = await pull({ https_proxy: `https://${through.host}` });
    expect(id).toBe(image.config.digest);
  });

  it('does not use it for what NO_PROXY names, nor for this machine', async () => {
    const through = await proxy();
    const env = { HTTPS_PROXY: through.host, HTTP_PROXY: through.host };
    await expect(pull({ ...env, NO_PROXY: 'other.test,.test' })).rejects.toThrow(
      `Cannot reach the registry ${name}`,
    );
    const store = openStore(native, { directory: join(scratch, 'local') });
    const own = { HOME: scratch, ...env };
    await expect(
      ensureImage(`${plain.host}/a/b:1`, { store, registry: { env: own } }),
    ).rejects.toThrow('does not let you read'); // there are no credentials for it
    expect(plain.requests.length).toBeGreaterThan(0);
    expect(through.requests).toEqual([]);
  });

  it('takes no answer of a proxy for that of the registry', async () => {
    const { bytes } = image.manifest;
    const answers = [
      'HTTP/1.1 403 Forbidden\r\n\r\n',
      `HTTP/1.1 201 Created\r\ncontent-length: ${bytes.length}\r\n\r\n${bytes}`,
      'HTTP/1.1 401 No\r\nwww-authenticate: Basic realm="x"\r\n\r\n',
      'HTTP/1.1 307 Moved\r\nlocation: https://registry.test/\r\n\r\n',
    ];
    for (const answer of answers) {
      const through = await proxy((socket) => socket.end(answer));
      await expect(pull({ HTTPS_PROXY: through.host })).rejects.toThrow(
        `The proxy ${through.host} does not connect to ${name} (status ${answer.slice(9, 12)})`,
      );
      expect(through.requests).toHaveLength(1);
    }
    // Without TLS, what it sends in place of the registry is not believed either.
    const through = await proxy((socket) =>
      socket.end(
        `HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n${bytes}`,
      ),
    );
    await expect(pull({ HTTPS_PROXY: through.host })).rejects.toThrow(
      `Cannot reach the registry ${name}`,
    );
  });

  it('says what is wrong with a proxy', async () => {
    const password = await proxy((socket) => socket.end('HTTP/1.1 407 Password\r\n\r\n'));
    await expect(pull({ HTTPS_PROXY: password.host })).rejects.toMatchObject({
      hint: expect.stringContaining('It needs a password'),
    });
    const stalls = await proxy(() => undefined);
    await expect(pull({ HTTPS_PROXY: stalls.host })).rejects.toThrow('stopped answering');
    await expect(pull({ HTTPS_PROXY: 'localhost:1' })).rejects.toThrow(
      'Cannot reach the proxy localhost:1: ECONNREFUSED',
    );
    const socks = pull({ HTTPS_PROXY: 'socks5://secret@localhost:1' });
    await expect(socks).rejects.toThrow('not an HTTP proxy');
    await expect(socks).rejects.not.toThrow('secret');
  });

  it('gives the proxy the whole URL without TLS', async () => {
    const through = await proxy();
    const plainHttp = { plainHttp: [name] };
    await expect(pull({ HTTP_PROXY: through.host }, plainHttp)).rejects.toThrow(
      `${name} answered with status 503`,
    );
    expect(through.requests.map(({ path }) => path)).toEqual([`http://${name}/v2/a/b/manifests/1`]);
  });
});
