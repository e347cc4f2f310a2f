/** Images made for a test, and trees as the kernel's overlayfs and umoci show them. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

/** A header, and a file's content. */
export type TarItem = Partial<Header> & { readonly name: string } & {
  readonly data?: string | Buffer;
};

export const sha256 = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A tar archive of these entries, in their order; what is not said is a file of root's with mode 644. */
export async function tarOf(items: readonly TarItem[]): Promise<Buffer> {
  const archive = pack();
  const chunks: Buffer[] = [];
  const read = (async () => {
    for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  })();
  for (const { data = '', ...header } of items) {
    const mode = header.mode ?? (header.type === 'directory' ? 0o755 : 0o644);
    archive.entry({ mtime: new Date(1_600_000_000_000), ...header, mode }, data);
  }
  archive.finalize();
  await read;
  return Buffer.concat(chunks);
}

export interface MadeImage {
  /** Archives, not compressed, lowest first. */
  readonly layers: readonly Buffer[];
  readonly config?: object | undefined;
  readonly architecture?: string | undefined;
  readonly compress?: ((archive: Buffer) => Buffer) | undefined;
}

export interface Blob {
  readonly digest: string;
  readonly size: number;
  readonly bytes: Buffer;
}

const blobOf = (bytes: Buffer): Blob => ({ digest: sha256(bytes), size: bytes.length, bytes });
const described = ({ digest, size }: Blob, mediaType: string): object => ({
  mediaType,
  digest,
  size,
});
export const machine: string = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** The blobs of an image: its layers, configuration and manifest. */
export function imageBlobs({ layers, config, architecture, compress = gzipSync }: MadeImage): {
  readonly manifest: Blob;
  readonly config: Blob;
  readonly blobs: readonly Blob[];
} {
  const diffs = layers.map(sha256);
  const configuration = blobOf(
    Buffer.from(
      JSON.stringify({
        architecture: architecture ?? machine,
        os: 'linux',
        config: config ?? {},
        rootfs: { type: 'layers', diff_ids: diffs },
      }),
    ),
  );
  const packed = layers.map((layer) => blobOf(compress(layer)));
  const manifest = blobOf(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: described(configuration, 'application/vnd.oci.image.config.v1+json'),
        layers: packed.map((one) =>
          described(
            one,
            `application/vnd.oci.image.layer.v1.tar${compress === gzipSync ? '+gzip' : ''}`,
          ),
        ),
      }),
    ),
  );
  return { manifest, config: configuration, blobs: [manifest, configuration, ...packed] };
}

export function writeBlob(directory: string, bytes: Buffer, digest: string = sha256(bytes)): void {
  const path = join(directory, 'blobs/sha256', digest.slice('sha256:'.length));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

export function writeIndex(directory: string, manifests: readonly object[]): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}

export const manifestEntry = (
  { digest, size }: Blob,
  name: string | undefined,
  more: object = {},
) => ({
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest,
  size,
  ...(name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } }),
  ...more,
});

/** An OCI layout with one image. */
export function writeLayout(directory: string, image: MadeImage, name = 'test'): void {
  const { manifest, blobs } = imageBlobs(image);
  for (const { bytes } of blobs) writeBlob(directory, bytes);
  writeIndex(directory, [manifestEntry(manifest, name)]);
}

/** Writes what `docker save` writes, as an archive. */
export async function dockerArchive(image: MadeImage, tag = 'ann/tool:1'): Promise<Buffer> {
  const { config } = imageBlobs(image);
  const name = `${config.digest.slice('sha256:'.length)}.json`;
  const layers = image.layers.map((_, i) => `layer-${i}/layer.tar`);
  return tarOf([
    ...image.layers.map((data, i) => ({ name: `layer-${i}/layer.tar`, data })),
    { name, data: config.bytes },
    {
      name: 'manifest.json',
      data: JSON.stringify([{ Config: name, RepoTags: [tag], Layers: layers }]),
    },
  ]);
}

/** Prints a tree as JSON: type, mode, content, hard links; names byte for byte. */
const treeScript = `
import os, sys, json, hashlib, stat
root = os.fsencode(sys.argv[1])
seen, found = {}, {}
def text(b): return b.decode('latin-1')
def visit(path, shown):
    s = os.lstat(path)
    kind, content = stat.S_IFMT(s.st_mode), ''
    if stat.S_ISLNK(s.st_mode): content = text(os.readlink(path))
    elif stat.S_ISREG(s.st_mode):
        with open(path, 'rb') as f: content = '%d %s' % (s.st_size, hashlib.sha256(f.read()).hexdigest())
        if s.st_nlink > 1: content += ' = ' + seen.setdefault((s.st_dev, s.st_ino), shown)
    mode = '' if stat.S_ISLNK(s.st_mode) else '%o' % (stat.S_IMODE(s.st_mode) & (0o7777 if stat.S_ISDIR(s.st_mode) else 0o1777))
    found[shown] = '%o %s %d %s' % (kind, mode, int(s.st_mtime) if not stat.S_ISDIR(s.st_mode) else 0, content)
    if stat.S_ISDIR(s.st_mode):
        for name in sorted(os.listdir(path)): visit(path + b'/' + name, shown + '/' + text(name))
visit(root, '')
print(json.dumps(found, sort_keys=True))
`;

export type Tree = Readonly<Record<string, string>>;

/** Runs a script with the rights of a root of its own, as an image's files may be closed to their owner. */
function inNamespace(script: string, ...args: string[]): string {
  const argv = ['-Urm', 'sh', '-ec', script, 'sh', ...args];
  return execFileSync('unshare', argv, { encoding: 'utf8', maxBuffer: 1 << 28 });
}

export const treeOf = (directory: string): Tree =>
  JSON.parse(inNamespace('python3 -c "$1" "$2"', treeScript, directory)) as Tree;

/** Returns what the kernel makes of lower directories, topmost first. */
export function overlaid(lowers: readonly string[], scratch: string): Tree {
  const [one] = lowers;
  if (lowers.length === 1 && one !== undefined) return treeOf(one);
  // fsconfig(2) takes paths of 255 bytes only.
  const mount =
    'LIBMOUNT_FORCE_MOUNT2=always mount -t overlay overlay -o "userxattr,lowerdir=$2" "$3"; python3 -c "$1" "$3"';
  mkdirSync(join(scratch, 'merged'), { recursive: true });
  return JSON.parse(
    inNamespace(mount, treeScript, lowers.join(':'), join(scratch, 'merged')),
  ) as Tree;
}

/** Returns the same image, unpacked by umoci. */
export function umociTree(layout: string, scratch: string, name = 'test'): Tree {
  const bundle = join(scratch, 'bundle');
  execFileSync('umoci', ['unpack', '--rootless', '--image', `${layout}:${name}`, bundle], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return treeOf(join(bundle, 'rootfs'));
}
