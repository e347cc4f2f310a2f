/** Registries that fail, stall, lie or send elsewhere; pulls at the same time; a disk that is full. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStore, removeDirectory, type Store } from '../../../src/changes/index.js';
import {
  type EnsureOptions,
  ensureImage,
  listImages,
  pruneImages,
  removeImages,
} from '../../../src/image-store/index.js';
import { loadNative } from '../../../src/native/index.js';
import { builtDist } from '../../support/built.mjs';
import { type MadeServer, madeServer } from '../../support/image-registry.js';
import { type Blob, imageBlobs, sha256, tarOf, writeLayout } from '../../support/images.js';

const { native } = loadNative();
let scratch: string;
let image: ReturnType<typeof imageBlobs>;
let layer: Blob;
let count = 0;
const running: MadeServer[] = [];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'wasbox-pulls-'));
  // The bytes cannot be compressed, and are more than a socket buffers.
  const noise = Buffer.alloc(3_000_000);
  for (let i = 0, x = 1; i < noise.length; i++) {
    x = (x * 1103515245 + 12345) % 2147483648;
    noise[i] = x >> 16;
  }
  image = imageBlobs({
    layers: [await tarOf([{ name: 'noise', data: noise }])],
    compress: (one) => one,
  });
  layer = image.blobs[2] as Blob;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});
afterAll(() => removeDirectory(native, scratch));

const place = (): string => {
  const path = join(scratch, `case-${count++}`);
  mkdirSync(path);
  return path;
};
const newStore = (): Store => openStore(native, { directory: join(place(), 'state') });

type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A registry with the image, but for what `first` answers itself. */
async function registry(first: Answer = () => false): Promise<MadeServer> {
  const server = await madeServer((request, response) => {
    if (first(request, response)) return;
    const name = (request.url ?? '').split('/').at(-1) ?? '';
    const blob = image.blobs.find(({ digest }) => digest === name) ?? image.manifest;
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    if (from === undefined) response.end(blob.bytes);
    else {
      const range = `bytes ${from}-${blob.size - 1}/${blob.size}`;
      response.writeHead(206, { 'content-range': range }).end(blob.bytes.subarray(Number(from)));
    }
  });
  running.push(server);
  return server;
}

const isLayer = ({ url }: IncomingMessage): boolean => url?.endsWith(layer.digest) === true;
const isManifest = ({ url }: IncomingMessage): boolean => url?.includes('/manifests/') === true;

const pull = (
  { host }: { readonly host: string },
  store: Store,
  options: Partial<EnsureOptions> = {},
) => ensureImage(`${host}/a/b:1`, { store, registry: { env: {}, stallMs: 1000 }, ...options });

const partial = (store: Store): string[] => readdirSync(join(store.directory, 'images/partial'));
const failed = (code: string, text = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(text) });

const credentials = (host: string) => {
  const home = place();
  mkdirSync(join(home, '.docker'));
  const auth = Buffer.from('ann:secret').toString('base64');
  writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  return { HOME: home };
};

describe('a registry', () => {
  it('is pulled from if it does what it should (the control)', async () => {
    const store = newStore();
    const server = await registry();
    const { id } = await pull(server, store);
    expect(id).toBe(image.config.digest);
    expect(partial(store)).toEqual([]);
  });

  it('is refused if it sends a manifest of 100 MB', async () => {
    let sent = 0;
    const server = await registry((request, response) => {
      if (!isManifest(request)) return false;
      const chunk = Buffer.alloc(1 << 20, ' ');
      const more = (): void => {
        while (sent < 100 && !response.destroyed) {
          sent += 1;
          if (!response.write(chunk)) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
      return true;
    });
    await expect(pull(server, newStore())).rejects.toThrow(failed('ERR_IMAGE_LIMIT', /manifest/));
    expect(sent).toBeLessThan(60);
  });

  it('is refused if it sends another manifest than was asked for by digest', async () => {
    const server = await registry();
    const other = `sha256:${'0'.repeat(64)}`;
    await expect(
      ensureImage(`${server.host}/a/b@${other}`, { store: newStore(), registry: { env: {} } }),
    ).rejects.toThrow(failed('ERR_IMAGE', /digest/));
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['other bytes', (bytes) => Buffer.concat([Buffer.of((bytes[0] ?? 0) ^ 1), bytes.subarray(1)])],
    ['more bytes', (bytes) => Buffer.concat([bytes, Buffer.alloc(100)])],
  ])('is refused if it sends %s in a layer', async (_, change) => {
    const store = newStore();
    const server = await registry((request, response) => {
      if (!isLayer(request)) return false;
      response.end(change(layer.bytes));
      return true;
    });
    await expect(pull(server, store)).rejects.toThrow(failed('ERR_IMAGE'));
    expect(listImages(store)).toEqual([]);
    expect(
      partial(store).map((name) => statSync(join(store.directory, 'images/partial', name)).size),
    ).not.toContain(layer.size);
  });

  it('is given up if it stalls in its manifest, or in a layer; the next pull goes on there', async () => {
    const store = newStore();
    const silent = await registry((request) => isManifest(request));
    await expect(pull(silent, store)).rejects.toThrow(failed('ERR_REGISTRY', /stopped/));
    const half = 1_000_000;
    let broken = true;
    const server = await registry((request, response) => {
      if (!broken || !isLayer(request) || request.headers.range !== undefined)
        return broken && isLayer(request);
      response.writeHead(200, { 'content-length': layer.size });
      response.write(layer.bytes.subarray(0, half));
      return true;
    });
    await expect(pull(server, store)).rejects.toThrow(failed('ERR_REGISTRY', /stopped/));
    expect(partial(store)).toHaveLength(1);
    broken = false;
    server.requests.length = 0;
    const { id } = await pull(server, store);
    expect(id).toBe(image.config.digest);
    const ranges = server.requests
      .map(({ headers }) => headers.range)
      .filter((one) => one !== undefined);
    expect(ranges).toEqual([`bytes=${half}-`]);
    expect(partial(store)).toEqual([]);
  });

  it('is asked again for the rest if it breaks connections', async () => {
    const server = await registry((request, response) => {
      if (!isLayer(request)) return false;
      const [, from = '0'] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
      const start = Number(from);
      const rest = layer.bytes.subarray(start);
      if (rest.length < 1_200_000) return false;
      response.writeHead(start === 0 ? 200 : 206, {
        'content-length': rest.length,
        'content-range': `bytes ${start}-${layer.size - 1}/${layer.size}`,
      });
      response.write(rest.subarray(0, 900_000), () => setTimeout(() => response.destroy(), 50));
      return true;
    });
    expect((await pull(server, newStore())).id).toBe(image.config.digest);
  });

  it('without ranges: from the beginning', async () => {
    const store = newStore();
    const name = layer.digest.slice('sha256:'.length);
    const server = await registry((request, response) => {
      if (!isLayer(request)) return false;
      response.end(layer.bytes);
      return true;
    });
    await pull(server, store);
    await removeImages(store, [`${server.host}/a/b:1`]);
    writeFileSync(join(store.directory, 'images/partial', name), layer.bytes.subarray(0, 1000));
    expect((await pull(server, store)).id).toBe(image.config.digest);
  });

  it('is asked from the beginning for what had arrived wrong', async () => {
    const store = newStore();
    const server = await registry();
    await pull(server, store);
    await removeImages(store, [image.config.digest]);
    const name = layer.digest.slice('sha256:'.length);
    writeFileSync(join(store.directory, 'images/partial', name), Buffer.alloc(1000, 'x'));
    server.requests.length = 0;
    expect((await pull(server, store)).id).toBe(image.config.digest);
    const asked = server.requests.filter(({ path }) => path.endsWith(layer.digest));
    expect(asked.map(({ headers }) => headers.range)).toEqual(['bytes=1000-', undefined]);
  });

  it('gets no credentials where it redirects elsewhere', async () => {
    const elsewhere = await registry();
    const asks = (request: IncomingMessage, response: ServerResponse): boolean => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
        return true;
      }
      if (!isLayer(request)) return false;
      response.writeHead(307, { location: `http://${elsewhere.host}${request.url}` }).end();
      return true;
    };
    const server = await registry(asks);
    const env = credentials(server.host);
    const { id } = await pull(server, newStore(), { registry: { env } });
    expect(id).toBe(image.config.digest);
    expect(elsewhere.requests).toHaveLength(1);
    expect(elsewhere.requests[0]?.headers.authorization).toBeUndefined();
    // The control: the registry itself got them.
    expect(server.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(true);
  });

  it('is refused where it redirects in a circle, to another scheme, or to a host without TLS', async () => {
    const locations = [
      '/v2/a/b/manifests/1',
      'file:///etc/passwd',
      'http://192.0.2.1/x',
      'http://[',
      '',
    ];
    for (const location of locations) {
      const server = await registry((_, response) => {
        response.writeHead(302, { location }).end();
        return true;
      });
      await expect(pull(server, newStore())).rejects.toThrow(failed('ERR_REGISTRY'));
    }
  });

  it('gets no credentials where it names a token server of another domain', async () => {
    const tokens = await madeServer((_, response) =>
      response.end(JSON.stringify({ token: 'abc' })),
    );
    running.push(tokens);
    const realm = tokens.host.replace('localhost', '127.0.0.1');
    const server = await registry((request, response) => {
      if (request.headers.authorization === 'Bearer abc') return false;
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="http://${realm}/t",service="s"` })
        .end();
      return true;
    });
    await pull(server, newStore(), { registry: { env: credentials(server.host) } });
    expect(tokens.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('is refused where it wants a token without end', async () => {
    const server = await registry((request, response) => {
      if (request.url?.startsWith('/t') === true)
        response.end(JSON.stringify({ token: `t${server.requests.length}` }));
      else
        response
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://${server.host}/t"` })
          .end();
      return true;
    });
    await expect(pull(server, newStore())).rejects.toThrow(failed('ERR_REGISTRY'));
    expect(server.requests.length).toBeLessThan(10);
  });

  it.each([
    ['schema 1', { schemaVersion: 1, name: 'a/b', fsLayers: [] }],
    ['no object', []],
    ['a layer without digest', { schemaVersion: 2, config: {}, layers: [{ size: 1 }] }],
    [
      'a digest that is a path',
      { schemaVersion: 2, config: { digest: 'sha256:../../x', size: 1 }, layers: [] },
    ],
    [
      'another algorithm',
      { schemaVersion: 2, config: { digest: `sha512:${'0'.repeat(128)}`, size: 1 }, layers: [] },
    ],
    [
      'a negative size',
      { schemaVersion: 2, config: { digest: `sha256:${'0'.repeat(64)}`, size: -1 }, layers: [] },
    ],
  ])('is refused with a manifest of %s', async (_, manifest) => {
    const server = await registry((request, response) => {
      if (!isManifest(request)) return false;
      response.end(JSON.stringify(manifest));
      return true;
    });
    await expect(pull(server, newStore())).rejects.toThrow(failed('ERR_IMAGE'));
  });

  it('whose layers are larger than is allowed: nothing of them is fetched', async () => {
    const server = await registry();
    await expect(pull(server, newStore(), { limits: { bytes: 1_000_000 } })).rejects.toThrow(
      failed('ERR_IMAGE_LIMIT'),
    );
    expect(server.requests.some(({ path }) => path.endsWith(layer.digest))).toBe(false);
  });

  it('is not asked for what the store has', async () => {
    const store = newStore();
    const server = await registry();
    await pull(server, store);
    server.requests.length = 0;
    await pull(server, store);
    expect(server.requests).toEqual([]);
    await pull(server, store, { pull: 'always' });
    expect(server.requests.some(({ path }) => path.endsWith(layer.digest))).toBe(false);
  });
});

describe('the store', () => {
  it('pulls an image once for many at the same time', async () => {
    const store = newStore();
    const server = await registry();
    const all = await Promise.all(Array.from({ length: 5 }, () => pull(server, store)));
    expect(new Set(all.map(({ id }) => id))).toEqual(new Set([image.config.digest]));
    expect(server.requests.filter(({ path }) => path.endsWith(layer.digest))).toHaveLength(1);
  });

  it('drops what an interrupted pull left, and keeps what is in use', async () => {
    const store = newStore();
    const server = await registry();
    await pull(server, store);
    const images = join(store.directory, 'images');
    mkdirSync(join(images, 'making', 'a'.repeat(64), 'fs'), { recursive: true });
    writeFileSync(join(images, 'partial', 'b'.repeat(64)), 'half');
    mkdirSync(join(images, 'layers', 'c'.repeat(64), 'fs'), { recursive: true });
    expect(await pruneImages(store, false)).toEqual({
      images: 0,
      layers: 1,
      leftovers: 2,
      inUse: 0,
      others: 0,
    });
    expect(await pruneImages(store, false)).toEqual({
      images: 0,
      layers: 0,
      leftovers: 0,
      inUse: 0,
      others: 0,
    });
    server.requests.length = 0;
    await pull(server, store);
    expect(server.requests).toEqual([]);
  });

  it('removes an image with its last name, and layers with their last image', async () => {
    const store = newStore();
    const [one, two] = [place(), place()];
    const shared = await tarOf([{ name: 'shared' }]);
    writeLayout(one, { layers: [shared, await tarOf([{ name: 'one' }])] });
    writeLayout(two, { layers: [shared] });
    const first = await ensureImage(`oci:${one}`, { store });
    await ensureImage(`oci:${one}`, { store, name: 'mine:1' });
    const second = await ensureImage(`oci:${two}`, { store });
    await removeImages(store, ['mine:1']);
    expect(first.lowers.every((path) => existsSync(path))).toBe(true);
    await removeImages(store, [first.id.slice(7, 19)]);
    expect(first.lowers.map((path) => existsSync(path))).toEqual([false, true]);
    expect(listImages(store).map(({ id }) => id)).toEqual([second.id]);
  });

  it('says so if it is of another version, and can be emptied', async () => {
    const store = newStore();
    const server = await registry();
    await pull(server, store);
    const refs = join(store.directory, 'images/refs');
    for (const name of readdirSync(refs)) writeFileSync(join(refs, name), '{"version":2}');
    await expect(pull(server, store)).rejects.toThrow(failed('ERR_IMAGE_STORE', /version/));
    expect((await pruneImages(store, true)).images).toBe(1);
    expect((await pull(server, store)).id).toBe(image.config.digest);
  });

  it('replaces a layer of another version only while nothing else removes layers', async () => {
    const store = newStore();
    const server = await registry();
    const { lowers } = await pull(server, store);
    const record = join(lowers[0] ?? '', '../layer.json');
    const images = join(store.directory, 'images');
    const fd = openSync(join(images, 'locks/records'), 'r+');
    let isHeld = true;
    const release = (): void => {
      if (isHeld) closeSync(fd);
      isHeld = false;
    };
    try {
      writeFileSync(record, '{"version":0}');
      expect(native.tryLock(fd)).toBe(true);
      const stages: string[] = [];
      const onProgress: EnsureOptions['onProgress'] = ({ stage }) => stages.push(stage);
      const pulled = pull(server, store, { pull: 'always', onProgress });
      await expect.poll(() => stages).toContain('wait');
      expect(readFileSync(record, 'utf8')).toBe('{"version":0}');
      release();
      expect((await pulled).lowers).toEqual(lowers);
      expect(JSON.parse(readFileSync(record, 'utf8'))).toMatchObject({ version: 1 });
      expect(readdirSync(join(images, 'making'))).toEqual([]);
    } finally {
      release();
    }
  });

  it('on a full disk: an error, and nothing half made', () => {
    const layout = place();
    const disk = place();
    writeFileSync(join(layout, 'layer.tar'), layer.bytes);
    const blob = (bytes: Buffer): void => {
      mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
      writeFileSync(join(layout, 'blobs/sha256', sha256(bytes).slice(7)), bytes);
    };
    for (const { bytes } of image.blobs) blob(bytes);
    const { digest, size } = image.manifest;
    writeFileSync(join(layout, 'index.json'), JSON.stringify({ manifests: [{ digest, size }] }));
    const cli = join(builtDist, 'cli.cjs');
    const script = `mount -t tmpfs -o size=1M,mode=700 tmpfs "$1"
      export XDG_STATE_HOME="$1"; "$2" "$3" image import "$4" 2>"$5/said" && exit 9
      ls "$1/wasbox/images/making" "$1/wasbox/images/layers" | grep -v : | tr -d '\\n'`;
    const argv = ['-Urm', 'sh', '-uc', script, 'sh', disk, process.execPath, cli, layout, place()];
    const left = execFileSync('unshare', argv, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(left).toBe('');
    const said = execFileSync('cat', [join(argv.at(-1) ?? '', 'said')], { encoding: 'utf8' });
    expect(said).toContain('No space is left for images');
  });
});
