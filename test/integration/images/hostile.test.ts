/**
 * Images that others made to do harm: each ends with an error of its own, and nothing outside the store is
 * touched. The host is the oracle: a directory beside the store is compared before and after.
 */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStore, removeDirectory, type Store } from '../../../src/changes/index.js';
import { type EnsureOptions, ensureImage, inspectImage } from '../../../src/image-store/index.js';
import { loadNative } from '../../../src/native/index.js';
import { treeDigest } from '../../support/host.js';
import {
  dockerArchive,
  imageBlobs,
  type MadeImage,
  machine,
  manifestEntry,
  overlaid,
  sha256,
  type TarItem,
  tarOf,
  writeBlob,
  writeIndex,
  writeLayout,
} from '../../support/images.js';

const { native } = loadNative();
let scratch: string;
let outside: string;
let before: string;
let store: Store;
let count = 0;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'wasbox-hostile-'));
  store = openStore(native, { directory: join(scratch, 'state') });
  outside = join(scratch, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'mine', { mode: 0o600 });
  before = treeDigest(outside);
});
afterAll(() => removeDirectory(native, scratch));

/** Nothing outside has changed, nothing is left half made. */
afterEach(() => {
  expect(treeDigest(outside)).toBe(before);
  expect(
    readdirSync(join(scratch))
      .sort()
      .filter((name) => !/^(case-|layout-)/.test(name)),
  ).toEqual(['outside', 'state']);
  const images = join(store.directory, 'images');
  if (existsSync(images)) expect(readdirSync(join(images, 'making'))).toEqual([]);
});

const place = (): string => {
  const path = join(scratch, `case-${count++}`);
  mkdirSync(path);
  return path;
};

const ensure = (ref: string, options: Partial<EnsureOptions> = {}) =>
  ensureImage(ref, { store, ...options });

/** Stores an image with these layers. */
async function stored(
  layers: readonly (readonly TarItem[])[],
  options: Partial<EnsureOptions> = {},
) {
  const layout = place();
  writeLayout(layout, { layers: await Promise.all(layers.map(tarOf)) });
  return ensure(`oci:${layout}`, options);
}

const invalid = (text: RegExp) =>
  expect.objectContaining({ code: 'ERR_IMAGE', message: expect.stringMatching(text) });
const beyond = (text: RegExp) =>
  expect.objectContaining({ code: 'ERR_IMAGE_LIMIT', message: expect.stringMatching(text) });

describe('a layer that tries to get out', () => {
  it.each<[string, RegExp, TarItem[]]>([
    ['a path with ..', /"\.\."/, [{ name: '../outside/new', data: 'x' }]],
    ['a path with .. in its middle', /"\.\."/, [{ name: 'a/../../outside/file', data: 'x' }]],
    ['a directory ..', /"\.\."/, [{ name: 'a/..', type: 'directory' }]],
    ['a whiteout of ..', /nothing/, [{ name: '.wh...' }]],
    ['a whiteout of .', /nothing/, [{ name: '.wh..' }]],
    ['a whiteout without a name', /nothing/, [{ name: 'a/.wh.' }]],
    ['a whiteout below ..', /"\.\."/, [{ name: '../outside/.wh.file' }]],
    ['a hard link to ..', /"\.\."/, [{ name: 'x', type: 'link', linkname: '../outside/file' }]],
    [
      'a hard link to an absolute path',
      /does not have/,
      [{ name: 'x', type: 'link', linkname: '/etc/passwd' }],
    ],
    [
      'a hard link through a symbolic link',
      /does not have/,
      [
        { name: 'l', type: 'symlink', linkname: '/etc' },
        { name: 'x', type: 'link', linkname: 'l/passwd' },
      ],
    ],
    [
      'a hard link to a directory',
      /directory/,
      [
        { name: 'd/', type: 'directory' },
        { name: 'x', type: 'link', linkname: 'd' },
      ],
    ],
    [
      'links in a circle',
      /circle/,
      [
        { name: 'a', type: 'symlink', linkname: 'b' },
        { name: 'b', type: 'symlink', linkname: 'a' },
        { name: 'a/x', data: 'x' },
      ],
    ],
    [
      'a path below a file',
      /below a file/,
      [
        { name: 'f', data: 'x' },
        { name: 'f/x', data: 'x' },
      ],
    ],
    [
      'a hard link in place of its target',
      /holds its target/,
      [
        { name: 'd/', type: 'directory' },
        { name: 'd/f', data: 'x' },
        { name: 'd', type: 'link', linkname: 'd/f' },
      ],
    ],
    ['a directory with a size', /size/, [{ name: 'd/', type: 'directory', pax: { size: '100' } }]],
    [
      'a link with a size',
      /size/,
      [{ name: 'l', type: 'symlink', linkname: 'x', pax: { size: '100' } }],
    ],
    ['a name of 300 bytes', /255/, [{ name: 'n'.repeat(300), data: 'x' }]],
    ['a path of 5000 bytes', /4095/, [{ name: 'deep/'.repeat(1000), data: 'x' }]],
    ['a file as its root', /root/, [{ name: '.', data: 'x' }]],
    ['a link as its root', /root/, [{ name: './', type: 'symlink', linkname: '/etc' }]],
    [
      'a symbolic link of 5000 bytes',
      /target/,
      [{ name: 'l', type: 'symlink', linkname: 'x/'.repeat(2500) }],
    ],
  ])('%s', async (_, problem, items) => {
    await expect(stored([items])).rejects.toThrow(invalid(problem));
  });

  it.each<[string, TarItem[], string]>([
    [
      'an absolute symbolic link',
      [
        { name: 'l', type: 'symlink', linkname: 'OUTSIDE' },
        { name: 'l/new', data: 'new' },
      ],
      'OUTSIDE/new',
    ],
    [
      'a symbolic link with many ..',
      [
        { name: 'a/', type: 'directory' },
        { name: 'a/l', type: 'symlink', linkname: `${'../'.repeat(40)}x` },
        { name: 'a/l/new', data: 'new' },
      ],
      '/x/new',
    ],
    [
      'links through links',
      [
        { name: 'one', type: 'symlink', linkname: '/two/../three' },
        { name: 'two', type: 'symlink', linkname: '..' },
        { name: 'three', type: 'symlink', linkname: 'OUTSIDE' },
        { name: 'one/new', data: 'new' },
      ],
      'OUTSIDE/new',
    ],
    ['an absolute path', [{ name: 'OUTSIDE/new', data: 'new' }], 'OUTSIDE/new'],
    [
      'a file over a link',
      [
        { name: 'file', type: 'symlink', linkname: 'OUTSIDE/file' },
        { name: 'file', data: 'new' },
      ],
      '/file',
    ],
    [
      'a directory over a link',
      [
        { name: 'd', type: 'symlink', linkname: 'OUTSIDE' },
        { name: 'd/', type: 'directory', mode: 0o777 },
        { name: 'd/new', data: 'new' },
      ],
      '/d/new',
    ],
  ])('stays in the layer: %s', async (_, items, found) => {
    const real = (text: string): string => text.replace('OUTSIDE', outside);
    const made = items.map((item) => ({
      ...item,
      name: real(item.name),
      ...(item.linkname === undefined || item.linkname === null
        ? {}
        : { linkname: real(item.linkname) }),
    }));
    const { lowers } = await stored([made]);
    expect(overlaid(lowers, place())[real(found)]).toMatch(/^100000 /);
  });

  it('a whiteout where a link is', async () => {
    const { lowers } = await stored([
      [
        { name: 'l', type: 'symlink', linkname: outside },
        { name: 'l/.wh.file' },
        { name: 'l/.wh..wh..opq' },
      ],
    ]);
    expect(lstatSync(join(lowers[0] ?? '', outside, 'file')).isCharacterDevice()).toBe(true);
  });

  // The control: what the tests above look at would show it.
  it('is seen by the test if it does get out (control)', () => {
    linkSync(join(outside, 'file'), join(outside, 'new'));
    expect(treeDigest(outside)).not.toBe(before);
    removeDirectory(native, join(outside, 'new'));
  });
});

describe('a layer', () => {
  it('loses devices and set-id bits, and both are told', async () => {
    const { id, lowers } = await stored([
      [
        { name: 'null', type: 'character-device', devmajor: 1, devminor: 3 },
        { name: 'hide', type: 'character-device', devmajor: 0, devminor: 0 },
        { name: 'disk', type: 'block-device', devmajor: 8, devminor: 0 },
        { name: 'su', mode: 0o6755, data: 'su' },
        { name: 'kept', mode: 0o755, uid: 5, gid: 6, data: 'kept' },
      ],
    ]);
    const [lower = ''] = lowers;
    expect(readdirSync(lower).sort()).toEqual(['kept', 'su']);
    expect(lstatSync(join(lower, 'su')).mode & 0o7777).toBe(0o755);
    const [layer] = inspectImage(store, id).unpacked;
    expect(layer?.notes).toMatchObject({
      owned: 1,
      setId: { count: 1, paths: ['su'] },
      leftOut: { count: 3, paths: ['null', 'hide', 'disk'] },
    });
    expect(readFileSync(join(lower, '../owners'), 'latin1')).toBe('5 6 kept\0');
  });

  it("loses attributes of overlayfs's and of the system", async () => {
    const pax = {
      'SCHILY.xattr.user.overlay.opaque': 'y',
      'SCHILY.xattr.user.overlay.redirect': '/etc',
      'SCHILY.xattr.trusted.overlay.opaque': 'y',
      'SCHILY.xattr.user.mine': 'kept',
    };
    const { id, lowers } = await stored([
      [
        { name: 'd/', type: 'directory' },
        { name: 'd/x', data: 'x' },
      ],
      [{ name: 'd/', type: 'directory', pax }],
    ]);
    expect(overlaid(lowers, place())['/d/x']).toBeDefined(); // not opaque
    const fd = native.openat2(-100, join(lowers[0] ?? '', 'd'), 0o200000, 0, 0);
    expect(native.flistxattr(fd)).toEqual(['user.mine']);
    native.close(fd);
    expect(inspectImage(store, id).unpacked[0]?.notes.attributes.count).toBe(1);
  });
});

describe('a bomb', () => {
  it('is refused for its bytes', async () => {
    const zeros = [{ name: 'zeros', data: Buffer.alloc(3 << 20) }];
    await expect(stored([zeros], { limits: { bytes: 2 << 20 } })).rejects.toThrow(beyond(/bytes/));
    await expect(stored([zeros], { limits: { bytes: 4 << 20 } })).resolves.toBeDefined();
  });

  it('is refused for layers that are in the store already', async () => {
    const layers = [0, 1, 2].map((i) => [{ name: `f${i}`, data: Buffer.alloc(1 << 20, i) }]);
    await expect(stored(layers)).resolves.toBeDefined();
    await expect(stored(layers, { limits: { bytes: 2 << 20 } })).rejects.toThrow(beyond(/bytes/));
  });

  it('is refused for its files', async () => {
    const files = Array.from({ length: 300 }, (_, i) => ({ name: `${i}` }));
    await expect(stored([files], { limits: { entries: 200 } })).rejects.toThrow(beyond(/files/));
  });

  it('is refused for its compression', async () => {
    const layout = place();
    const layer = await tarOf([{ name: 'zeros', data: Buffer.alloc(30 << 20) }]);
    writeLayout(layout, { layers: [layer] });
    await expect(ensure(`oci:${layout}`, { limits: { ratioFrom: 1 << 20 } })).rejects.toThrow(
      beyond(/packed size/),
    );
    await expect(ensure(`oci:${layout}`, {})).resolves.toBeDefined();
  });

  it('is refused for a sparse file', async () => {
    const pax = { 'GNU.sparse.size': '9007199254740991', 'GNU.sparse.map': '0,1' };
    await expect(stored([[{ name: 'huge', data: 'x', pax }]])).rejects.toThrow(beyond(/bytes/));
  });

  it('is refused for its manifest', async () => {
    const layout = place();
    const { manifest } = imageBlobs({ layers: [] });
    writeIndex(layout, [{ ...manifestEntry(manifest, 'test'), size: 100 << 20 }]);
    writeBlob(layout, Buffer.alloc(100 << 20, ' '), manifest.digest);
    await expect(ensure(`oci:${layout}`)).rejects.toThrow(beyond(/manifest/));
  });

  it('is refused for its index', async () => {
    const layout = place();
    writeLayout(layout, { layers: [] });
    writeFileSync(join(layout, 'index.json'), Buffer.alloc(100 << 20, ' '));
    await expect(ensure(`oci:${layout}`)).rejects.toThrow(beyond(/index.json/));
  });

  it('is refused for its layers', async () => {
    const layer = await tarOf([]);
    const layout = place();
    writeLayout(layout, { layers: Array.from({ length: 130 }, () => layer) });
    await expect(ensure(`oci:${layout}`)).rejects.toThrow(beyond(/120 layers/));
  });

  it('is refused for indexes in indexes', async () => {
    const layout = place();
    const { manifest, blobs } = imageBlobs({ layers: [] });
    for (const { bytes } of blobs) writeBlob(layout, bytes);
    let inner: object = manifestEntry(manifest, undefined);
    const nest = (times: number): void => {
      for (let i = 0; i < times; i++) {
        const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [inner] }));
        writeBlob(layout, bytes);
        inner = { digest: sha256(bytes), size: bytes.length };
      }
      writeIndex(layout, [inner]);
    };
    nest(3);
    await expect(ensure(`oci:${layout}`)).resolves.toBeDefined();
    nest(20);
    await expect(ensure(`oci:${layout}`)).rejects.toThrow(beyond(/indexes/));
  });
});

describe('an image that is not what it should be', () => {
  const layers = (): Promise<Buffer[]> => tarOf([{ name: 'f', data: 'f' }]).then((one) => [one]);

  it.each<[string, (layout: string, image: ReturnType<typeof imageBlobs>) => void]>([
    [
      'a manifest',
      (layout, { manifest }) =>
        writeBlob(
          layout,
          Buffer.from(`${manifest.bytes.toString().slice(0, -1)} `),
          manifest.digest,
        ),
    ],
    [
      'a configuration',
      (layout, { config }) =>
        writeBlob(
          layout,
          Buffer.from(config.bytes.toString().replace('linux', 'linuy')),
          config.digest,
        ),
    ],
    ['a layer', (layout, { blobs }) => writeBlob(layout, gzipSync('other'), blobs[2]?.digest)],
  ])('is refused for %s with another digest', async (_, change) => {
    const layout = place();
    const made = imageBlobs({ layers: [await tarOf([{ name: `of ${_}`, data: 'f' }])] });
    for (const { bytes } of made.blobs) writeBlob(layout, bytes);
    writeIndex(layout, [manifestEntry(made.manifest, 'test')]);
    change(layout, made);
    await expect(ensure(`oci:${layout}`)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_IMAGE' }),
    );
  });

  it('is refused for a layer that is another one unpacked', async () => {
    const layout = place();
    const other = await tarOf([{ name: 'another', data: 'x' }]);
    writeLayout(layout, {
      layers: [await tarOf([{ name: 'said', data: 'x' }])],
      compress: () => gzipSync(other),
    });
    await expect(ensure(`oci:${layout}`)).rejects.toThrow(invalid(/digest/));
  });

  it.each<[string, Buffer | (() => Promise<Buffer>)]>([
    ['random bytes', Buffer.from('no archive at all'.repeat(100))],
    [
      'a truncated archive',
      async () => (await tarOf([{ name: 'f', data: 'x'.repeat(5000) }])).subarray(0, 3000),
    ],
    ['a truncated header', async () => (await tarOf([{ name: 'f' }])).subarray(0, 300)],
  ])('is refused for a layer of %s', async (_, bytes) => {
    const layout = place();
    writeLayout(layout, { layers: [typeof bytes === 'function' ? await bytes() : bytes] });
    await expect(ensure(`oci:${layout}`)).rejects.toThrow(invalid(/tar/));
  });

  it('is not refused for an archive without the padding of its last file', async () => {
    const layout = place();
    const whole = await tarOf([{ name: 'unpadded', data: 'x'.repeat(700) }]);
    writeLayout(layout, { layers: [whole.subarray(0, 512 + 700)] });
    const { lowers } = await ensure(`oci:${layout}`);
    expect(lstatSync(join(lowers[0] ?? '', 'unpadded')).size).toBe(700);
  });

  it('is refused for a layer that is not gzip to its end', async () => {
    const layout = place();
    const compress = (archive: Buffer): Buffer => gzipSync(archive).subarray(0, -20);
    writeLayout(layout, { layers: await layers(), compress });
    await expect(ensure(`oci:${layout}`)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_IMAGE' }),
    );
  });

  it('is refused for another machine', async () => {
    const layout = place();
    const architecture = machine === 'amd64' ? 'arm64' : 'amd64';
    writeLayout(layout, { layers: await layers(), architecture });
    await expect(ensure(`oci:${layout}`)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_IMAGE_NOT_FOUND' }),
    );
    await expect(ensure(`oci:${layout}`, { platform: architecture })).resolves.toBeDefined();
  });

  it('is refused for a blob that is a link to elsewhere', async () => {
    const layout = place();
    const image: MadeImage = { layers: await layers() };
    const { manifest, config, blobs } = imageBlobs(image);
    for (const { bytes } of blobs) writeBlob(layout, bytes);
    writeIndex(layout, [manifestEntry(manifest, 'test')]);
    const path = join(layout, 'blobs/sha256', config.digest.slice(7));
    removeDirectory(native, path);
    writeFileSync(join(layout, 'elsewhere'), config.bytes);
    symlinkSync(join(layout, 'elsewhere'), path);
    await expect(ensure(`oci:${layout}`)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_IMAGE' }),
    );
  });

  it('is refused for names of a docker-archive that lead elsewhere', async () => {
    const archive = join(place(), 'a.tar');
    const whole = await dockerArchive({ layers: [await tarOf([{ name: 'elsewhere' }])] });
    const changed = whole.toString('latin1').replace(/"layer-0\/layer.tar"/, '"/../../etc/passwd"');
    writeFileSync(archive, Buffer.from(changed, 'latin1'));
    await expect(ensure(`docker-archive:${archive}`)).rejects.toThrow(invalid(/no file/));
  });
});
