/** Pulls from Debian's docker-registry: plain, with TLS, with a password, with tokens, through a mirror. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore, removeDirectory, type Store } from '../../../src/changes/index.js';
import { type EnsureOptions, ensureImage } from '../../../src/image-store/index.js';
import { loadNative } from '../../../src/native/index.js';
import {
  type Certificate,
  madeServer,
  makeCertificate,
  type RealRegistry,
  realRegistry,
  signedToken,
} from '../../support/image-registry.js';
import {
  imageBlobs,
  machine,
  manifestEntry,
  overlaid,
  sha256,
  type Tree,
  tarOf,
  umociTree,
  writeBlob,
  writeIndex,
  writeLayout,
} from '../../support/images.js';

const { native } = loadNative();
const name = 'team/app';
let scratch: string;
let storage: string;
let certificate: Certificate;
let expected: Tree;
let digest: string;
let count = 0;

const place = (): string => {
  const path = join(scratch, `case-${count++}`);
  mkdirSync(path);
  return path;
};

const running: { stop(): Promise<void> }[] = [];
async function started<T extends { stop(): Promise<void> }>(made: Promise<T>): Promise<T> {
  const one = await made;
  running.push(one);
  return one;
}

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'wasbox-registry-'));
  storage = place();
  certificate = makeCertificate(place());
  const layout = place();
  const layers = [
    await tarOf([
      { name: 'etc/', type: 'directory' },
      { name: 'etc/old', data: 'old' },
      { name: 'etc/kept', mode: 0o600, data: 'kept' },
    ]),
    await tarOf([
      { name: 'etc/', type: 'directory' },
      { name: 'etc/.wh.old' },
      { name: 'etc/big', data: Buffer.alloc(300_000, 'b') },
    ]),
  ];
  writeLayout(layout, { layers });
  expected = umociTree(layout, place());
  ({ digest } = imageBlobs({ layers }).manifest);
  const plain = await started(realRegistry({ storage, scratch: place() }));
  const authfile = join(place(), 'auth.json');
  writeFileSync(authfile, '{}'); // not the one of the user who runs the test
  const push = (from: string, to: string): void => {
    execFileSync(
      'skopeo',
      [
        'copy',
        '--authfile',
        authfile,
        '--dest-tls-verify=false',
        '--preserve-digests',
        '--all',
        from,
        `docker://${plain.host}/${to}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
  };
  push(`oci:${layout}:test`, `${name}:1`);
  // The image is for two platforms.
  const both = place();
  const entries = ['amd64', 'arm64'].map((architecture) => {
    const { manifest, blobs } = imageBlobs({
      layers,
      architecture,
      config: { Labels: { architecture } },
    });
    for (const { bytes } of blobs) writeBlob(both, bytes);
    return manifestEntry(manifest, undefined, { platform: { os: 'linux', architecture } });
  });
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: entries,
    }),
  );
  writeBlob(both, index);
  writeIndex(both, [
    {
      ...manifestEntry({ digest: sha256(index), size: index.length, bytes: index }, 'both'),
      mediaType: 'application/vnd.oci.image.index.v1+json',
    },
  ]);
  push(`oci:${both}:both`, `${name}:both`);
  await plain.stop();
});
afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()));
  removeDirectory(native, scratch);
});

const newStore = (): Store => openStore(native, { directory: join(place(), 'state') });

/** Pulls into a store of its own, with a home of its own. */
async function pulled(
  ref: string,
  files: Record<string, string> = {},
  options: Partial<EnsureOptions> = {},
) {
  const home = place();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(home, path, '..'), { recursive: true });
    writeFileSync(join(home, path), text, { mode: 0o755 });
  }
  const env = { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` };
  const before = process.env.HOME;
  process.env.HOME = home; // where certificates are looked for
  try {
    return await ensureImage(ref, { store: newStore(), registry: { env }, ...options });
  } finally {
    if (before === undefined) delete process.env.HOME;
    else process.env.HOME = before;
  }
}

const auth = (host: string, text: string): Record<string, string> => ({
  '.docker/config.json': JSON.stringify({
    auths: { [host]: { auth: Buffer.from(text).toString('base64') } },
  }),
});

const denied = expect.objectContaining({ code: 'ERR_REGISTRY' });

describe('docker-registry', () => {
  let plain: RealRegistry;
  beforeAll(async () => {
    plain = await started(realRegistry({ storage, scratch: place() }));
  });

  it('without TLS, on this machine', async () => {
    const image = await pulled(`${plain.host}/${name}:1`);
    expect(overlaid(image.lowers, place())).toEqual(expected);
    expect(image.reference).toBe(`${plain.host}/${name}:1`);
  });

  it('is pulled from by digest', async () => {
    const image = await pulled(`${plain.host}/${name}@${digest}`);
    expect(overlaid(image.lowers, place())).toEqual(expected);
  });

  it.each(['amd64', 'arm64'])('is pulled from for %s', async (architecture) => {
    const image = await pulled(`${plain.host}/${name}:both`, {}, { platform: architecture });
    expect(image.config.labels).toEqual({ architecture });
  });

  it('for this machine, where nothing is said', async () => {
    const image = await pulled(`${plain.host}/${name}:both`);
    expect(image.config.labels).toEqual({ architecture: machine });
  });

  it('has no such tag, and no such platform', async () => {
    const missing = expect.objectContaining({ code: 'ERR_IMAGE_NOT_FOUND' });
    await expect(pulled(`${plain.host}/${name}:2`)).rejects.toThrow(missing);
    await expect(pulled(`${plain.host}/${name}:both`, {}, { platform: 's390x' })).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringContaining('linux/amd64') }),
    );
  });

  it('is pulled from through a mirror', async () => {
    const mirrors = [`nowhere.invalid=${plain.host}`];
    const registry = { mirrors, env: {} };
    const image = await pulled(`nowhere.invalid/${name}:1`, {}, { registry });
    expect(overlaid(image.lowers, place())).toEqual(expected);
    const conf = join(place(), 'registries.conf');
    writeFileSync(
      conf,
      `[[registry]]\nprefix = "nowhere.invalid/team"\n[[registry.mirror]]\nlocation = "${plain.host}/team"\n`,
    );
    const env = { CONTAINERS_REGISTRIES_CONF: conf };
    const second = await pulled(`nowhere.invalid/${name}:1`, {}, { registry: { env } });
    expect(second.id).toBe(image.id);
  });

  it('is asked where the mirror has none', async () => {
    const mirror = await started(madeServer((_, response) => response.writeHead(404).end()));
    const registry = { mirrors: [`${plain.host}=${mirror.host}`], env: {} };
    const image = await pulled(`${plain.host}/${name}:1`, {}, { registry });
    expect(image.id).toMatch(/^sha256:/);
    expect(mirror.requests.map(({ path }) => path)).toContain(`/v2/${name}/manifests/1`);
  });

  it('with TLS, only if the certificate is trusted', async () => {
    const { host } = await started(realRegistry({ storage, scratch: place(), tls: certificate }));
    await expect(pulled(`${host}/${name}:1`)).rejects.toThrow(denied);
    const trusted = {
      [`.config/containers/certs.d/${host}/ca.crt`]: readFileSync(certificate.cert, 'utf8'),
    };
    const image = await pulled(`${host}/${name}:1`, trusted);
    expect(overlaid(image.lowers, place())).toEqual(expected);
  });

  it('with a password, from a file or a credential helper', async () => {
    const htpasswd = join(place(), 'htpasswd');
    writeFileSync(htpasswd, execFileSync('htpasswd', ['-Bbn', 'ann', 'secret']));
    const { host } = await started(realRegistry({ storage, scratch: place(), htpasswd }));
    const ref = `${host}/${name}:1`;
    await expect(pulled(ref)).rejects.toThrow(denied);
    await expect(pulled(ref, auth(host, 'ann:wrong'))).rejects.toThrow(denied);
    const image = await pulled(ref, auth(host, 'ann:secret'));
    expect(overlaid(image.lowers, place())).toEqual(expected);
    const helper = (secret: string) => ({
      '.docker/config.json': JSON.stringify({ credHelpers: { [host]: 'mine' } }),
      'bin/docker-credential-mine': `#!/bin/sh\nread server\n[ "$1 $server" = "get ${host}" ] || exit 1\necho '{"Username": "ann", "Secret": "${secret}"}'\n`,
    });
    await expect(pulled(ref, helper('wrong'))).rejects.toThrow(denied);
    expect((await pulled(ref, helper('secret'))).id).toBe(image.id);
  });

  it('is pulled from with tokens', async () => {
    const tokens = await started(
      madeServer((request, response) => {
        const known =
          request.headers.authorization === `Basic ${Buffer.from('ann:secret').toString('base64')}`;
        const { searchParams } = new URL(request.url ?? '', 'http://localhost');
        const right = searchParams.get('scope') === `repository:${name}:pull`;
        const access = known && right ? [{ type: 'repository', name, actions: ['pull'] }] : [];
        response.end(JSON.stringify({ token: signedToken(certificate, access) }));
      }),
    );
    const realm = `http://${tokens.host}/token`;
    const token = { realm, certificate: certificate.cert };
    const { host } = await started(realRegistry({ storage, scratch: place(), token }));
    await expect(pulled(`${host}/${name}:1`)).rejects.toThrow(denied);
    const image = await pulled(`${host}/${name}:1`, auth(host, 'ann:secret'));
    expect(overlaid(image.lowers, place())).toEqual(expected);
  });
});
