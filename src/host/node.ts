/** The machine that wasbox runs on, behind the {@link Host} interface. */
import * as fs from 'node:fs';
import { release, userInfo } from 'node:os';
import { accountIn } from './accounts.js';
import type {
  DirectoryListing,
  FileInfo,
  FileKind,
  Host,
  HostFiles,
  HostUser,
  SpecialKind,
  StreamKind,
} from './interface.js';
import { opaqueAttribute, opaqueValue } from './interface.js';
import { layerObstacle } from './layer-obstacle.js';
import { mountPathsOf, procMountsFrom } from './mount-paths.js';
import { randomBelow } from './random.js';
import { findSpecials } from './specials.js';
import { type Stdio, streamKind, terminalsOf } from './streams.js';

type HostNative = Pick<Host, 'userById' | 'landlockAbi' | 'namespacesErrno'> & {
  fgetxattr(fd: number, name: string): Uint8Array | undefined;
  treeDigest(path: string): string | undefined;
  search(
    root: string,
    request: Uint8Array,
    state: string | undefined,
    onNames: (names: number) => void,
  ): [found: Uint8Array, names: number];
};

/** The parts that the real host takes from elsewhere. */
export interface RealHostOptions {
  /** The addon, for what Node has no call for: getpwuid_r(3), Landlock's version, attributes. */
  readonly native?: HostNative | undefined;
  /** Descriptors that become the payload's standard streams. @default this process's own */
  readonly stdio?: Stdio | undefined;
  /** The streams, as far as the caller knows them. @default each is examined */
  readonly streams?: readonly (StreamKind | undefined)[] | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Directory that relative paths start from; the process's own where absent. */
  readonly cwd?: string | undefined;
}

/** The machine that this process runs on. */
export function realHost(options: RealHostOptions = {}): Host {
  const { native, stdio = [0, 1, 2] } = options;
  const kinds = [...(options.streams ?? [])];
  return {
    env: options.env ?? process.env,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    nested: process.geteuid?.() === 0 && isNested(),
    files: {
      ...files,
      isOpaque: (path) => isOpaque(native, path),
      // Nothing is known of it without the addon, as where it cannot be read.
      treeDigest: (path) => native?.treeDigest(path),
      search: searchWith(native),
    },
    cwd: () => options.cwd ?? currentDirectory(),
    userById: (uid) => (native === undefined ? userFromSystem(uid) : native.userById(uid)),
    stream: (index) => {
      const kind = kinds[index] ?? streamKind(stdio[index]);
      kinds[index] = kind;
      return kind;
    },
    terminals: () => terminalsOf(stdio),
    mountPaths: (directory) => mountPathsOf(directory),
    procMounts: () => procMountsFrom(fs.readFileSync('/proc/self/mountinfo', 'utf8')),
    kernelRelease: release,
    // Nothing is known of it without the addon, as where there is none.
    landlockAbi: () => native?.landlockAbi() ?? 0,
    namespacesErrno: () => native?.namespacesErrno() ?? 0,
    layerObstacle: (directory) => layerObstacle(directory, fileSystemType),
    readStdin,
    random: randomBelow,
    node: { path: process.execPath, version: process.versions.node },
  };
}

function searchWith(native: HostNative | undefined): HostFiles['search'] {
  if (native === undefined) return undefined;
  return (...request) => {
    const [found, names] = native.search(...request);
    return { found, names };
  };
}

let nested: boolean | undefined;

/** A process of several threads, as Node's is, stays in its user namespace: setns(2). */
function isNested(): boolean {
  nested ??= findNested();
  return nested;
}

/** user_namespaces(7): a line of uid_map is inside, outside, count; the first process's maps 0 to 0. */
function findNested(): boolean {
  const text = readStart('/proc/self/uid_map', 4096);
  if (text === undefined) return false;
  const lines = new TextDecoder().decode(text).trim().split('\n');
  return !lines.some((line) => /^\s*0\s+0\s/.test(line));
}

const errorCode = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | null)?.code;

/**
 * `ERR_INVALID_ARG_VALUE`: a path with a NUL, which no file has. `EACCES`: what this user may not walk
 * to, for instance root's entries in a PATH that sudo kept.
 */
const absent = new Set([
  'EACCES',
  'ERR_INVALID_ARG_VALUE',
  'ERANGE',
  'ENOENT',
  'ENOTDIR',
  'ELOOP',
  'ENAMETOOLONG',
]);

/** Where a path leads is not to be known, as with another user's directory in PATH. */
const notReached = new Set([...absent, 'EACCES']);

function orAbsent<T>(read: () => T, codes: ReadonlySet<string> = absent): T | undefined {
  try {
    return read();
  } catch (error) {
    if (codes.has(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

function currentDirectory(): string | undefined {
  return orAbsent(() => process.cwd());
}

function kindOf(stats: fs.BigIntStats): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  return 'other';
}

function info(stats: fs.BigIntStats | undefined): FileInfo | undefined {
  if (stats === undefined) return undefined;
  return {
    kind: kindOf(stats),
    dev: stats.dev,
    ino: stats.ino,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mode: Number(stats.mode) & 0o7777,
  };
}

/** An exception for each absent file would cost more than the call. */
const quick = { bigint: true, throwIfNoEntry: false } as const;

const accessModes = {
  read: fs.constants.R_OK,
  write: fs.constants.W_OK,
  execute: fs.constants.X_OK,
  enter: fs.constants.R_OK | fs.constants.X_OK,
};

const files: Omit<HostFiles, 'isOpaque' | 'search' | 'treeDigest'> = {
  lstat: (path) => info(orAbsent(() => fs.lstatSync(path, quick))),
  stat: (path) => info(orAbsent(() => fs.statSync(path, quick))),
  readlink: (path) => fs.readlinkSync(path),
  realpath: (path) => orAbsent(() => fs.realpathSync.native(path), notReached),
  read: readStart,
  list: (path) => {
    try {
      return fs.readdirSync(path);
    } catch {
      return [];
    }
  },
  entries: listEntries,
  specials: (directory, limit) => findSpecials(specialEntries, directory, limit),
  access: (path, mode) => {
    try {
      fs.accessSync(path, accessModes[mode]);
      return true;
    } catch {
      return false;
    }
  },
};

const directoryFlags = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW;

/** Nothing is known of it without the addon, as where there is no such attribute. */
function isOpaque(native: HostNative | undefined, path: string): boolean {
  if (native === undefined) return false;
  const fd = orAbsent(() => fs.openSync(path, directoryFlags));
  if (fd === undefined) return false;
  try {
    return native.fgetxattr(fd, opaqueAttribute)?.[0] === opaqueValue;
  } finally {
    fs.closeSync(fd);
  }
}

/** f_type of statfs(2); undefined if the path does not exist. */
export function fileSystemType(path: string): number | undefined {
  try {
    return fs.statfsSync(path).type;
  } catch {
    return undefined;
  }
}

function listEntries(path: string): DirectoryListing[] | undefined {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(path, { withFileTypes: true });
  } catch {
    return undefined;
  }
  return entries.map((entry) => ({ name: entry.name, kind: entryKind(entry) }));
}

function entryKind(entry: fs.Dirent): FileKind {
  if (entry.isDirectory()) return 'directory';
  if (entry.isFile()) return 'file';
  return entry.isSymbolicLink() ? 'symlink' : 'other';
}

function* specialEntries(
  directory: string,
): Generator<{ name: string; kind: SpecialKind | FileKind }> {
  for (const entry of entriesOf(directory)) {
    const { name } = entry;
    if (entry.isSocket()) yield { name, kind: 'socket' };
    else yield { name, kind: entry.isFIFO() ? 'pipe' : entryKind(entry) };
  }
}

function entriesOf(directory: string): fs.Dirent[] {
  try {
    return fs.readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // not to be read by the payload either
  }
}

function readStart(path: string, limit: number): Uint8Array | undefined {
  let fd: number;
  try {
    // A FIFO must not block the start of a run, hence O_NONBLOCK.
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stats = fs.fstatSync(fd);
    if (!stats.isFile()) return undefined;
    const buffer = Buffer.alloc(Math.min(limit, Math.max(stats.size, 4096)));
    let length = 0;
    while (length < buffer.length) {
      const count = fs.readSync(fd, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return buffer.subarray(0, length);
  } finally {
    fs.closeSync(fd);
  }
}

/** Standard input to its end, by read(2): a stream would make the descriptor non-blocking. */
function readStdin(limit: number): Uint8Array | undefined {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.alloc(65536);
    let count: number;
    try {
      count = fs.readSync(0, chunk);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EOF') break;
      if (code === 'EISDIR') break; // a directory holds no script
      if (code !== 'EAGAIN') throw error;
      pause(5); // another process made it non-blocking
      continue;
    }
    if (count === 0) break;
    total += count;
    if (total > limit) return undefined;
    chunks.push(chunk.subarray(0, count));
  }
  return Buffer.concat(chunks);
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Answers where no look-up by the C library was given: enough for local accounts. */
function userFromSystem(uid: number): HostUser | undefined {
  if (uid === process.getuid?.()) {
    try {
      const own = userInfo();
      return { name: own.username, gid: own.gid, home: own.homedir, shell: own.shell ?? '/bin/sh' };
    } catch {
      // No entry for this uid, as in a container run with --user: the file has none either.
      return undefined;
    }
  }
  const text = files.read('/etc/passwd', 1 << 20);
  return text === undefined ? undefined : accountIn(new TextDecoder().decode(text), uid);
}
