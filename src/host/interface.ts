/**
 * Declares what resolving needs to know of the host, as an interface, so that every rule can
 * be tested against a made-up machine. Only reads; nothing here changes the host, but for what a search keeps in the
 * state directory.
 */

export type FileKind = 'file' | 'directory' | 'symlink' | 'other';

export interface FileInfo {
  readonly kind: FileKind;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface DirectoryListing {
  readonly name: string;
  readonly kind: FileKind;
}

/** "y" marks an opaque directory of an overlay that is mounted with `userxattr` (the kernel's overlayfs.rst). */
export const opaqueAttribute = 'user.overlay.opaque';
export const opaqueValue = 0x79;

export interface FoundNames {
  /** Records of addon/search/search.h. */
  readonly found: Uint8Array;
  /** How many names there are. */
  readonly names: number;
}

export type SpecialKind = 'socket' | 'pipe';

export interface SpecialFile {
  readonly path: string;
  readonly kind: SpecialKind;
}

export type AccessMode = 'read' | 'write' | 'execute' | 'enter';

/** Reads of the host's files. Absent files are `undefined`; other failures throw with `code`. */
export interface HostFiles {
  /** Describes the path itself, not following a symlink at its end. */
  lstat(path: string): FileInfo | undefined;
  /** Describes what the path leads to. */
  stat(path: string): FileInfo | undefined;
  readlink(path: string): string;
  /** Canonical path, or undefined where it leads nowhere. */
  realpath(path: string): string | undefined;
  /** Returns at most `limit` bytes from the beginning; undefined where there is no readable file. */
  read(path: string, limit: number): Uint8Array | undefined;
  /** Names in a directory; none where it cannot be read. */
  list(path: string): readonly string[];
  /** Returns what is in a directory, nothing followed; undefined where it cannot be read. */
  entries(path: string): readonly DirectoryListing[] | undefined;
  /**
   * Names in a directory and below that patterns may match, nothing followed (src/host/search-request.ts).
   * Absent where directories are listed one by one.
   *
   * @param state the state directory, in which what was found is kept for the next search
   * @param onNames called now and then with how many names were seen
   */
  readonly search?:
    | ((
        root: string,
        request: Uint8Array,
        state: string | undefined,
        onNames: (names: number) => void,
      ) => FoundNames)
    | undefined;
  /**
   * UNIX sockets and named pipes in a directory and below, nearest first, among the first `limit`
   * entries; symlinks are not followed.
   */
  specials(directory: string, limit: number): readonly SpecialFile[];
  /**
   * Returns a digest of everything below a directory, as its inodes describe it: paths, types, modes, and the sizes
   * and times of change of files (addon/tree_digest.h). Undefined where not all of it can be read.
   */
  treeDigest(directory: string): string | undefined;
  /** access(2) by the real user. */
  access(path: string, mode: AccessMode): boolean;
  /** Returns whether a directory of an overlay hides what the directories below it have there. */
  isOpaque(directory: string): boolean;
}

/**
 * Says what a standard stream leads to, as far as a decision depends on it. `read-only-file`: nothing of the
 * file can be changed through the descriptor; `terminal`: a character device that may be one;
 * `memory-device`: one of mem(4), as /dev/null is.
 */
export type StreamKind =
  | 'file'
  | 'read-only-file'
  | 'pipe'
  | 'socket'
  | 'terminal'
  | 'memory-device'
  | 'other';

/** 0, 1, 2: stdin, stdout, stderr. */
export type StreamIndex = 0 | 1 | 2;

/** Says which of the streams are terminals, by isatty(3), and whether the process has one to ask at. */
export interface Terminals {
  readonly streams: readonly [boolean, boolean, boolean];
  /** True if /dev/tty can be opened. */
  readonly controlling: boolean;
}

/** The mounts of one file system, or of one type, in the kernel's words. */
export interface MountLines {
  /** `major:minor`, or the type */
  readonly device: string;
  /** Device, root and mount point of each, a line each, as in mountinfo. */
  readonly lines: string;
}

/** Where mounts show a directory. */
export interface MountPaths {
  /** The directory itself, absolute; its own path is among them. */
  readonly whole: readonly string[];
  /** Where something in it is mounted. */
  readonly parts: readonly string[];
  /** The mount lines that both were found in. */
  readonly seen: MountLines | undefined;
}

/** Where a type of file system is mounted. */
export interface ProcMounts {
  readonly points: readonly string[];
  /** The mount lines that they were found in. */
  readonly seen: MountLines;
}

export interface HostUser {
  readonly name: string;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly gid: number;
  /** True if uid 0 here is another user outside: the root of a user namespace, as in `unshare -r`. */
  readonly nested: boolean;
  readonly files: HostFiles;
  /** Real path of the current directory, or undefined where it has been removed. */
  cwd(): string | undefined;
  userById(uid: number): HostUser | undefined;
  /** Returns what the payload gets as this stream. */
  stream(index: StreamIndex): StreamKind;
  terminals(): Terminals;
  /** Returns under which paths mounts show a directory: absolute, without symbolic links; it need not be there. */
  mountPaths(directory: string): MountPaths;
  /** Where processes can be seen: every mount of proc(5), or of a part of it. */
  procMounts(): ProcMounts;
  /** Release of the kernel, for instance `6.1.0-28-amd64`. */
  kernelRelease(): string;
  /** Landlock's ABI version, 0 where the kernel has none. */
  landlockAbi(): number;
  /** 0 where user namespaces with mounts and a /proc of their own can be made here, else the errno. */
  namespacesErrno(): number;
  /**
   * Name of the file system of a directory, such as `overlayfs`, where overlayfs can never write to it;
   * undefined where it can, or may. The directory need not be there yet.
   */
  layerObstacle(directory: string): string | undefined;
  /** All of standard input, or undefined where it is longer than `limit` bytes. */
  readStdin(limit: number): Uint8Array | undefined;
  /** A random whole number from 0 up to, not including, `below`. */
  random(below: number): number;
  /** The Node executable that runs wasbox, and its version: `22.1.0`. */
  readonly node: { readonly path: string; readonly version: string };
}
