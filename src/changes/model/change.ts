/**
 * One change.
 *
 * Paths are bytes: a file name on Linux need not be text. `display` is the same path made safe for
 * a terminal and for JSON; it is never used to open anything.
 */

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device';

/**
 * `type`: a file became a directory, a symbolic link …; `mode`: permission bits or owner only;
 * `time`: modification time only; `xattr`: extended attributes only, which are never applied.
 */
export type ChangeKind = 'added' | 'modified' | 'deleted' | 'type' | 'mode' | 'time' | 'xattr';

/**
 * What one should know about a change.
 *
 * - `held`: runs later by itself (a git hook, a shell start-up file …), or is the tree's own
 *   directory, whose mode says who gets at all of it; applied only when named
 * - `runs-later`: runs later by itself, but is an ordinary project file (Makefile, package.json …)
 * - `executable`: newly executable
 * - `open`: newly writable for everybody
 * - `set-id`: setuid, setgid or sticky bit, which `apply` strips
 * - `leads-out`: a symbolic link out of the tree; applied only when named
 * - `special`: device, FIFO or socket; never applied
 * - `hard-link`: shares its inode with other changed paths
 * - `xattr`: other extended attributes, ACLs or capabilities than the host's file has, which `apply`
 *   does not carry over
 * - `host-changed`: the host's file changed since the run began; not applied
 * - `mount-point`: lies on another mount than the working directory; not applied
 * - `unreadable`: cannot be read; not applied
 * - `too-deep`: beside `unreadable`, of a directory that was not looked into, since it lies more than 200
 *   directories deep or its path is longer than any call takes
 */
export type ChangeFlag =
  | 'held'
  | 'runs-later'
  | 'executable'
  | 'open'
  | 'set-id'
  | 'leads-out'
  | 'special'
  | 'hard-link'
  | 'xattr'
  | 'host-changed'
  | 'mount-point'
  | 'unreadable'
  | 'too-deep';

/** One side of a change. */
export interface FileState {
  readonly type: FileType;
  /** Permission bits with set-id and sticky, 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** What it takes on disk; less than `size` where it has holes. */
  readonly diskBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
  /** Number of names of the inode. */
  readonly links: number;
  /** Target of a symbolic link. */
  readonly link?: Buffer | undefined;
}

export interface Change {
  /** Relative to its tree's root, without a leading `./`. The root itself is empty. */
  readonly path: Buffer;
  /** Absolute path of the tree that it lies in. */
  readonly root: string;
  /** 0 for the working directory, then the number of the `--cow` tree. */
  readonly tree: number;
  /**
   * The path, escaped for terminals and JSON: relative in the working directory, absolute in any
   * other tree.
   */
  readonly display: string;
  readonly kind: ChangeKind;
  /** Type now, or for a deletion the type it had. */
  readonly type: FileType;
  /** On the host; absent for what is added. */
  readonly before?: FileState | undefined;
  /** In the layer; absent for what is deleted. */
  readonly after?: FileState | undefined;
  readonly flags: readonly ChangeFlag[];
  /** Why `held` or `runs-later`, for instance `git runs it`. */
  readonly runs?: string | undefined;
}

/** How many changes there are of each kind. */
export interface ChangeCounts {
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
}

export interface ChangeSummary {
  readonly counts: ChangeCounts;
  readonly sizeBytes: number;
  readonly diskBytes: number;
}
