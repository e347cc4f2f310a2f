/** Layers in the store, overlaid by the kernel, are what umoci unpacks: byte, mode, link. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore, removeDirectory, type Store } from '../../../src/changes/index.js';
import { ensureImage } from '../../../src/image-store/index.js';
import { loadNative } from '../../../src/native/index.js';
import {
  dockerArchive,
  type MadeImage,
  overlaid,
  type TarItem,
  tarOf,
  treeOf,
  umociTree,
  writeLayout,
} from '../../support/images.js';

const { native } = loadNative();
let scratch: string;
let store: Store;
let count = 0;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'wasbox-images-'));
  store = openStore(native, { directory: join(scratch, 'state') });
});
afterAll(() => removeDirectory(native, scratch));

const place = (): string => {
  const path = join(scratch, `case-${count++}`);
  mkdirSync(path);
  return path;
};

const longName = 'n'.repeat(200);
const longPath = `${'deep/'.repeat(60)}end`;

const base: TarItem[] = [
  { name: 'etc/', type: 'directory' },
  { name: 'etc/passwd', data: 'root:x:0:0::/root:/bin/sh\n' },
  { name: 'etc/shadow', mode: 0o640, gid: 42, data: 'root:*:\n' },
  { name: 'root/', type: 'directory', mode: 0o700 },
  { name: 'tmp/', type: 'directory', mode: 0o1777 },
  { name: 'closed/', type: 'directory', mode: 0o555 },
  { name: 'closed/none', mode: 0, data: 'nothing' },
  { name: 'usr/', type: 'directory' },
  { name: 'usr/bin/', type: 'directory' },
  { name: 'usr/bin/su', mode: 0o4755, data: 'su' },
  { name: 'usr/bin/sg', type: 'link', linkname: 'usr/bin/su' },
  { name: 'usr/lib/', type: 'directory' },
  { name: 'usr/lib/a.so', data: Buffer.alloc(100_000, 'a') },
  { name: 'usr/lib/b.so', type: 'symlink', linkname: 'a.so' },
  { name: 'usr/lib/mail/', type: 'directory', mode: 0o2775 },
  { name: 'bin', type: 'symlink', linkname: 'usr/bin' },
  { name: 'lib', type: 'symlink', linkname: '/usr/lib' },
  { name: 'out', type: 'symlink', linkname: '../../../../etc' },
  { name: longName, data: 'long' },
  { name: longPath, data: 'deep' },
  { name: `${longPath}-link`, type: 'symlink', linkname: longPath },
  { name: `${longPath}-hard`, type: 'link', linkname: longPath },
  { name: 'sp ace\n\t\u00e9\u4e2d', data: 'odd' },
  { name: 'old/', type: 'directory' },
  { name: 'old/a', data: 'a' },
  { name: 'old/sub/', type: 'directory' },
  { name: 'old/sub/b', data: 'b' },
  { name: 'gone/', type: 'directory' },
  { name: 'gone/x', data: 'x' },
  { name: 'file-then-dir', data: 'x' },
  { name: 'dir-then-file/', type: 'directory' },
  { name: 'dir-then-file/x', data: 'x' },
];

const upper: TarItem[] = [
  { name: 'etc/', type: 'directory' },
  { name: 'etc/.wh.shadow' },
  { name: '.wh.gone' },
  { name: 'old/', type: 'directory', mode: 0o750 },
  { name: 'old/.wh..wh..opq' },
  { name: 'old/new', data: 'new' },
  { name: 'old/sub/', type: 'directory' },
  { name: 'old/sub/c', data: 'c' },
  { name: 'file-then-dir/', type: 'directory' },
  { name: 'file-then-dir/y', data: 'y' },
  { name: 'dir-then-file', data: 'file' },
  { name: 'usr/bin/added', mode: 0o755, data: 'below directories that this layer does not name' },
  { name: 'lib/through', data: 'below a symbolic link of the layer below' },
  { name: 'bin/through', data: 'below another' },
];

const more: TarItem[] = [
  { name: 'gone/', type: 'directory' },
  { name: 'gone/again', data: 'again' },
  { name: 'old/sub/.wh.c' },
  { name: 'etc/passwd', mode: 0o600, data: 'changed' },
];

async function storedTree(ref: string): Promise<ReturnType<typeof overlaid>> {
  const { lowers } = await ensureImage(ref, { store });
  return overlaid(lowers, place());
}

async function compare(image: MadeImage): Promise<void> {
  const layout = place();
  writeLayout(layout, image);
  const stored = await storedTree(`oci:${layout}:test`);
  expect(stored).toEqual(umociTree(layout, place()));
}

describe('an image in the store', () => {
  it('is what umoci unpacks', async () => {
    await compare({ layers: [await tarOf(base)] });
  });

  it('is so with whiteouts, opaque directories, and paths through links of layers below', async () => {
    await compare({ layers: [await tarOf(base), await tarOf(upper), await tarOf(more)] });
  });

  it('is so where the layer is not compressed', async () => {
    await compare({ layers: [await tarOf(base)], compress: (archive) => archive });
  });

  it('is the same from a docker-archive', async () => {
    const layers = [await tarOf(base), await tarOf(upper)];
    const [layout, archive] = [place(), join(place(), 'saved.tar')];
    writeLayout(layout, { layers });
    writeFileSync(archive, await dockerArchive({ layers }));
    const tree = umociTree(layout, place());
    expect(await storedTree(`docker-archive:${archive}`)).toEqual(tree);
    expect(await storedTree(`docker-archive:${archive}:ann/tool:1`)).toEqual(tree);
  });

  it('is the same from an oci-archive', async () => {
    const layout = place();
    writeLayout(layout, { layers: [await tarOf(base), await tarOf(more)] });
    const archive = join(place(), 'image.tar');
    execFileSync('tar', ['-C', layout, '-cf', archive, '.']);
    expect(await storedTree(`oci-archive:${archive}:test`)).toEqual(umociTree(layout, place()));
  });
});

function hollow(): string {
  const directory = place();
  execFileSync('sh', [
    '-ec',
    'cd "$1"; truncate -s 3M holes; for i in 0 1 2 3 4 5 6 7 8 9; do printf data$i | dd of=holes bs=1 seek=$((i * 262144)) conv=notrunc 2>/dev/null; done; truncate -s 1M empty; printf end > end',
    'sh',
    directory,
  ]);
  mkdirSync(join(directory, 'd'.repeat(150)));
  writeFileSync(join(directory, 'd'.repeat(150), 'f'.repeat(150)), 'long');
  symlinkSync('t'.repeat(180), join(directory, 'link'));
  return directory;
}

describe("GNU tar's archives", () => {
  it.each([
    ['pax 0.0', ['--format=posix', '--sparse', '--sparse-version=0.0']],
    ['pax 0.1', ['--format=posix', '--sparse', '--sparse-version=0.1']],
    ['pax 1.0', ['--format=posix', '--sparse', '--sparse-version=1.0']],
    ['GNU without holes', ['--format=gnu']],
    ['ustar', ['--format=ustar', '--exclude=d*', '--exclude=link']],
  ])('with sparse files and long names: %s', async (_, options) => {
    const archive = execFileSync('tar', ['-C', hollow(), ...options, '-cf', '-', '.'], {
      maxBuffer: 1 << 26,
    });
    await compare({ layers: [archive] });
  });
});

it('a tree keeps names that are not UTF-8, short and long', async () => {
  const directory = place();
  const script = `cd "$1"; : > "$(printf 'bad\\377')"; mkdir "$(printf 'd\\376%0200d' 1)"
    echo long > "$(printf 'd\\376%0200d/f\\375' 1)"; ln -s "$(printf '\\374%0150d' 1)" "$(printf 'l\\373')"`;
  execFileSync('sh', ['-ec', script, 'sh', directory]);
  for (const format of ['gnu', 'posix']) {
    const archive = execFileSync('tar', ['-C', directory, `--format=${format}`, '-cf', '-', '.']);
    const layout = place();
    writeLayout(layout, { layers: [archive] });
    const tree = await storedTree(`oci:${layout}`);
    expect(tree).toEqual(treeOf(directory));
    expect(Object.keys(tree)).toContain('/bad\u00ff');
  }
});

it('layers of zstd, where Node has it, and else an error that says so', async () => {
  const layout = place();
  const compress = (archive: Buffer): Buffer => execFileSync('zstd', ['-c'], { input: archive });
  writeLayout(layout, { layers: [await tarOf([{ name: 'of zstd', data: 'zstd' }])], compress });
  if ('createZstdDecompress' in zlib) {
    expect(await storedTree(`oci:${layout}`)).toEqual(umociTree(layout, place()));
  } else {
    const code = 'ERR_RUNTIME';
    await expect(storedTree(`oci:${layout}`)).rejects.toThrow(expect.objectContaining({ code }));
  }
});

it("an image has GNU's old sparse files, which umoci does not read, as tar extracts them", async () => {
  const archive = execFileSync('tar', ['-C', hollow(), '--format=gnu', '-Scf', '-', '.'], {
    maxBuffer: 1 << 26,
  });
  const [layout, extracted] = [place(), place()];
  writeLayout(layout, { layers: [archive] });
  execFileSync('tar', ['-C', extracted, '-xpf', '-'], { input: archive });
  expect(await storedTree(`oci:${layout}`)).toEqual(treeOf(extracted));
});

describe('the store', () => {
  it('unpacks a layer once, for all images that have it', async () => {
    const shared = await tarOf([{ name: 'shared', data: 'shared' }]);
    const [one, two] = [place(), place()];
    writeLayout(one, { layers: [shared, await tarOf([{ name: 'etc/', type: 'directory' }])] });
    writeLayout(two, { layers: [shared, await tarOf([{ name: 'var/', type: 'directory' }])] });
    const first = await ensureImage(`oci:${one}`, { store });
    const second = await ensureImage(`oci:${two}`, { store });
    expect(second.lowers.at(-1)).toBe(first.lowers.at(-1));
    expect(second.lowers[0]).not.toBe(first.lowers[0]);
    rmSync(one, { recursive: true });
    rmSync(two, { recursive: true });
    expect(readdirSync(join(store.directory, 'images/making'))).toEqual([]);
  });
});
