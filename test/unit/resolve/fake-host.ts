/** A made-up machine for the resolver: files, a user, an environment; no real file is read. */
import { posix } from 'node:path';
import type {
  DirectoryListing,
  FileInfo,
  Host,
  HostUser,
  SpecialFile,
  StreamKind,
} from '../../../src/host/interface.js';

/** Says what a path is: text of a plain file, or one of these. */
export type FakeEntry =
  | string
  | { readonly link: string }
  | { readonly directory: true; readonly mode?: number; readonly uid?: number }
  | {
      readonly text: string | Uint8Array;
      readonly mode?: number;
      readonly uid?: number;
      readonly sameAs?: string;
    }
  | { readonly other: true | 'pipe' };

export interface FakeMachine {
  readonly files?: Readonly<Record<string, FakeEntry>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  readonly uid?: number;
  readonly namespacesErrno?: number;
  /** The state directory's file system, if overlayfs cannot write to it. */
  readonly layerObstacle?: string;
  readonly nested?: boolean;
  readonly users?: Readonly<Record<number, HostUser>>;
  readonly stdin?: string | Uint8Array;
  readonly random?: number;
  readonly streams?: readonly [StreamKind, StreamKind, StreamKind];
  /** True if there is a terminal to ask at. */
  readonly controlling?: boolean;
  readonly landlockAbi?: number;
  /** @default 6.1 */
  readonly kernel?: string;
  /** Further paths at which mounts show a directory. */
  /** Mounts of proc(5) beside /proc. */
  readonly proc?: readonly string[];
  readonly mounted?: Readonly<Record<string, readonly string[]>>;
  readonly node?: { path: string; version: string };
}

export const program = { text: '\x7fELF…', mode: 0o755 } as const;
export const directory = { directory: true } as const;

/** A small Debian with a user `ann` whose project is /home/ann/proj. */
export const baseFiles: Readonly<Record<string, FakeEntry>> = {
  '/bin': { link: 'usr/bin' },
  '/lib': { link: 'usr/lib' },
  '/usr/lib': directory,
  '/usr/bin/sh': program,
  '/usr/bin/env': program,
  '/usr/bin/python3': program,
  '/usr/bin/node': program,
  '/usr/bin/make': program,
  '/usr/bin/perl': program,
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
  '/etc/resolv.conf': { link: '../run/systemd/resolve/stub-resolv.conf' },
  '/run/systemd/resolve/stub-resolv.conf': 'nameserver 127.0.0.53\n',
  '/tmp': directory,
  '/proc': directory,
  '/dev/shm': directory,
  '/root': directory,
  '/home/ann/.ssh/id_ed25519': 'secret',
  '/home/ann/proj': { directory: true, uid: 1000 },
  '/home/ann/proj/script.py': 'print(1)\n',
};

const users: Readonly<Record<number, HostUser>> = {
  0: { name: 'root', gid: 0, home: '/root', shell: '/bin/sh' },
  1000: { name: 'ann', gid: 1000, home: '/home/ann', shell: '/bin/sh' },
};

const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === 'string' ? new TextEncoder().encode(text) : text;

class FakeFiles {
  /** Directories that an overlay shows without those below them. */
  readonly opaque = new Set<string>();
  private readonly byPath = new Map<string, FakeEntry>([['/', directory]]);

  constructor(files: Readonly<Record<string, FakeEntry>>) {
    for (const [path, entry] of Object.entries(files)) {
      for (let parent = posix.dirname(path); parent !== '/'; parent = posix.dirname(parent)) {
        if (!this.byPath.has(parent)) this.byPath.set(parent, directory);
      }
      this.byPath.set(path, entry);
    }
  }

  lstat = (path: string): FileInfo | undefined => {
    const parent = path === '/' ? '/' : this.realpath(posix.dirname(path));
    if (parent === undefined) return undefined;
    const real = posix.join(parent, posix.basename(path));
    const entry = this.byPath.get(real);
    if (entry === undefined) return undefined;
    const kind =
      typeof entry === 'string' || 'text' in entry
        ? 'file'
        : 'link' in entry
          ? 'symlink'
          : 'directory' in entry
            ? 'directory'
            : 'other';
    const own = typeof entry === 'object' ? (entry as { mode?: number; uid?: number }) : {};
    return {
      kind,
      dev: 1n,
      ino: BigInt([...this.byPath.keys()].indexOf(real) + 2),
      uid: own.uid ?? 0,
      gid: own.uid ?? 0,
      mode: own.mode ?? (kind === 'file' ? 0o644 : 0o755),
    };
  };

  stat = (path: string): FileInfo | undefined => {
    const real = this.realpath(path);
    return real === undefined ? undefined : this.lstat(real);
  };

  readlink = (path: string): string => {
    const parent = this.realpath(posix.dirname(path)) ?? '/';
    const entry = this.byPath.get(posix.join(parent, posix.basename(path)));
    if (typeof entry === 'object' && 'link' in entry) return entry.link;
    throw Object.assign(new Error('not a link'), { code: 'EINVAL' });
  };

  realpath = (path: string): string | undefined => {
    let pending = path.split('/').filter(Boolean);
    let current = '/';
    for (let links = 0; pending.length > 0; ) {
      const [name = '', ...rest] = pending;
      pending = rest;
      const next = posix.join(current, name);
      const entry = this.byPath.get(next);
      if (entry === undefined) return undefined;
      if (typeof entry === 'object' && 'link' in entry) {
        if (++links > 40) return undefined;
        if (entry.link.startsWith('/')) current = '/';
        pending = [...entry.link.split('/').filter(Boolean), ...pending];
      } else {
        current = next;
      }
    }
    return current;
  };

  read = (path: string, limit: number): Uint8Array | undefined => {
    const entry = this.byPath.get(this.realpath(path) ?? '');
    if (entry === undefined || !this.access(path, 'read')) return undefined;
    if (typeof entry === 'string') return bytesOf(entry).subarray(0, limit);
    return 'text' in entry ? bytesOf(entry.text).subarray(0, limit) : undefined;
  };

  list = (path: string): string[] => {
    const real = this.realpath(path);
    if (real === undefined) return [];
    const prefix = real === '/' ? '/' : `${real}/`;
    return [...this.byPath.keys()]
      .filter(
        (key) => key.startsWith(prefix) && key !== '/' && !key.slice(prefix.length).includes('/'),
      )
      .map((key) => key.slice(prefix.length));
  };

  entries = (path: string): DirectoryListing[] | undefined => {
    if (!this.access(path, 'read')) return undefined;
    const real = this.realpath(path) ?? path;
    return this.list(path).map((name) => {
      return { name, kind: this.lstat(posix.join(real, name))?.kind ?? 'other' };
    });
  };

  specials = (directory: string): SpecialFile[] =>
    [...this.byPath].flatMap(([path, entry]) => {
      if (!path.startsWith(`${directory}/`) || typeof entry !== 'object' || !('other' in entry)) {
        return [];
      }
      return [{ path, kind: entry.other === 'pipe' ? 'pipe' : 'socket' }];
    });

  treeDigest = (directory: string): string | undefined => {
    const below = [...this.byPath].filter(([path]) => path.startsWith(`${directory}/`));
    return this.lstat(directory)?.kind === 'directory' ? JSON.stringify(below) : undefined;
  };

  isOpaque = (directory: string): boolean => this.opaque.has(directory);

  access = (path: string, mode: 'read' | 'write' | 'execute' | 'enter'): boolean => {
    const info = this.stat(path);
    if (info === undefined) return false;
    if (mode === 'enter') return (info.mode & 0o444) !== 0 && (info.mode & 0o111) !== 0;
    return (info.mode & { read: 0o444, write: 0o222, execute: 0o111 }[mode]) !== 0;
  };
}

/** The machine with what a test adds to it. */
export function fakeHost(machine: FakeMachine = {}): Host {
  const uid = machine.uid ?? 1000;
  const files = new FakeFiles({ ...baseFiles, ...machine.files });
  const home = uid === 0 ? '/root' : '/home/ann';
  const known = machine.users ?? users;
  const streams = machine.streams ?? (['memory-device', 'pipe', 'pipe'] as const);
  const cwd = 'cwd' in machine ? machine.cwd : '/home/ann/proj';
  return {
    env: { HOME: home, PATH: '/usr/local/bin:/usr/bin:/bin', ...machine.env },
    uid,
    gid: uid,
    nested: machine.nested ?? false,
    files,
    cwd: () => cwd,
    userById: (id) => known[id],
    stream: (index) => streams[index],
    terminals: () => ({
      streams: [streams[0] === 'terminal', streams[1] === 'terminal', streams[2] === 'terminal'],
      controlling: machine.controlling ?? false,
    }),
    namespacesErrno: () => machine.namespacesErrno ?? 0,
    mountPaths: (path) => ({
      whole: [path, ...(machine.mounted?.[path] ?? [])],
      parts: [],
      seen: undefined,
    }),
    procMounts: () => ({
      points: ['/proc', ...(machine.proc ?? [])],
      seen: { device: 'proc', lines: '' },
    }),
    kernelRelease: () => machine.kernel ?? '6.1.0-50-amd64',
    landlockAbi: () => machine.landlockAbi ?? 7,
    layerObstacle: () => machine.layerObstacle,
    readStdin: (limit) => {
      const bytes = bytesOf(machine.stdin ?? '');
      return bytes.length > limit ? undefined : bytes;
    },
    random: (below) => Math.min(machine.random ?? 0, below - 1),
    node: machine.node ?? { path: '/usr/bin/node', version: '22.20.0' },
  };
}
