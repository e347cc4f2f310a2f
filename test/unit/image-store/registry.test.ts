import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReference, type RegistryReference } from '../../../src/image/index.js';
import { parseChallenge } from '../../../src/image-store/registry/challenge.js';
import { isSameSite } from '../../../src/image-store/registry/client.js';
import { credentialsFor } from '../../../src/image-store/registry/credentials.js';
import { endpointsOf } from '../../../src/image-store/registry/endpoint.js';

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

describe('isSameSite', () => {
  it.each([
    ['registry-1.docker.io', 'auth.docker.io', true],
    ['localhost:5000', 'localhost:5001', true],
    ['registry.gitlab.example', 'gitlab.example', true],
    ['ghcr.example', 'evil.example', false],
    ['docker.io.evil.example', 'auth.docker.io', false],
    ['127.0.0.1:5000', '127.0.0.2', false],
    ['[::1]:5000', '[::2]', false],
    ['localhost', 'host', false],
    ['a.io', 'b.io', false],
  ])('%s and %s: %s', (one, two, same) => {
    expect(isSameSite(one, two)).toBe(same);
  });
});

describe('endpointsOf', () => {
  const hosts = (text: string, options: object = {}): string[] =>
    endpointsOf(parseReference(text, '/') as RegistryReference, options, {
      HOME: '/nonexistent',
    }).map(({ host, repository, plain }) => `${plain} ${host}/${repository}`);

  it.each<[string, object, string[]]>([
    ['python', {}, ['never registry-1.docker.io/library/python']],
    ['localhost:5000/a', {}, ['fallback localhost:5000/a']],
    ['127.0.0.1/a', {}, ['fallback 127.0.0.1/a']],
    ['127.0.0.1.example.com/a', {}, ['never 127.0.0.1.example.com/a']],
    ['r.example:80/a', { plainHttp: ['r.example:80'] }, ['always r.example:80/a']],
    [
      'python',
      { mirrors: ['docker.io=m.example/hub'] },
      ['never m.example/hub/library/python', 'never registry-1.docker.io/library/python'],
    ],
    ['r.example/a', { mirrors: ['docker.io=m.example'] }, ['never r.example/a']],
  ])('%s %j', (text, options, found) => {
    expect(hosts(text, options)).toEqual(found);
  });

  it('refuses what is no mirror', () => {
    for (const mirror of ['x', 'x=', 'x=http://y', 'x=y=z'])
      expect(() => hosts('x/a', { mirrors: [mirror] })).toThrow(/invalid mirror/);
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

  const find = (host: string, config: object | string) => {
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    writeFileSync(join(home, '.docker/config.json'), text);
    return credentialsFor(host, { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` });
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
