import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  parseReference,
  type Registries,
  type RegistryReference,
  readRegistries,
} from '../../../src/image/index.js';
import { parseChallenge } from '../../../src/image-store/registry/challenge.js';
import { credentialsFor } from '../../../src/image-store/registry/credentials.js';
import { endpointsOf } from '../../../src/image-store/registry/endpoint.js';
import { fakeHost } from '../resolve/fake-host.js';

describe('parseChallenge', () => {
  it.each([
    [
      'Bearer realm="https://auth.example/token",service="a b",scope="repository:x:pull,push"',
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.example/token',
          service: 'a b',
          scope: 'repository:x:pull,push',
        },
      },
    ],
    [
      'bearer  REALM = "x\\"y" , service=z',
      { scheme: 'bearer', parameters: { realm: 'x"y', service: 'z' } },
    ],
    ['Basic realm="x"', { scheme: 'basic', parameters: { realm: 'x' } }],
    ['Basic', { scheme: 'basic', parameters: {} }],
    [
      'Bearer __proto__="x"',
      { scheme: 'bearer', parameters: JSON.parse('{"__proto__":"x"}') as object },
    ],
  ])('%s', (header, found) => {
    const { scheme, parameters } = parseChallenge(header) ?? {};
    expect({ scheme, parameters: { ...parameters } }).toEqual(found);
  });

  it.each([undefined, '', 'Negotiate', 'Digest realm="x"', `Bearer realm="${'x'.repeat(9000)}"`])(
    '%s',
    (header) => {
      expect(parseChallenge(header)).toBeUndefined();
    },
  );
});

const none = (text = ''): Registries =>
  readRegistries(fakeHost({ files: { '/etc/containers/registries.conf': text } }));

/** The endpoints of an image, with what may be plain, by a `registries.conf`. */
const endpoints = (image: string, conf = '', options: object = {}): string[] =>
  endpointsOf(parseReference(image, '/') as RegistryReference, options, none(conf)).map(
    ({ host, repository, name, plain }) => `${plain} ${host}/${repository} ${name}`,
  );

describe('endpointsOf', () => {
  it.each<[string, object, string[]]>([
    ['python', {}, ['never registry-1.docker.io/library/python latest']],
    ['localhost:5000/a', {}, ['fallback localhost:5000/a latest']],
    ['127.0.0.1/a', {}, ['fallback 127.0.0.1/a latest']],
    ['127.0.0.1.example.com/a', {}, ['never 127.0.0.1.example.com/a latest']],
    ['r.example:80/a', { plainHttp: ['r.example:80'] }, ['always r.example:80/a latest']],
    [
      'python:3',
      { mirrors: ['docker.io=m.example/hub'] },
      ['never m.example/hub/library/python 3', 'never registry-1.docker.io/library/python 3'],
    ],
    ['r.example/a', { mirrors: ['docker.io=m.example'] }, ['never r.example/a latest']],
  ])('%s %j', (text, options, found) => {
    expect(endpoints(text, '', options)).toEqual(found);
  });

  it('refuses what is no mirror, and no host', () => {
    for (const mirror of ['x', 'x=', 'x=http://y', 'x=y=z'])
      expect(() => endpoints('x/a', '', { mirrors: [mirror] })).toThrow(/invalid mirror/);
    for (const host of ['', 'http://x', 'x/y', 'x?y', 'u@x'])
      expect(() => endpoints('x/a', '', { plainHttp: [host] })).toThrow(/not a host/);
  });

  const digest = `sha256:${'0'.repeat(64)}`;
  const mirrored = (more: string): string =>
    `[[registry]]\nlocation = "r.example"\n${more}\n[[registry.mirror]]\nlocation = "m.example/r"\n`;
  it.each<[string, string, string, string[]]>([
    [
      "the manual's first example",
      `[[registry]]\nprefix = "example.com/foo"\nlocation = "internal.example/bar"
       [[registry.mirror]]\nlocation = "one.local/mirror-for-foo"
       [[registry.mirror]]\nlocation = "two.local/mirrors/foo"\ninsecure = true`,
      'example.com/foo/image:1',
      [
        'never one.local/mirror-for-foo/image 1',
        'insecure two.local/mirrors/foo/image 1',
        'never internal.example/bar/image 1',
      ],
    ],
    [
      'the longest prefix',
      `[[registry]]\nprefix = "r.example/a"\nlocation = "long.example"
       [[registry]]\nprefix = "r.example"\nlocation = "short.example"`,
      'r.example/a/b',
      ['never long.example/b latest'],
    ],
    [
      'a prefix that is only the beginning of a name',
      '[[registry]]\nprefix = "r.example/a"\nlocation = "x.example"',
      'r.example/ab',
      ['never r.example/ab latest'],
    ],
    [
      'a prefix with a tag',
      '[[registry]]\nprefix = "r.example/a:1"\nlocation = "x.example/b:2"',
      'r.example/a:1',
      ['never x.example/b 2'],
    ],
    [
      'a wildcard that leaves the name',
      '[[registry]]\nprefix = "*.example.com"\ninsecure = true',
      'deep.sub.example.com:5000/a',
      ['insecure deep.sub.example.com:5000/a latest'],
    ],
    [
      'a wildcard with a location',
      '[[registry]]\nprefix = "*.example.com"\nlocation = "x.example/all"',
      'sub.example.com/a:1',
      ['never x.example/all/a 1'],
    ],
    [
      'a wildcard, not of the domain itself',
      '[[registry]]\nprefix = "*.example.com"\nblocked = true',
      'example.com/a',
      ['never example.com/a latest'],
    ],
    [
      'a wildcard, not of a repository that looks like it',
      '[[registry]]\nprefix = "*.example.com"\nblocked = true',
      'r.example/x.example.com',
      ['never r.example/x.example.com latest'],
    ],
    [
      'Docker Hub by its prefix',
      '[[registry]]\nprefix = "docker.io/library"\nlocation = "m.example/hub"',
      'python:3',
      ['never m.example/hub/python 3'],
    ],
    [
      'mirrors for digests, asked by tag',
      mirrored('mirror-by-digest-only = true'),
      'r.example/a:1',
      ['never r.example/a 1'],
    ],
    [
      'mirrors for digests, asked by digest',
      mirrored('mirror-by-digest-only = true'),
      `r.example/a@${digest}`,
      [`never m.example/r/a ${digest}`, `never r.example/a ${digest}`],
    ],
    [
      'a mirror for tags, asked by digest',
      `${mirrored('')}pull-from-mirror = "tag-only"`,
      `r.example/a@${digest}`,
      [`never r.example/a ${digest}`],
    ],
    [
      'the old format',
      '[registries.insecure]\nregistries = ["r.example"]',
      'r.example/a',
      ['insecure r.example/a latest'],
    ],
  ])('registries.conf: %s', (_, conf, image, found) => {
    expect(endpoints(image, conf)).toEqual(found);
  });

  it.each([
    ['[[registry]]\nlocation = "r.example"\nblocked = true', 'r.example/a'],
    ['[[registry]]\nlocation = "r.example"\nblocked = true', 'r.example:5000/a'],
    ['[[registry]]\nprefix = "*.example"\nblocked = true', 'r.example/a'],
    ['[[registry]]\nlocation = "docker.io/library/python"\nblocked = true', 'python:3'],
    ['[registries.block]\nregistries = ["r.example"]', 'r.example/a'],
  ])('refuses what %j blocks: %s', (conf, image) => {
    expect(() => endpoints(image, conf)).toThrow(
      expect.objectContaining({
        code: 'ERR_REGISTRY',
        message: expect.stringContaining('/etc/containers/registries.conf blocks'),
      }),
    );
  });
});

describe('credentialsFor', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'wasbox-credentials-'));
    mkdirSync(join(home, '.docker'));
    mkdirSync(join(home, 'bin'));
    const helper = join(home, 'bin/docker-credential-tokens');
    writeFileSync(
      helper,
      '#!/bin/sh\nread s\n[ $s = t.example ] && echo \'{"Username":"<token>","Secret":"refresh"}\'\n',
    );
    chmodSync(helper, 0o755);
  });
  afterAll(() => rmSync(home, { recursive: true }));

  const find = (registry: string, config: object | string, repository = 'a/b') => {
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    writeFileSync(join(home, '.docker/config.json'), text);
    return credentialsFor(
      { registry, repository },
      { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` },
    );
  };
  const auth = Buffer.from('ann:se:cret').toString('base64');
  const ann = { kind: 'password', user: 'ann', password: 'se:cret' };

  it.each<[string, string, object, object | undefined]>([
    ['a host', 'r.example', { auths: { 'r.example': { auth } } }, ann],
    ['its address', 'r.example', { auths: { 'https://r.example/v1/': { auth } } }, ann],
    [
      "Docker Hub's address",
      'docker.io',
      { auths: { 'https://index.docker.io/v1/': { auth } } },
      ann,
    ],
    ['another host', 'r.example', { auths: { 'q.example': { auth } } }, undefined],
    [
      'a host that only ends like it',
      'r.example',
      { auths: { 'x.r.example': { auth } } },
      undefined,
    ],
    [
      'an identity token',
      'r.example',
      { auths: { 'r.example': { auth, identitytoken: 't' } } },
      { kind: 'token', token: 't' },
    ],
    [
      'a helper with a token',
      't.example',
      { credHelpers: { 't.example': 'tokens' } },
      { kind: 'token', token: 'refresh' },
    ],
    [
      'a store that knows it',
      't.example',
      { credsStore: 'tokens' },
      { kind: 'token', token: 'refresh' },
    ],
    [
      'a store that does not',
      'r.example',
      { credsStore: 'tokens', auths: { 'r.example': { auth } } },
      ann,
    ],
    ['the prototype', 'constructor', { auths: {} }, undefined],
  ])('%s', async (_, host, config, found) => {
    expect(await find(host, config)).toEqual(found);
  });

  it('finds those of a repository before those of what is above it', async () => {
    const entry = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
    const auths = {
      'r.example': entry('host:x'),
      'r.example/a': entry('above:x'),
      'r.example/a/b': entry('own:x'),
    };
    const users = ['a/b', 'a/c', 'c', 'ab'].map(async (repository) => {
      const found = await find('r.example', { auths }, repository);
      return found?.kind === 'password' ? found.user : undefined;
    });
    expect(await Promise.all(users)).toEqual(['own', 'above', 'host', 'host']);
  });

  it.each<[string, object | string]>([
    ['no JSON', '{'],
    ['a helper that is a path', { credHelpers: { 'r.example': '../bin/tokens' } }],
    ['a helper that is not there', { credHelpers: { 'r.example': 'missing' } }],
    ['an entry without a user', { auths: { 'r.example': { auth: 'eA==' } } }],
  ])('refuses %s', async (_, config) => {
    await expect(find('r.example', config)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_REGISTRY' }),
    );
  });
});
