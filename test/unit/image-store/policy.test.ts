import { describe, expect, it } from 'vitest';
import { parseReference } from '../../../src/image/index.js';
import { refuseRejected } from '../../../src/image-store/policy.js';
import { fakeHost } from '../resolve/fake-host.js';

const system = '/etc/containers/policy.json';
const own = '/home/ann/.config/containers/policy.json';
const accept = [{ type: 'insecureAcceptAnything' }];
const reject = [{ type: 'reject' }];

const check = (image: string, files: Record<string, string>): void =>
  refuseRejected(parseReference(image, '/'), fakeHost({ files, env: { HOME: '/home/ann' } }));

const isAccepted = (image: string, policy: object): boolean => {
  try {
    check(image, { [system]: JSON.stringify(policy) });
    return true;
  } catch (error) {
    expect(error).toMatchObject({
      code: 'ERR_REGISTRY',
      message: expect.stringContaining(`${system} rejects`),
    });
    return false;
  }
};
const docker = (scopes: object, rest: object[] = accept) => ({
  default: rest,
  transports: { docker: scopes },
});

describe('refuseRejected', () => {
  it.each<[string, object, boolean]>([
    ['python:3', { default: accept }, true],
    ['python:3', { default: reject }, false],
    ['python:3', { default: [] }, false],
    ['python:3', {}, false],
    ['python:3', docker({ 'docker.io': reject }), false],
    ['python:3', docker({ 'docker.io/library/python:3': accept }, reject), true],
    ['python:3', docker({ 'docker.io/library/python': accept }, reject), true],
    ['python:3', docker({ 'docker.io/library': reject, 'docker.io': accept }), false],
    ['python:3', docker({ '': reject }), false],
    ['python:3', docker({ '': accept }, reject), true],
    ['docker.io/x/a', docker({ 'docker.io/library': reject }), true],
    ['r.sub.example.com:5000/a', docker({ '*.example.com': reject }), false],
    ['r.sub.example.com/a', docker({ '*.example.com': reject, '*.sub.example.com': accept }), true],
    ['example.com/a', docker({ '*.example.com': reject }), true],
    ['oci:/srv/a', docker({ '': reject }), true],
    ['oci:/srv/a:1', { default: accept, transports: { oci: { '/srv': reject } } }, false],
    ['oci:/srv/a', { default: reject, transports: { oci: { '/srv/a': accept } } }, true],
    [
      'docker-archive:/srv/a',
      { default: accept, transports: { 'docker-archive': { '': reject } } },
      false,
    ],
  ])('%s with %j: %s', (image, policy, accepted) => {
    expect(isAccepted(image, policy)).toBe(accepted);
  });

  it('accepts where the machine has no such file, and takes that of the user first', () => {
    check('python', {});
    const files = { [system]: JSON.stringify({ default: reject }) };
    expect(() => check('python', files)).toThrow(`${system} rejects`);
    check('python', { ...files, [own]: JSON.stringify({ default: accept }) });
  });

  it.each(['signedBy', 'sigstoreSigned', 'of tomorrow'])('refuses what needs %s', (type) => {
    const policy = { default: [...accept, { type }] };
    expect(() => check('python:3', { [system]: JSON.stringify(policy) })).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('which wasbox cannot verify'),
        hint: expect.stringContaining('skopeo copy docker://docker.io/library/python:3'),
      }),
    );
  });

  it.each(['{', '[]', '{"default":{}}', '{"default":[1]}', '{"default":[],"transports":1}'])(
    'refuses where the file is %j',
    (text) => {
      expect(() => check('python', { [system]: text })).toThrow(`Cannot read ${system}`);
    },
  );
});
