import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readStoredImage } from '../../../src/image/index.js';
import { fakeHost } from '../resolve/fake-host.js';

const state = '/home/ann/.local/state/wasbox';
const key = (letter: string): string => letter.repeat(64);
const id = `sha256:${key('a')}`;
const image = {
  architecture: 'amd64',
  os: 'linux',
  config: {
    Env: ['A=1', 'B=2', 'A=3'],
    Cmd: ['sh'],
    WorkingDir: '/srv',
    ExposedPorts: { '80/tcp': {} },
  },
};
const record = { version: 1, id, layers: [key('c'), key('b')], image };

const recordPath = (reference: string, platform = 'linux/amd64'): string => {
  const name = createHash('sha256').update(`${reference}\n${platform}`).digest('hex');
  return `${state}/images/refs/${name}.json`;
};
const layers = {
  [`${state}/images/layers/${key('b')}/fs/x`]: '',
  [`${state}/images/layers/${key('c')}/fs/x`]: '',
};
const hostWith = (files: Record<string, string>) => fakeHost({ files: { ...layers, ...files } });
const reference = 'docker.io/library/python:3.13';
const stored = (changed: object) =>
  hostWith({ [recordPath(reference)]: JSON.stringify({ ...record, ...changed }) });
const read = (host: ReturnType<typeof fakeHost>, ref = 'python:3.13', platform = 'linux/amd64') =>
  readStoredImage(host, state, ref, platform);

describe('readStoredImage', () => {
  it('finds an image by each of its names', () => {
    const host = stored({});
    for (const ref of [
      'python:3.13',
      'docker://python:3.13',
      'index.docker.io/library/python:3.13',
    ])
      expect(read(host, ref)).toEqual({
        id,
        reference,
        lock: `${state}/images/locks/image-${key('a')}`,
        lowers: [`${state}/images/layers/${key('c')}/fs`, `${state}/images/layers/${key('b')}/fs`],
        config: {
          env: ['A=3', 'B=2'],
          workingDir: '/srv',
          entrypoint: [],
          cmd: ['sh'],
          user: '',
          exposedPorts: ['80/tcp'],
          volumes: [],
          labels: {},
          architecture: 'amd64',
          os: 'linux',
        },
      });
  });

  it('finds an image by its id', () => {
    const host = hostWith({ [`${state}/images/ids/${key('a')}.json`]: JSON.stringify(record) });
    expect(read(host, id)?.id).toBe(id);
  });

  it('has none of another tag, another platform, or without its layers', () => {
    expect(read(stored({}), 'python:3.12')).toBeUndefined();
    expect(read(stored({}), 'python:3.13', 'linux/arm64')).toBeUndefined();
    expect(read(stored({ layers: [key('d')] }))).toBeUndefined();
  });

  it('has none where the layout has changed since', () => {
    const path = '/home/ann/proj/img';
    const text = JSON.stringify({ manifests: [] });
    const stamp = createHash('sha256').update(text).digest('hex');
    const with_ = (now: string) =>
      hostWith({
        [`${path}/index.json`]: now,
        [recordPath(`oci:${path}:v1`)]: JSON.stringify({ ...record, stamp }),
      });
    expect(read(with_(text), 'oci:img:v1')?.id).toBe(id);
    expect(read(with_(`${text} `), 'oci:img:v1')).toBeUndefined();
  });

  it.each([
    ['another version', { version: 2 }, 'ERR_IMAGE_STORE'],
    ['a layer elsewhere', { layers: ['../../../etc'] }, 'ERR_IMAGE'],
    ['a layer that is no text', { layers: [1] }, 'ERR_IMAGE'],
    ['no id', { id: '' }, 'ERR_IMAGE'],
    ['a configuration of another type', { image: { config: { Cmd: 'sh' } } }, 'ERR_IMAGE'],
    ['no configuration', { image: null }, 'ERR_IMAGE'],
    ['a relative directory', { image: { config: { WorkingDir: 'a' } } }, 'ERR_IMAGE'],
  ])('refuses a record with %s', (_, changed, code) => {
    expect(() => read(stored(changed))).toThrow(expect.objectContaining({ code }));
  });
});
