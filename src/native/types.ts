/**
 * The typed face of the native addon, and its choice by platform, architecture and
 * libc. Only `launch/` starts sandboxes; `changes/` uses the file calls that Node lacks.
 */

/** Says what is asked about, and whom the supervisor asks. */
export interface NativeAsk {
  /** Milliseconds until a question counts as denied; 0: never. */
  readonly timeoutMs: number;
  /** True if questions are shown at the run's terminal: then nothing is relayed meanwhile. */
  readonly terminal: boolean;
  /** True if files are asked about that fail to open inside, and addresses that the rules do not allow. */
  readonly files: boolean;
  readonly network: boolean;
  /** The payload's ids on the host, where the supervisor has more rights. */
  readonly uid?: number;
  readonly gid?: number;
  /** Numbers of the calls that an answer can allow. */
  readonly calls: Uint32Array;
  /** `wb_question` (records.h) with its texts; without bytes an answer would come too late: its time is over, or the process. */
  readonly onQuestion: (id: number, bytes: Uint8Array | undefined, late: boolean) => void;
}

export interface NativeLaunchRequest {
  /** Bytes of the plan (plan/). */
  readonly plan: Uint8Array;
  /** Absolute path of the `wasbox-init` executable. */
  readonly init: string;
  /** Host descriptors that become 0, 1 and 2 inside. They stay open here. */
  readonly stdio: readonly [number, number, number];
  /** Milliseconds of wall time; 0 means no limit. */
  readonly timeoutMs: number;
  /** Milliseconds between SIGTERM and SIGKILL when the time is over, or after a second SIGINT. */
  readonly graceMs: number;
  /** Without it, nothing asks. */
  readonly ask?: NativeAsk | undefined;
  /** True to record what the payload does; the plan's filter must ask about every call. */
  readonly audit?: boolean | undefined;
  /** True if a second SIGINT ends it, and its stop stops this process. */
  readonly attended: boolean;
  /** The umask of the payload, where it is not this process's. */
  readonly umask?: number | undefined;
  /** The directory of the run, canonical; none of a plan that writes to no layer and has no private root. */
  readonly directory?: string | undefined;
  /** The lock of the run that it writes to, if `createRun` made that. The pid of init is written to it. */
  readonly lock?: number | undefined;
  /** That run, to be ended by the supervising thread if the payload leaves its layer as it was made. */
  readonly layer?: NativeRunEnd | undefined;
  /** The run that the supervising thread creates before the start, in place of `directory`, `lock` and `layer`. */
  readonly create?: NativeNewRun | undefined;
  /** Init's end of a session's socket, for a plan of a session. To stay open until it has started. */
  readonly session?: number | undefined;
  /** Takes a line with the number of each port that is open inside only. To stay open until the end. @default stderr, as sentences */
  readonly ports?: number | undefined;
}

/** A run that is created just before its sandbox starts. */
export interface NativeNewRun {
  readonly request: Parameters<NativeRuns['createRun']>;
  /** The fields of `layer` without the run. Undefined if the caller ends the run. */
  readonly end?: Omit<NativeRunEnd, 'run'> | undefined;
}

/** How a sandbox started. */
export interface NativeStart {
  /** Pid of init on the host; 0 where it could not be started, and `onEnd` says why. */
  readonly pid: number;
  /** The run that was created, if the request had `create`. */
  readonly run?: NativeRun;
}

/** The parts that ending a run that `createRun` made needs. */
export interface NativeRunEnd {
  /** The state directory. */
  readonly state: string;
  readonly run: NativeRun;
  readonly workdir: string;
  /** The entries that the sandbox itself makes in the home, each with a NUL behind it, parents first. */
  readonly placed: string;
}

/** Control sequences to write before and after a question on the terminal of a program. */
export interface TerminalSuspension {
  readonly begin: string;
  readonly end: string;
  /** True if the program must draw its screen again. */
  readonly redraw: boolean;
}

/** Stands for a sandbox of the addon. */
export type SandboxHandle = { readonly handleOf: 'sandbox' };

export interface NativeLaunched extends Pick<NativeSandbox, 'started'> {
  readonly handle: SandboxHandle;
}

/** The methods of {@link NativeSandbox}, each with the handle as its first argument. */
export type NativeSandboxes = {
  readonly [Name in Exclude<keyof NativeSandbox, 'started'>]: (
    handle: SandboxHandle,
    ...args: Parameters<NativeSandbox[Name]>
  ) => ReturnType<NativeSandbox[Name]>;
};

export interface NativeSandbox {
  /**
   * Fulfilled once init runs or could not be started. Until then the descriptors of `stdio` must stay open. Rejected
   * with the error of `createRun` if the run could not be created: then nothing was started, and `onEnd` is not called.
   */
  readonly started: Promise<NativeStart>;
  /** Sets whether this process stays for it; at first it does. Not after `onEnd`. */
  hold(hold: boolean): void;
  /** Ends the sandbox without further events. For the end of this process. */
  abandon(): void;
  /**
   * Does what {@link NativeRuns.endUntouched} does, on another thread; its layer becomes the next run's, once it is
   * unmounted.
   */
  endUntouched(state: string, run: NativeRun, workdir: string, placed: string): Promise<boolean>;
  /**
   * Ends a run whose changes are to be dropped, and closes its lock: another thread empties its layer.
   * `reuse`: the layer, the only one, becomes the next run's. Fulfilled with whether it did.
   */
  endDiscarded(
    state: string,
    run: NativeRun,
    workdir: string,
    placed: string,
    reuse: boolean,
  ): Promise<boolean>;
  /**
   * Returns, once the sandbox has ended, a descriptor of the private tmpfs if layers in it must be saved. It belongs to
   * the caller. Undefined otherwise, and if the payload never started.
   */
  takeMemory(): number | undefined;
  /** Answers a question with WB_DECISION_*; one that is not open any more is left alone. */
  answer(id: number, decision: number): void;
  /** Returns what was refused so far, as {@link NativeOutcome.refusals}; empty once the sandbox has ended. */
  refusals(): ArrayBuffer;
  /**
   * Returns what to write to the run's terminal before a question is shown on it, and afterwards; undefined
   * while something is still relayed. Nothing is until `resumeRelay`.
   */
  suspendRelay(): TerminalSuspension | undefined;
  resumeRelay(): void;
  /** Has the program draw its screen: first with a smaller one, some time later with the real one. */
  redraw(shrunk: boolean): void;
  /** Gives the program's terminal another size, where this process has none whose size it takes. */
  resize(rows: number, columns: number): void;
  /** Sends a signal to the payload's process group; SIGKILL ends the whole sandbox. */
  signal(signal: number): void;
  /**
   * A descriptor of a connection to a port of the sandbox's own loopback; of Node's addon alone. Only for a sandbox
   * with a network namespace. Throws ECONNREFUSED where nothing listens; ESRCH.
   */
  dialInside(port: number): number;
}

/** The features that the kernel offers, each value measured by a call, not by a version number. */
export interface NativeProbe {
  /** Landlock ABI version, 0 where it is missing. */
  readonly landlockAbi: number;
  /** 0, or the errno with which a child with all namespaces could not be made. */
  readonly namespacesErrno: number;
  /** 0, or the errno of mounting a fresh /proc in such a child. */
  readonly procErrno: number;
  /** 0, or the errno of mounting an overlay on a directory given to the probe. */
  readonly overlayErrno: number;
  /** 0, or the errno of loading a seccomp filter. */
  readonly seccompErrno: number;
  /** True if seccomp has user notifications. */
  readonly seccompNotify: boolean;
  /** 0, or the errno of mount_setattr(2) with an id map; only probed as root. */
  readonly idmapErrno: number;
}

/** A private copy of a directory: addon/rundir/working_copy.h. */
export interface NativeWorkingCopy {
  /** The directory, canonical; absent: an empty one, of which everything is kept. */
  readonly source?: string | undefined;
  /** The directory that the copy, `name`, is made in. */
  readonly place: string;
  readonly name: string;
  /** Paths in the source that are left out, each with a NUL behind it. */
  readonly leftOut?: string | undefined;
  /** Owner of the copy. @default the caller's */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Limits, 0 for none. */
  readonly maxBytes?: number | undefined;
  readonly maxFiles?: number | undefined;
}

/** A run whose lock this process holds, as it was made. */
export interface NativeRun {
  readonly id: string;
  /** Descriptor that holds the run's lock. */
  readonly lock: number;
  /** The mode of its `upper`, with the file type. */
  readonly mode: number;
  /** The inode of the working directory. */
  readonly ino: bigint;
  /** The mode of the home's `upper`; undefined where there is none. */
  readonly homeMode: number | undefined;
  /** Its owner, where root made the run. */
  readonly homeUid?: number | undefined;
  readonly homeGid?: number | undefined;
}

/**
 * Directories of runs (addon/rundir). `state` is the absolute path of the state directory. All throw
 * an error with `errno`, `code` and `syscall`: EPERM where a directory belongs to another user or is
 * open to others, ENOTDIR or ELOOP where it is not a directory.
 */
export interface NativeRuns {
  /** A descriptor of a directory in the state directory; both are made where they are missing. */
  openOwn(state: string, name: string, create: boolean): number;
  /** Makes a run with empty layers, or takes a spare one, and holds its lock. */
  createRun(
    state: string,
    /** Directories that are shown copy-on-write, the working directory first. */
    trees: readonly string[],
    /** The rest of `run.json`, behind the run's ID and times. */
    record: string,
    startedMs: number,
    reuse: boolean,
    /** True if the last layer is that of an empty home, which no overlay uses. */
    home: boolean,
    /**
     * True if the run's changes are to be dropped: then they are where a worker thread that holds the run is
     * terminated.
     */
    discard: boolean,
  ): NativeRun;
  /** Creates a run like `createRun`, on another thread. */
  createRunSoon(...request: Parameters<NativeRuns['createRun']>): Promise<NativeRun>;
  /** Releases the lock of a run that `createRun` made. */
  closeRun(lock: number): void;
  /** Takes the lock of an open run's directory; undefined where another process uses or makes it. */
  lockRun(directory: number, shared?: boolean): number | undefined;
  /** Moves a run whose lock is held from one directory of the state directory to another. */
  moveRun(state: string, id: string, from: string, to: string): void;
  /**
   * The IDs of runs in an open directory that begin with `prefix` and are older than `before` (empty: all), the
   * newest first, at most `most`.
   */
  runIds(directory: number, prefix: string, before: string, most: number): string[];
  /** Returns whether there are runs in use whose lock is free. */
  hasInterruptedRuns(state: string): boolean;
  /**
   * Ends a run and closes its lock, if its layers are as they were made. Otherwise returns false and
   * leaves it alone. `placed`: what the sandbox itself made in the home, each with a NUL behind it, parents
   * first.
   */
  endUntouched(state: string, run: NativeRun, workdir: string, placed: string): boolean;
  /** Removes the layers that were to become the next runs': for the end of this process. */
  removeRetired(): void;
  /**
   * Removes a name from an open directory, with everything below it. Each call removes at most about `most` entries. A
   * missing name counts as removed.
   *
   * @returns how many entries were removed; if fewer than `most`, everything is gone
   */
  removeTree(directory: number, name: Buffer | string, most: number): number;
  /** Removes everything at once, on another thread. The descriptor may be closed meanwhile. */
  removeTreeSoon(directory: number, name: Buffer | string): Promise<void>;
}

/** The functions of Node's addon alone. */
export interface NativeReads {
  /**
   * Returns whether the host answers the first `count` questions of a table (src/plan/read-table.ts) as it did.
   */
  readsAgree(table: Uint8Array, count: number): boolean;
}

/** The socket between a session's owner and init (wire.h); Node's addon has it, the engine does not. */
export interface NativeSessions {
  /** A pair of connected UNIX streams with O_CLOEXEC: [this process's end, init's end]. */
  socketPair(): [number, number];
  /**
   * Has init execute a `wb_exec` with these pipes as 0, 1 and 2; or, for one with a terminal, with a socket
   * to which init sends the terminal's master.
   * @returns whether there was room for it: else to be tried again
   */
  sendExec(
    socket: number,
    id: number,
    exec: Uint8Array,
    stdio: readonly [number, number, number] | readonly [number],
  ): boolean;
  /** A signal for the process group of a program. @returns as `sendExec` */
  sendExecSignal(socket: number, id: number, signal: number): boolean;
  /**
   * Opens a terminal's master and both pipes once more: what comes in at `input` is typed, what is shown goes to
   * `output`. `ended` must follow.
   */
  relayTerminal(master: number, input: number, output: number): NativeTerminalRelay;
  /** A pipe for the payload, which reads from it or writes to it. */
  payloadPipe(isInput: boolean): NativePayloadPipe;
  /**
   * One byte of a socket, with the descriptor that came with it; undefined where nothing came in time, or
   * never will.
   */
  receiveDescriptor(
    socket: number,
    timeoutMs: number,
  ): [byte: number, fd: number | undefined] | undefined;
}

/** A pipe for the payload. A thread stands between: the payload can hold up who touches its pipe. */
export interface NativePayloadPipe {
  /** A socket, of which one direction is used. */
  readonly own: number;
  /** The payload's end. */
  readonly given: number;
  /**
   * The bytes that were written to the pipe until now; Infinity where no process can write any more, and the end
   * follows; undefined where it is to be asked again. Only while `own` is open.
   */
  written(): number | undefined;
}

/** Relays between a program's terminal and its caller's pipes, on a thread of its own. */
export interface NativeTerminalRelay {
  resize(rows: number, columns: number): void;
  /** The program has ended: what it wrote is passed on while `output` has a reader; then the terminal hangs up. */
  ended(): void;
}

/** The socket between a session of the command line and `wasbox exec`; the engine does not have it. */
export interface NativeOwners {
  /** A descriptor of a connection to a UNIX socket. */
  connectUnix(path: string): number;
  /** The process that made a socket's other end. */
  peerOf(socket: number): [pid: number, uid: number];
  /** Sends without waiting. */
  sendDescriptor(socket: number, byte: number, fd: number): void;
  /**
   * Relays between this process's terminal, at 0, 1 and 2, and another's master, which is taken over, until
   * something can be read from the socket. Signals go there as frames (src/owner/frames.ts). Blocks.
   * @returns whether ^C was typed, and the end of what the program wrote
   */
  attachTerminal(socket: number, master: number): [typedInterrupt: boolean, tail: Uint8Array];
}

export interface Native extends NativeRuns, NativeReads, NativeSessions, NativeOwners {
  /** Version of wire.h that the addon was built with. */
  readonly wireVersion: number;
  /**
   * Throws an error with `errno`, `code` and `syscall` where no thread can be made for it. `onEnd` gets a
   * `wb_outcome` (records.h), which decode/outcome.ts reads, and whether the run of `layer` was ended.
   */
  launch(
    request: NativeLaunchRequest,
    onEnd: (outcome: ArrayBuffer, layerEnded: boolean) => void,
  ): NativeLaunched;
  /** The functions for all sandboxes; each takes a handle. */
  readonly sandboxes: NativeSandboxes;
  /** close(2) of a descriptor that one of these functions opened (descriptors.ts). */
  close(fd: number): void;
  /** A pipe(2) with O_CLOEXEC: [read end, write end]. */
  pipe(): [number, number];
  /** From here on, this environment owns the descriptors that it opens: they are closed with it. */
  ownDescriptors(): void;
  /** Something else may take this descriptor over from here on; until it is forgotten, both count. */
  lendDescriptor(fd: number): void;
  /** From here on, something else closes this descriptor. */
  forgetDescriptor(fd: number): void;
  /** openat2(2). `resolve` takes RESOLVE_* bits. Returns a descriptor (O_CLOEXEC is added). */
  openat2(
    dirfd: number,
    path: string | Uint8Array,
    flags: number,
    mode: number,
    resolve: number,
  ): number;
  /** renameat2(2), for instance with RENAME_NOREPLACE (1) or RENAME_EXCHANGE (2). */
  renameat2(
    oldDirfd: number,
    oldPath: string | Uint8Array,
    newDirfd: number,
    newPath: string | Uint8Array,
    flags: number,
  ): void;
  /** mknodat(2): a FIFO, or a whiteout of overlayfs, which is the character device 0:0. `mode` has the type. */
  makeNode(dirfd: number, name: string | Uint8Array, mode: number): void;
  /**
   * Returns whether flock(2) gave the lock, which goes with the descriptor. @param shared @default false: for it alone
   */
  tryLock(fd: number, shared?: boolean): boolean;
  /** syncfs(2): writes to the disk what is not there yet of the file system of an open file. */
  syncfs(fd: number): void;
  /**
   * Names in a directory and below that may be what patterns mean (addon/search). `state`: the state directory, for an
   * index. `onNames` is called now and then; what it throws ends the search.
   */
  search(
    root: string,
    request: Uint8Array,
    state: string | undefined,
    onNames: (names: number) => void,
  ): [found: Uint8Array, names: number];
  /** The digest of a directory tree as its inodes describe it (addon/tree_digest.h); undefined where not all can be read. */
  treeDigest(path: string): string | undefined;
  /** How many bytes are no text: control characters that text does not have, and bytes that are not UTF-8. */
  textJunk(bytes: Uint8Array): number;
  /**
   * The fewest lines to add and remove that make one text of the other; all of both where there are more than `most`.
   */
  lineChanges(
    before: Uint8Array,
    after: Uint8Array,
    most: number,
  ): [added: number, removed: number];
  /** Value of an extended attribute of an open file, or undefined where there is none. */
  fgetxattr(fd: number, name: string): Uint8Array | undefined;
  /** Names of the extended attributes of an open file. */
  flistxattr(fd: number): string[];
  /** Sets an extended attribute of an open file. */
  fsetxattr(fd: number, name: string, value: Uint8Array): void;
  fremovexattr(fd: number, name: string): void;
  /**
   * Returns whether no process has a file, open here for reading only, open or mapped for writing. False also
   * where the file system or the file's owner does not let that be found out (F_SETLEASE).
   */
  hasNoWriter(fd: number): boolean;
  /** FICLONE; false where the file systems cannot share extents. */
  reflink(targetFd: number, sourceFd: number): boolean;
  /** futimens(2): access and modification time in nanoseconds since the epoch. */
  setTimes(fd: number, atimeNs: bigint, mtimeNs: bigint): void;
  /** Sets the times by utimensat(2), for a name in an open directory; a symbolic link's own times. */
  setTimesAt(dirfd: number, name: string | Uint8Array, atimeNs: bigint, mtimeNs: bigint): void;
  /**
   * lseek(2) SEEK_DATA and SEEK_HOLE: where the next data at or after `offset` begins and ends;
   * undefined where only a hole follows.
   */
  dataRange(fd: number, offset: bigint): [begin: bigint, end: bigint] | undefined;
  /** Login name and home of a uid by getpwuid_r(3); undefined where there is no such user. */
  userById(uid: number): { name: string; gid: number; home: string; shell: string } | undefined;
  /** Symbolic name of an errno, for instance `EPERM`, and its text. */
  errnoName(errno: number): { code: string; message: string };
  /** Ends this process with `_exit(2)`; returns where a standard stream is a terminal. */
  leave(status: number): void;
  /** Landlock's ABI version, 0 where the kernel has none. */
  landlockAbi(): number;
  /** 0 where user namespaces with mounts and a /proc of their own can be made, else why not. */
  namespacesErrno(): number;
  /** Makes a private copy of a directory. @throws an error with `code`, and the `path` in the copy */
  makeWorkingCopy(request: NativeWorkingCopy): void;
  /**
   * Moves what is other than in the source to `upper`, in overlayfs's format. @throws the same
   * @returns whether that is all that the program did: false where the copy was not made whole
   */
  captureWorkingCopy(
    request: Pick<NativeWorkingCopy, 'source' | 'place' | 'name'>,
    upper: string,
    uid?: number,
    gid?: number,
  ): boolean;
  /** `overlayDirectory` holds `lower`, `upper` and `work` for a trial. */
  probe(overlayDirectory: string): NativeProbe;
}
