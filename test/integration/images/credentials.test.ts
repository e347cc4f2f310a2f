/** Tries which servers see the credentials for a registry. The oracle is what each server has heard. */
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

// The names stand for Docker Hub's registry-1.docker.io and auth.docker.io; and a third. Only the proxy knows where
// they are.
const names = ['registry.test', 'tokens.test', 'elsewhere.test'] as const;
type Name = (typeof names)[number];

const { native } = loadNative();
const { HOME } = process.env;
const basic = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
let scratch: string;
let image: ReturnType<typeof imageBlobs>;
const certificates = new Map<Name, Certificate>();
const running: MadeServer[] = [];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'wasbox-credentials-'));
  image = imageBlobs({ layers: [await tarOf([{ name: 'f', data: 'x' }])] });
  for (const name of names) {
    const certificate = makeCertificate(join(scratch, 'tls', name), name);
    certificates.set(name, certificate);
    const trusted = join(scratch, '.config/containers/certs.d', name);
    mkdirSync(trusted, { recursive: true });
    cpSync(certificate.cert, join(trusted, 'ca.crt'));
  }
  mkdirSync(join(scratch, '.docker'));
  process.env.HOME = scratch; // where CAs are
});
afterAll(() => {
  process.env.HOME = HOME;
  removeDirectory(native, scratch);
});

type Answer = Parameters<typeof madeServer>[0];

async function server(answer: Answer, name?: Name): Promise<MadeServer> {
  const tls = name === undefined ? undefined : certificates.get(name);
  const made = await madeServer(answer, { tls });
  running.push(made);
  return made;
}

/** The image for those who show a token, and for others a challenge. */
const asking =
  (challenge: string): Answer =>
  (request, response) => {
    if (request.headers.authorization === 'Bearer abc') {
      const wanted = (request.url ?? '').split('/').at(-1) ?? '';
      response.end((image.blobs.find(({ digest }) => digest === wanted) ?? image.manifest).bytes);
    } else response.writeHead(401, { 'www-authenticate': challenge }).end();
  };

describe('credentials', () => {
  let tokens: MadeServer;
  const shown = (): (string | undefined)[] =>
    tokens.requests.map(({ headers }) => headers.authorization);

  beforeEach(async () => {
    tokens = await server((_, response) => response.end('{"token":"abc"}'), 'tokens.test');
  });
  afterEach(() => Promise.all(running.splice(0).map((one) => one.stop())));

  /** Pulls from a server, by its name where it has one. */
  let count = 0;
  async function pull(from: Partial<Record<Name, MadeServer>>, host: string, conf = '') {
    const at: Partial<Record<string, MadeServer>> = { 'tokens.test': tokens, ...from };
    const proxy = await madeServer((_, response) => response.writeHead(503).end(), {
      onConnect: (request, socket) => {
        const [name = '', port = ''] = (request.url ?? '').split(':');
        const found = at[name];
        if (found === undefined || port !== '443') {
          socket.end('HTTP/1.1 404 No\r\n\r\n');
          return;
        }
        const other = connect(Number(found.host.split(':')[1]), '127.0.0.1');
        for (const one of [socket, other]) one.on('error', () => undefined);
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(other).pipe(socket);
      },
    });
    running.push(proxy);
    const auths = { [host]: { auth: Buffer.from('ann:secret').toString('base64') } };
    writeFileSync(join(scratch, '.docker/config.json'), JSON.stringify({ auths }));
    const file = join(scratch, 'registries.conf');
    writeFileSync(file, conf);
    const env = { HOME: scratch, HTTPS_PROXY: proxy.host, CONTAINERS_REGISTRIES_CONF: file };
    const store = openStore(native, { directory: join(scratch, `state-${count++}`) });
    return ensureImage(`${host}/a/b:1`, { store, registry: { env } });
  }

  const realm = 'Bearer realm="https://tokens.test/t",service="s"';

  it('go to the token server of another host that the registry names over TLS', async () => {
    const registry = await server(asking(realm), 'registry.test');
    const { id } = await pull({ 'registry.test': registry }, 'registry.test');
    expect(id).toBe(image.config.digest);
    expect(shown()).toEqual([basic]);
    // The registry itself asked for a token, and for nothing else.
    const seen = registry.requests.map(({ headers }) => headers.authorization);
    expect(new Set(seen)).toEqual(new Set([undefined, 'Bearer abc']));
  });

  it('not where that server has no TLS: it is not asked at all', async () => {
    const plain = realm.replace('https:', 'http:');
    const registry = await server(asking(plain), 'registry.test');
    await expect(pull({ 'registry.test': registry }, 'registry.test')).rejects.toThrow(
      'registry.test sends us to tokens.test without TLS',
    );
    expect(shown()).toEqual([]);
  });

  it('not where the certificate of the registry proves nothing', async () => {
    // The certificate is another server's: anyone could answer here.
    const registry = await server(asking(realm), 'elsewhere.test');
    const from = { 'registry.test': registry };
    await expect(pull(from, 'registry.test')).rejects.toThrow('Cannot reach the registry');
    const insecure = '[[registry]]\nlocation = "registry.test"\ninsecure = true\n';
    await pull(from, 'registry.test', insecure);
    expect(shown()).toEqual([undefined]);
  });

  it('not where the registry has no TLS', async () => {
    const registry = await server(asking(realm));
    await pull({}, registry.host);
    expect(shown()).toEqual([undefined]);
  });

  it('not where another server, to which the registry redirects, wants them', async () => {
    for (const challenge of [realm, 'Basic realm="x"']) {
      const elsewhere = await server(asking(challenge), 'elsewhere.test');
      const registry = await server((request, response) => {
        response.writeHead(307, { location: `https://elsewhere.test${request.url}` }).end();
      }, 'registry.test');
      const from = { 'registry.test': registry, 'elsewhere.test': elsewhere };
      await expect(pull(from, 'registry.test')).rejects.toThrow('does not let you read');
      expect(elsewhere.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
      expect(shown()).toEqual([]);
    }
  });
});
