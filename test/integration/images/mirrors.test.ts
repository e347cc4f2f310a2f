/** Mirrors that send something wrong are passed over; short names, blocked registries and policies of the user. */
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStore, removeDirectory } from '../../../src/changes/index.js';
import { ensureImage, removeImages } from '../../../src/image-store/index.js';
import { loadNative } from '../../../src/native/index.js';
import { type MadeServer, madeServer } from '../../support/image-registry.js';
import { type Blob, imageBlobs, tarOf } from '../../support/images.js';

const { native } = loadNative();
let scratch: string;
let image: ReturnType<typeof imageBlobs>;
let layer: Blob;
let count = 0;
const running: MadeServer[] = [];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'wasbox-mirrors-'));
  const data = Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * 7919) % 251));
  image = imageBlobs({ layers: [await tarOf([{ name: 'f', data }])], compress: (one) => one });
  layer = image.blobs[2] as Blob;
});
afterEach(() => Promise.all(running.splice(0).map((one) => one.stop())));
afterAll(() => removeDirectory(native, scratch));

const place = (): string => {
  const path = join(scratch, `case-${count++}`);
  mkdirSync(path);
  return path;
};

type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

async function registry(first: Answer = () => false): Promise<MadeServer> {
  const server = await madeServer((request, response) => {
    if (first(request, response)) return;
    const name = (request.url ?? '').split('/').at(-1) ?? '';
    response.end((image.blobs.find(({ digest }) => digest === name) ?? image.manifest).bytes);
  });
  running.push(server);
  return server;
}

const isManifest = ({ url }: IncomingMessage): boolean => url?.includes('/manifests/') === true;
const isConfig = ({ url }: IncomingMessage): boolean => url?.endsWith(image.config.digest) === true;
const isLayer = ({ url }: IncomingMessage): boolean => url?.endsWith(layer.digest) === true;

/** A home with container configuration; the pull's environment. */
function homeWith(files: Readonly<Record<string, string>>): Record<string, string> {
  const home = place();
  const directory = join(home, '.config/containers');
  mkdirSync(join(directory, 'registries.conf.d'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return { HOME: home };
}

function pull(ref: string, files: Readonly<Record<string, string>>, stallMs?: number) {
  const store = openStore(native, { directory: join(place(), 'state') });
  const passed: string[] = [];
  const registry = {
    env: homeWith(files),
    stallMs,
    onPassedOver: (host: string, problem: string) => passed.push(`${host}: ${problem}`),
  };
  const pulled = ensureImage(ref, { store, registry });
  return { pulled, passed, store, env: registry.env };
}

const mirrored = (origin: MadeServer, ...mirrors: readonly string[]): Record<string, string> => ({
  'registries.conf': `[[registry]]\nlocation = "${origin.host}"\n${mirrors
    .map((host) => `[[registry.mirror]]\nlocation = "${host}"\n`)
    .join('')}`,
});

const heard = ({ requests }: MadeServer, digest: string): number =>
  requests.filter(({ path }) => path.endsWith(digest)).length;

const says =
  (which: (request: IncomingMessage) => boolean, say: (response: ServerResponse) => void): Answer =>
  (request, response) => {
    if (!which(request)) return false;
    say(response);
    return true;
  };
const html = (response: ServerResponse): void => {
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><p>Please log in.');
};
const broken = (response: ServerResponse): void => {
  response.writeHead(503).end();
};
const silent = (): void => undefined;
/** The limit is set only where a server is silent: others may be slow on a busy machine. */
const patience = (text: string): number | undefined => (text === 'nothing' ? 4000 : undefined);

describe('a mirror', () => {
  it('is the only one that is asked if it is right (the control)', async () => {
    const [origin, mirror] = [await registry(), await registry()];
    const { pulled, passed } = pull(`${origin.host}/a/b:1`, mirrored(origin, mirror.host));
    expect((await pulled).id).toBe(image.config.digest);
    expect([origin.requests, passed]).toEqual([[], []]);
  });

  it.each<[string, Answer, RegExp]>([
    ['a page as its manifest', says(isManifest, html), /not JSON/],
    ['status 503', says(isManifest, broken), /status 503/],
    ['nothing', says(isManifest, silent), /stopped answering/],
    ['a manifest of another format', says(isManifest, (to) => to.end('{}')), /schema 1/],
    ['a page as the configuration', says(isConfig, html), /configuration/],
    ['no configuration', says(isConfig, (to) => to.writeHead(404).end()), /no such image/],
  ])('is passed over for the registry if it sends %s', async (what, answer, problem) => {
    const [origin, mirror] = [await registry(), await registry(answer)];
    const { pulled, passed } = pull(
      `${origin.host}/a/b:1`,
      mirrored(origin, mirror.host),
      patience(what),
    );
    expect((await pulled).id).toBe(image.config.digest);
    expect(passed).toEqual([expect.stringMatching(problem)]);
    expect(passed[0]).toContain(mirror.host);
    expect(heard(mirror, layer.digest)).toBe(0);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['a page', html],
    ['other bytes', (to) => to.end(Buffer.alloc(layer.size, 'x'))],
    ['more bytes', (to) => to.end(Buffer.concat([layer.bytes, Buffer.alloc(9)]))],
    ['status 503', broken],
    ['nothing', silent],
  ])('is passed over for one layer if it sends %s as a layer', async (what, answer) => {
    const [origin, mirror] = [await registry(), await registry(says(isLayer, answer))];
    const { pulled, passed, store } = pull(
      `${origin.host}/a/b:1`,
      mirrored(origin, mirror.host),
      patience(what),
    );
    expect((await pulled).id).toBe(image.config.digest);
    expect(passed).toHaveLength(1);
    expect(origin.requests.map(({ path }) => path)).toEqual([`/v2/a/b/blobs/${layer.digest}`]);
    expect(readdirSync(join(store.directory, 'images/partial'))).toEqual([]);
  });

  it('is passed over if it sends another manifest than was asked for by digest', async () => {
    const other = says(isManifest, (to) => to.end(`${image.manifest.bytes} `));
    const [origin, mirror] = [await registry(), await registry(other)];
    const ref = `${origin.host}/a/b@${image.manifest.digest}`;
    const { pulled, passed } = pull(ref, mirrored(origin, mirror.host));
    expect((await pulled).id).toBe(image.config.digest);
    expect(passed).toEqual([expect.stringContaining('digest')]);
    // Such an answer of the registry itself is an error.
    const alone = pull(`${mirror.host}/a/b@${image.manifest.digest}`, {});
    await expect(alone.pulled).rejects.toThrow(expect.objectContaining({ code: 'ERR_IMAGE' }));
  });

  it('the next of several, and in the end the error of the registry', async () => {
    const [origin, mirror] = [await registry(), await registry()];
    const nowhere = await registry();
    await nowhere.stop();
    const { pulled } = pull(`${origin.host}/a/b:1`, mirrored(origin, nowhere.host, mirror.host));
    expect((await pulled).id).toBe(image.config.digest);
    expect(origin.requests).toEqual([]);
    const none = await registry((_, response) => {
      response.writeHead(404).end();
      return true;
    });
    const failed = pull(`${none.host}/a/b:1`, mirrored(none, nowhere.host));
    await expect(failed.pulled).rejects.toThrow(`${none.host} has no such image of a/b`);
    expect(failed.passed).toHaveLength(1);
  });
});

describe('the user', () => {
  it('blocks a registry: it is not asked', async () => {
    const server = await registry();
    const conf = `[[registry]]\nlocation = "${server.host}"\n`;
    await pull(`${server.host}/a/b:1`, { 'registries.conf.d/x.conf': conf }).pulled;
    server.requests.length = 0;
    const files = { 'registries.conf.d/x.conf': `${conf}blocked = true\n` };
    const { pulled, env } = pull(`${server.host}/a/b:1`, files);
    const file = `${env.HOME}/.config/containers/registries.conf.d/x.conf`;
    await expect(pulled).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_REGISTRY', message: expect.stringContaining(file) }),
    );
    expect(server.requests).toEqual([]);
  });

  it('gives a short name an alias, by which it is found, shown and removed', async () => {
    const server = await registry();
    const files = { 'registries.conf.d/x.conf': `[aliases]\n"tool" = "${server.host}/a/b"\n` };
    const { pulled, store, env } = pull('tool:1', files);
    expect((await pulled).reference).toBe(`${server.host}/a/b:1`);
    server.requests.length = 0;
    const again = await ensureImage('tool:1', { store, registry: { env } });
    expect([again.reference, server.requests]).toEqual([`${server.host}/a/b:1`, []]);
    const { references } = await removeImages(store, [`${server.host}/a/b:1`]);
    expect(references).toEqual([`${server.host}/a/b:1`]);
  });

  it('names registries to look for short names at: the first that has it', async () => {
    const none = await registry((_, response) => {
      response.writeHead(404).end();
      return true;
    });
    const server = await registry();
    const hosts = [none.host, server.host].map((host) => `"${host}"`).join(', ');
    const conf = { 'registries.conf': `unqualified-search-registries = [${hosts}]` };
    expect((await pull('tool:1', conf).pulled).reference).toBe(`${server.host}/tool:1`);
    expect(none.requests.length).toBeGreaterThan(0);
    const only = { 'registries.conf': `unqualified-search-registries = ["${none.host}"]` };
    await expect(pull('tool:1', only).pulled).rejects.toThrow(
      new RegExp(`no such image of tool.*"tool:1" is ${none.host}/tool:1 by .*registries.conf`),
    );
  });

  it('rejects images, or wants signatures: they are not fetched', async () => {
    const server = await registry();
    const policy = (type: string): Record<string, string> => ({
      'policy.json': JSON.stringify({
        default: [{ type: 'insecureAcceptAnything' }],
        transports: { docker: { [`${server.host}/a`]: [{ type }] } },
      }),
    });
    const rejected = pull(`${server.host}/a/b:1`, policy('reject'));
    await expect(rejected.pulled).rejects.toThrow(/policy\.json rejects/);
    const signed = pull(`${server.host}/a/b:1`, policy('signedBy'));
    await expect(signed.pulled).rejects.toThrow(/requires a signature.*signedBy/);
    expect(server.requests).toEqual([]);
    // The control: another repository.
    await pull(`${server.host}/c/b:1`, policy('reject')).pulled;
    await pull(`${server.host}/a/b:1`, policy('insecureAcceptAnything')).pulled;
  });
});
