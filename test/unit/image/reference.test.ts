import { describe, expect, it } from 'vitest';
import { parsePlatform, parseReference, platformText } from '../../../src/image/index.js';

const digest = `sha256:${'0'.repeat(64)}`;

describe('parseReference', () => {
  it.each([
    ['python', 'docker.io/library/python:latest'],
    ['ann/tool:1.2', 'docker.io/ann/tool:1.2'],
    ['localhost/a', 'localhost/a:latest'],
    ['localhost:5000/a/b:t', 'localhost:5000/a/b:t'],
    ['[::1]:5000/a', '[::1]:5000/a:latest'],
    ['Registry/a', 'Registry/a:latest'],
    ['docker://ghcr.io/a/b__c', 'ghcr.io/a/b__c:latest'],
    [`ghcr.io/a/b@${digest}`, `ghcr.io/a/b@${digest}`],
    [`ghcr.io/a/b:t@${digest}`, `ghcr.io/a/b:t@${digest}`],
    [digest, digest],
    ['oci:img', 'oci:/work/img'],
    ['oci:./x/../img:v1', 'oci:/work/img:v1'],
    ['oci-archive:/a//b.tar', 'oci-archive:/a/b.tar'],
    ['docker-archive:b.tar:ann/tool:1', 'docker-archive:/work/b.tar:ann/tool:1'],
  ])('%s is %s', (text, full) => {
    expect(parseReference(text, '/work').text).toBe(full);
    expect(parseReference(full, '/').text).toBe(full);
  });

  it.each([
    '',
    'UPPER',
    'a/../b',
    'a b',
    'a:',
    'a@sha256:00',
    `a@${digest}@${digest}`,
    'http://host/a',
    'user@host/a',
    'host.example/a?b',
    'host.example/',
    'oci:',
    'oci:dir:',
    'a\0b',
  ])('refuses %j', (text) => {
    expect(() => parseReference(text, '/work')).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_VALUE' }),
    );
  });
});

describe('parsePlatform', () => {
  it.each([
    ['arm64', 'linux/arm64'],
    ['x86_64', 'linux/amd64'],
    ['linux/arm/v7', 'linux/arm/v7'],
  ])('%s is %s', (text, full) => {
    expect(platformText(parsePlatform(text))).toBe(full);
  });

  it.each(['', 'a/b/c/d', 'linux/', 'li nux/amd64'])('refuses %j', (text) => {
    expect(() => parsePlatform(text)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_VALUE' }),
    );
  });
});
