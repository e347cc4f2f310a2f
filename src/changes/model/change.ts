/**
 * One change.
 *
 * Paths are bytes: a file name on Linux need not be text. `display` is the same path made safe for
 * a terminal and for JSON; it is never used to open anything.
 */

/** Says what a run saw of the user's home. */
export type HomeKind = 'empty' | 'cow';

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device';

/**
 * `type`: a file became a directory, a symbolic link …; `mode`: permission bits or owner only;
 * `time`: modification time only; `xattr`: extended attributes only, which are never applied.
 */
export type ChangeKind = 'added' | 'modified' | 'deleted' | 'type' | 'mode' | 'time' | 'xattr';

/**
 * Marks what a reviewer should know about a change.
 *
 * - `held`: another program runs it (a git hook, a shell start-up file …), or it is the tree's own
 *   directory, whose mode controls access to everything below; applied only when named
 * - `runs-later`: can run code, but is an ordinary project file (Makefile, package.json …)
 * - `executable`: newly executable
 * - `open`: newly writable by everyone
 * - `set-id`: setuid or setgid bit, which `apply` strips
 * - `sticky`: sticky bit, which `apply` strips
 * - `leads-out`: a symbolic link that points outside the tree; applied only when named
 * - `special`: device, FIFO or socket; never applied
 * - `hard-link`: shares its inode with other changed paths
 * - `xattr`: its extended attributes, ACLs or capabilities differ from the host's file; `apply` does not
 *   copy them
 * - `host-changed`: the host's file changed since the run began; not applied
 * - `unseen`: in the home; the host has something there, of which the run saw nothing. Applied only when
 *   the user says how
 * - `mount-point`: is on another mount than the working directory; not applied
 * - `unreadable`: cannot be read; not applied
 * - `too-deep`: in addition to `unreadable`: a directory whose contents were not compared, because it is
 *   nested more than 200 levels deep or its path is longer than PATH_MAX
 */
export type ChangeFlag =
  | 'held'
  | 'runs-later'
  | 'executable'
  | 'open'
  | 'set-id'
  | 'sticky'
  | 'leads-out'
  | 'special'
  | 'hard-link'
  | 'xattr'
  | 'host-changed'
  | 'unseen'
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
  /** Disk space; less than `size` for a sparse file. */
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
  /** Absolute path of its tree. */
  readonly root: string;
  /** 0 for the working directory, then the number of the `--cow` tree. */
  readonly tree: number;
  /** Set if the tree is the user's home: the change is applied only when named. */
  readonly home?: HomeKind | undefined;
  /**
   * The path, escaped for terminals and JSON: relative in the working directory, `~/…` in the home,
   * absolute in any other tree.
   */
  readonly display: string;
  readonly kind: ChangeKind;
  /** The new type; for a deletion, the old one. */
  readonly type: FileType;
  /** The state on the host; absent for an addition. */
  readonly before?: FileState | undefined;
  /** The state in the layer; absent for a deletion. */
  readonly after?: FileState | undefined;
  readonly flags: readonly ChangeFlag[];
  /** Set for an `unseen` file: true if both are text, so that the run's lines can be added to the host's. */
  readonly appends?: true | undefined;
  /** Why it is `held` or `runs-later`, for example `git runs it as a hook`. */
  readonly runs?: string | undefined;
  /**
   * How many of the path's first names a user must have named to mean a `held` change as well: those of the directory in
   * which everything is held, as `.venv`. Undefined if only the whole path means it.
   */
  readonly heldWith?: number | undefined;
}

/** Number of changes of each kind. */
export interface ChangeCounts {
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
}

export interface ChangeSummary {
  readonly counts: ChangeCounts;
  /** Counts of the changes that are directories; absent where there are none. */
  readonly directories?: ChangeCounts | undefined;
  readonly sizeBytes: number;
  readonly diskBytes: number;
}
