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
    [`a.example/${'b'.repeat(255)}`, `a.example/${'b'.repeat(255)}:latest`],
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
    `a.example/${'b'.repeat(256)}`,
    'sha256:zz',
    'docker://sha256:zz',
    digest.slice(0, 20),
    digest.slice('sha256:'.length),
    digest.replace('256', '512'),
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
    ['armhf', 'linux/arm/v7'],
    ['linux/i386', 'linux/386'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/arm64/v8.2', 'linux/arm64/v8.2'],
    ['linux/ppc64le/power10', 'linux/ppc64le/power10'],
  ])('%s is %s', (text, full) => {
    expect(platformText(parsePlatform(text))).toBe(full);
  });

  it.each([
    ['', 'unknown architecture'],
    ['banana', 'unknown architecture'],
    ['linux', 'unknown architecture'],
    ['linux/', 'unknown architecture'],
    ['linux/amd46', 'unknown architecture'],
    ['linux/__proto__', 'unknown architecture'],
    ['a/b/c/d', 'an image for Linux is needed'],
    ['windows/amd64', 'an image for Linux is needed'],
    ['li nux/amd64', 'an image for Linux is needed'],
    ['amd64/v2', 'an image for Linux is needed'],
    ['linux/arm/7', 'unknown variant'],
    ['linux/armhf/v7', 'unknown variant'],
    ['linux/arm/v7/', 'unknown variant'],
  ])('refuses %j: %s', (text, problem) => {
    expect(() => parsePlatform(text)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_VALUE',
        message: `invalid platform "${text}": ${problem}`,
        hint: expect.stringContaining('linux/amd64'),
      }),
    );
  });
});
