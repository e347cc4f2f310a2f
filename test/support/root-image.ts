/** Small images to run: a directory with busybox, and the same in the store, as layers that belong to the identity. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import {
  hostPlatform,
  imagesDirectory,
  layerDirectory,
  parseReference,
  recordName,
  storeVersion,
} from '../../src/image/index.js';
import { type Identity, stateOf } from './identity.js';
import { type Files, makeProject, writeFiles } from './project.js';

/** Debian's busybox-static: it runs in a root that has no library. */
const busybox = fs.readFileSync('/bin/busybox');

const applets = [
  'sh',
  'cat',
  'ls',
  'id',
  'env',
  'pwd',
  'mkdir',
  'rm',
  'stat',
  'echo',
  'readlink',
  'test',
];

export const passwd = 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\n';

const give = (as: Identity, path: string): void => {
  if (process.getuid?.() !== as.uid) fs.lchownSync(path, as.uid, as.gid);
};

function fill(as: Identity, directory: string, files: Files): string {
  writeFiles(as, directory, files);
  fs.chmodSync(join(directory, 'bin/busybox'), 0o755);
  for (const name of applets) link(as, join(directory, 'bin', name), 'busybox');
  return directory;
}

/** A symbolic link in an image, of the identity's. */
export function link(as: Identity, path: string, to: string): void {
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.symlinkSync(to, path);
  give(as, path);
}

const basic: Files = {
  'bin/busybox': busybox,
  'etc/passwd': passwd,
  'etc/group': 'crew:x:1234:\n',
};

/** A root file system: busybox, some of its applets, accounts, and these files. */
export const rootDirectory = (as: Identity, files: Files = {}): string =>
  fill(as, makeProject(as, {}, 'rootfs'), { ...basic, ...files });

export interface LayerSpec {
  readonly files: Files;
  /** Names that the layer removes. */
  readonly gone?: readonly string[];
  /** Directories of the layer that hide those below them. */
  readonly opaque?: readonly string[];
  /** Symbolic links, and where they lead. */
  readonly links?: Readonly<Record<string, string>>;
}

let count = 0;

function layerKey(): string {
  count += 1;
  return `${process.pid.toString(16)}${count.toString(16)}`.padStart(64, 'a');
}

/** `sha256:…` of every image that {@link storeImage} makes. */
export const imageId = `sha256:${'5'.repeat(64)}`;

/**
 * An image in the identity's store, as `wasbox image pull` leaves it.
 * @param layers the lowest first; it has busybox and accounts beside its files
 * @param config `Env`, `WorkingDir`, `Entrypoint`, `Cmd`, `User`
 */
export function storeImage(
  as: Identity,
  name: string,
  layers: readonly LayerSpec[],
  config: Readonly<Record<string, unknown>> = {},
): { readonly id: string; readonly directories: readonly string[] } {
  const state = `${stateOf(as)}/wasbox`;
  const own = (path: string): void => {
    if (fs.existsSync(path)) return;
    own(dirname(path));
    fs.mkdirSync(path, { mode: 0o700 });
    give(as, path);
  };
  const keys = layers.map(({ files, gone = [], opaque = [], links = {} }, index) => {
    const key = layerKey();
    const directory = layerDirectory(state, key);
    own(directory);
    fs.chmodSync(directory, 0o755);
    if (index === 0) fill(as, directory, { ...basic, ...files });
    else writeFiles(as, directory, files);
    for (const [path, to] of Object.entries(links)) link(as, join(directory, path), to);
    for (const path of opaque) {
      const set = 'import os, sys; os.setxattr(sys.argv[1], "user.overlay.opaque", b"y")';
      execFileSync('python3', ['-c', set, join(directory, path)]);
    }
    for (const path of gone) {
      own(dirname(join(directory, path)));
      fs.chmodSync(dirname(join(directory, path)), 0o755);
      // A whiteout, which overlayfs and anyone may make: mknod(2).
      execFileSync('mknod', [join(directory, path), 'c', '0', '0']);
      give(as, join(directory, path));
    }
    return key;
  });
  const record = {
    version: storeVersion,
    id: imageId,
    image: { config },
    layers: keys.toReversed(),
  };
  const refs = `${imagesDirectory(state)}/refs`;
  own(refs);
  own(`${imagesDirectory(state)}/locks`);
  const path = `${refs}/${recordName(parseReference(name, '/').text, hostPlatform())}`;
  fs.writeFileSync(path, JSON.stringify(record));
  give(as, path);
  return { id: imageId, directories: record.layers.map((key) => layerDirectory(state, key)) };
}
