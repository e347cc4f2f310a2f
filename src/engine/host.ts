/** The machine as the engine of the native command sees it (addon/engine/host.c), behind {@link Host}. */
import { LeaveToNode } from '../errors/index.js';
import {
  type DirectoryListing,
  type FileInfo,
  type FileKind,
  fairBelow,
  findSpecials,
  type Host,
  type HostFiles,
  type HostUser,
  layerObstacle,
  type MountPaths,
  mountPathsFrom,
  procMountsFrom,
  type SpecialKind,
  type StreamKind,
} from '../host/index.js';
import { localAccount } from './accounts.js';

/** A negative errno(3), or what was asked. */
type Answer<T> = T | number;

/** Mode, device, inode, uid, gid. */
type Info = readonly [number, bigint, bigint, number, number];

/** The functions of addon/engine/host.c. */
interface Machine {
  lstat(path: string): Answer<Info>;
  stat(path: string): Answer<Info>;
  birth(path: string): Answer<string>;
  readlink(path: string): Answer<string>;
  realpath(path: string): Answer<string>;
  access(path: string, mode: number): boolean;
  isOpaque(directory: string): boolean;
  read(path: string, limit: number): Answer<ArrayBuffer>;
  /** Each name with a letter in front: f, d, l, s, p, o. */
  list(path: string): Answer<readonly string[]>;
  /** addon/search, without an index: what was found, how many names there are. */
  search(root: string, request: Uint8Array): Answer<readonly [ArrayBuffer, number]>;
  /** addon/tree_digest.h */
  treeDigest(path: string): Answer<string>;
  cwd(): Answer<string>;
  env(): Answer<Record<string, string>>;
  /** 32 random bits. */
  random(): number;
  /** Effective user and group. */
  ids(): readonly [number, number];
  landlock(): number;
  /** The errno with which user namespaces are refused; 0. */
  namespaces(): number;
  stream(fd: number): Answer<StreamKind>;
  mountId(directory: string): Answer<number>;
  release(): Answer<string>;
  /** addon/engine/files.c */
  readonly files: { fileSystemType(path: string): number };
}

declare const machine: Machine;

const EILSEQ = 84;
/** The errors of src/host/node.ts: EACCES, ERANGE, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG. */
const absent = new Set([13, 34, 2, 20, 40, 36]);

function answer<T>(got: Answer<T>): T | undefined {
  if (typeof got !== 'number') return got;
  if (absent.has(-got)) return undefined;
  throw new LeaveToNode(`errno ${-got}`);
}

const kinds: Readonly<Record<number, FileKind>> = {
  32768: 'file',
  16384: 'directory',
  40960: 'symlink',
};

function infoOf(got: Answer<Info>): FileInfo | undefined {
  const found = answer(got);
  if (found === undefined) return undefined;
  // The list is not taken apart with [mode, dev …]: there are many, and each part would be a call.
  return {
    kind: kinds[found[0] & 0o170000] ?? 'other',
    dev: found[1],
    ino: found[2],
    uid: found[3],
    gid: found[4],
    mode: found[0] & 0o7777,
  };
}

const letters: Readonly<Record<string, SpecialKind | FileKind>> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  s: 'socket',
  p: 'pipe',
};

const kindOf = (name: string): SpecialKind | FileKind => letters[name[0] ?? ''] ?? 'other';

function namesOf(path: string): readonly string[] | undefined {
  const got = machine.list(path);
  if (typeof got !== 'number') return got;
  if (got === -EILSEQ) throw new LeaveToNode('a name that is not UTF-8');
  return undefined;
}

/** access(2). */
const accessModes = { read: 4, write: 2, execute: 1, enter: 5 } as const;

export const engineFiles: HostFiles = {
  lstat: (path) => infoOf(machine.lstat(path)),
  stat: (path) => infoOf(machine.stat(path)),
  readlink(path) {
    const got = machine.readlink(path);
    if (typeof got !== 'number') return got;
    if (got === -EILSEQ) throw new LeaveToNode('a link that is not UTF-8');
    throw Object.assign(new Error('readlink'), { code: got === -22 ? 'EINVAL' : 'ENOENT' });
  },
  realpath: (path) => answer(machine.realpath(path)),
  read(path, limit) {
    const got = machine.read(path, limit);
    return typeof got === 'number' ? undefined : new Uint8Array(got);
  },
  list: (path) => (namesOf(path) ?? []).map((name) => name.slice(1)),
  entries: (path) =>
    namesOf(path)?.map((name): DirectoryListing => {
      const kind = kindOf(name);
      return { name: name.slice(1), kind: kind === 'socket' || kind === 'pipe' ? 'other' : kind };
    }),
  search(root, request, _state, onNames) {
    const got = machine.search(root, request);
    if (typeof got === 'number') throw new LeaveToNode(`errno ${-got}`);
    onNames(got[1]);
    return { found: new Uint8Array(got[0]), names: got[1] };
  },
  specials: (directory, limit) =>
    findSpecials(
      (path) => (namesOf(path) ?? []).map((name) => ({ name: name.slice(1), kind: kindOf(name) })),
      directory,
      limit,
    ),
  access: (path, mode) => machine.access(path, accessModes[mode]),
  isOpaque: (directory) => machine.isOpaque(directory),
  treeDigest(path) {
    const got = machine.treeDigest(path);
    return typeof got === 'number' ? undefined : got;
  },
};

function userById(uid: number): HostUser | undefined {
  const account = localAccount(uid);
  if (account === undefined) throw new LeaveToNode('accounts that are in no file');
  return account ?? undefined;
}

const mountInfo = (): string =>
  new TextDecoder().decode(engineFiles.read('/proc/self/mountinfo', 1 << 24));

function mountPaths(directory: string): MountPaths {
  const text = mountInfo();
  for (let path = directory; ; path = path.slice(0, path.lastIndexOf('/')) || '/') {
    const id = machine.mountId(path);
    if (id >= 0) return mountPathsFrom(directory, text, { path, mountId: String(id) });
    if (path === '/') return mountPathsFrom(directory, text, undefined);
  }
}

/** When a directory was made, in nanoseconds since 1970. */
export const birthOf = (path: string): string | undefined => answer(machine.birth(path));

export function engineHost(): Host {
  const env = machine.env();
  if (typeof env === 'number') throw new LeaveToNode('a variable that is not UTF-8');
  const [uid, gid] = machine.ids();
  return {
    env,
    uid,
    gid,
    nested: false,
    files: engineFiles,
    cwd: () => answer(machine.cwd()),
    userById,
    stream: (index) => answer(machine.stream(index)) ?? 'other',
    terminals() {
      throw new LeaveToNode('questions at a terminal');
    },
    mountPaths,
    procMounts: () => procMountsFrom(mountInfo()),
    kernelRelease: () => answer(machine.release()) ?? '',
    landlockAbi: () => machine.landlock(),
    // This tells whether they are refused at once. A start that fails later is made again by the whole command.
    namespacesErrno: () => machine.namespaces(),
    layerObstacle: (directory) =>
      layerObstacle(directory, (path) => {
        const type = machine.files.fileSystemType(path);
        return type < 0 ? undefined : type;
      }),
    readStdin() {
      throw new LeaveToNode('a script on standard input');
    },
    random: (below) => fairBelow(below, () => machine.random()),
    get node(): never {
      throw new LeaveToNode('the Node that runs wasbox');
    },
  };
}
