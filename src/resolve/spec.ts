/**
 * The resolved sandbox: everything is decided here, before the plan; later stages
 * translate it and make no choices. All paths are absolute and canonical; nothing is opened yet.
 */

import type { StateDirectory } from '../host/index.js';
import type { NetRule, TerminalSize } from '../options/index.js';

/** Why a view is there; shown by `--dry-run` and in reports. `cache`: it is that of a preset; `image`: it is the root. */
export type ViewOrigin =
  | 'system'
  | 'workdir'
  | 'home'
  | 'interpreter'
  | 'script'
  | 'user'
  | 'cache'
  | 'image';

/** Identity of a host file when it was resolved; init refuses a path that leads elsewhere later. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Says what the payload can do in a view. */
export type Access = 'none' | 'read' | 'copy-on-write' | 'write';

/** Where what it writes goes: with the run to where it is reviewed, away with it, or to the host. */
export type Persistence = 'kept' | 'private' | 'host';

/** A host directory that is shown below another one in the same place. */
export interface LowerDirectory {
  readonly source: string;
  readonly identity?: FileIdentity | undefined;
}

/** A file or directory of the host. What is mounted in it comes along, unless it is stacked or copy-on-write. */
export interface HostView {
  readonly type: 'host';
  readonly source: string;
  /** Directories that are shown below the source, upper ones first: a stack, as an image has it. @default none */
  readonly lowers?: readonly LowerDirectory[];
  /** `/` is the whole tree: everything else is shown in it. */
  readonly target: string;
  readonly access: 'read' | 'copy-on-write' | 'write';
  /** `host`, unless it is copy-on-write; `private`: of an image's root, whose changes go away with the run. */
  readonly persistence: Persistence;
  readonly directory: boolean;
  readonly origin: ViewOrigin;
  readonly identity?: FileIdentity | undefined;
  /** Set if it stands for a home of the sandbox's own: mount points and links are made in it. */
  readonly ownHome?: true;
  /** The layer of a run that exists, below the run's directory. @default by the place among the views */
  readonly layer?: string;
}

/** A directory of the sandbox's own, empty at first (home, /tmp, /dev/shm …). */
export interface PrivateView {
  readonly type: 'private';
  readonly target: string;
  readonly access: 'write';
  /** `kept`: in a layer of the run, for {@link host}; `private`: in memory. */
  readonly persistence: 'private' | 'kept';
  /** The host's directory, canonical, that what is kept is compared with and applied to. */
  readonly host?: string | undefined;
  /** Permission bits, for instance 0o1777. */
  readonly mode: number;
  readonly origin: ViewOrigin;
  /** Set if it is the home: the report names what a run leaves there. */
  readonly home?: true;
  /** The layer, as in {@link HostView.layer}. */
  readonly layer?: string;
}

/** An empty place that cannot be read where the target is. It must exist inside by then. */
export interface HiddenView {
  readonly type: 'hidden';
  readonly target: string;
  readonly access: 'none';
  readonly directory: boolean;
  /** `state`: it is wasbox's own state directory, whatever was asked for. */
  readonly origin?: 'state';
}

/** A directory, symbolic link or small file that is made on the sandbox's read-only root. */
export interface DirectoryEntry {
  readonly type: 'directory';
  readonly target: string;
  readonly mode: number;
}
export interface SymlinkEntry {
  readonly type: 'symlink';
  readonly target: string;
  readonly to: string;
}
export interface FileEntry {
  readonly type: 'file';
  readonly target: string;
  readonly content: Uint8Array;
  readonly mode: number;
  /** True if it takes the place of a file that is there already. */
  readonly covers?: boolean | undefined;
}

/** /proc of the sandbox's own processes. */
export interface ProcView {
  readonly type: 'proc';
  readonly target: string;
  /** Names in it that are made read-only, where they are there. */
  readonly sealed: readonly string[];
  /** Names in it that cannot be read, where they are there. */
  readonly hidden: readonly string[];
}

/** The sandbox's own message queues. mq_overview(7) */
export interface MqueueView {
  readonly type: 'mqueue';
  readonly target: string;
}

/** The sandbox's own terminals; also makes `ptmx` beside it. */
export interface DevptsView {
  readonly type: 'devpts';
  readonly target: string;
}

/** A character device of the host's /dev, checked by its device number. */
export interface DeviceView {
  readonly type: 'device';
  readonly name: 'null' | 'zero' | 'full' | 'random' | 'urandom' | 'tty';
  readonly target: string;
}

/** Says what a place inside shows. They are made in list order: a later one may be shown in an earlier one. */
export type View =
  | HostView
  | PrivateView
  | HiddenView
  | DirectoryEntry
  | SymlinkEntry
  | FileEntry
  | ProcView
  | DevptsView
  | MqueueView
  | DeviceView;

/** Consecutive ids: `count` from `inside` on are, on the host, those from `outside` on. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** Says who the payload is, inside and on the host. */
export interface IdentitySpec {
  /** Ids that the payload sees. */
  readonly uid: number;
  readonly gid: number;
  /** Ids that the host sees; never 0. */
  readonly hostUid: number;
  readonly hostGid: number;
  /**
   * How many consecutive ids are mapped, from inside id 0 on, when wasbox runs as root (65536);
   * 1 for an ordinary user, who can map only itself.
   */
  readonly count: number;
  /** Login name and home directory inside. */
  readonly name: string;
  readonly home: string;
  /**
   * The ids that exist inside, where they are more than one range; as root only. `hostUid` and
   * `hostGid` are then what the payload's own ids are on the host.
   */
  readonly maps?: { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] };
  /** True if host files must be shown through idmapped mounts (only as root). */
  readonly idmap: boolean;
  /** Set if they belong to no account, and what the payload makes is root's once the run is over. */
  readonly unowned?: true;
  /** True if the supervisor has more rights than the payload: it writes the id maps, and opens files. */
  readonly privileged: boolean;
}

/** Limits that hold in every run. `undefined` means: not limited by wasbox. */
export interface LimitsSpec {
  /** Wall time in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Processor time of all its processes together, in milliseconds. */
  readonly cpuMs: number | undefined;
  /** Bytes of memory of all its processes and of its files in memory together. */
  readonly memoryBytes: number | undefined;
  /** The time from SIGTERM, or a second interrupt, to SIGKILL, in milliseconds. */
  readonly graceMs: number;
  /** Processes and threads (RLIMIT_NPROC of the sandbox's user namespace). */
  readonly processes: number | undefined;
  /** Open files for each process (RLIMIT_NOFILE). */
  readonly openFiles: number | undefined;
  /** Bytes of one file (RLIMIT_FSIZE). */
  readonly fileSizeBytes: number | undefined;
  /** Bytes on disk of what the run keeps: its layers, and files that it deleted but has open. */
  readonly diskBytes: number | undefined;
  /** Files and directories of the same. */
  readonly inodes: number | undefined;
  /** Bytes written to stdout and stderr together. */
  readonly outputBytes: number | undefined;
  /** Bytes in the sandbox's private memory file system (home, /tmp, /dev/shm together). */
  readonly privateBytes: number;
  /** Inodes in the same. */
  readonly privateInodes: number;
  /** Directory of cgroup v2 in which the run gets one of its own; undefined where none may be made. */
  readonly cgroup: string | undefined;
}

/** Says what the network reaches: nothing, all that the host reaches, or what {@link NetworkSpec} says. */
export type NetworkMode = 'none' | 'host' | 'rules';

/** A port inside that the host, or any machine that reaches `address`, can connect to. */
export interface PublishedPort {
  /** 16 bytes; IPv4 as `::ffff:a.b.c.d`. */
  readonly address: Uint8Array;
  readonly hostPort: number;
  readonly insidePort: number;
}

/** Describes what a sandbox reaches beside itself, where the mode is `rules`. */
export interface NetworkSpec {
  /** A destination must match one of these … */
  readonly allow: readonly NetRule[];
  /** … and none of these. */
  readonly deny: readonly NetRule[];
  /** The allow list as one text: `internet`, `example.com:443,10.1.0.0/16`. */
  readonly text: string;
  /** Resolvers of the host, in 16 bytes each; they are asked for the names that are allowed. */
  readonly resolvers: readonly Uint8Array[];
  /** Listeners on the host that lead to a port inside. */
  readonly publish: readonly PublishedPort[];
  /** True if nothing is allowed but what is asked about: the run can do without. */
  readonly optional: boolean;
}

/** The backend of the spec: namespaces and mounts; Landlock, private copies and calls that the supervisor makes. */
export type Isolation = 'namespaces' | 'landlock';

/** Says what becomes of the changes when the payload ends with 0. */
export type ChangesMode = 'keep' | 'apply' | 'discard';

/** The policy that becomes the seccomp filter. */
export interface PolicySpec {
  /** `default` for the built-in one, else the file's path as the user wrote it. */
  readonly name: string;
  /** True if it is the built-in one, with or without rules of `--allow` above it. */
  readonly builtin: boolean;
  /** Text of the policy; undefined for a built-in one as it is. */
  readonly text: string | undefined;
  /** Files that `include` may name beside the built-in ones: name to text. */
  readonly includes: Readonly<Record<string, string>>;
  /** The running kernel, for a policy that is compiled for it; undefined for a built-in one as it is. */
  readonly kernel?: string | undefined;
  /** Nothing is allowed that this one refuses: the policy itself may come from the payload. */
  readonly within?: PolicySpec | undefined;
  /** Where it was learned: the words of the command that adds this run to it. */
  readonly learned?: readonly string[] | undefined;
}

/** Why calls are refused whatever the policy says: built-in policies that stand beside it. */
export interface Guards {
  /** The parts of the host that are writable, as a message names it: set-id-guard.policy is in force, unless none. */
  readonly files: readonly string[];
  /** True if the payload is given a terminal of the caller's: terminal-guard.policy. */
  readonly terminal: boolean;
  /** True if sockets of the host's network are inside, though the payload has another one: net-guard.policy. */
  readonly sockets: boolean;
}

/**
 * Says whether the payload gets a terminal of its own in place of the caller's; `auto`: for each stream that is one.
 */
export type TerminalMode = 'never' | 'auto' | 'always';

/** Says who decides, while the payload waits, about what the sandbox would refuse. */
export type AskingSpec =
  /** The program that uses the library. */
  | { readonly at: 'program' }
  /** The user. `relayed`: at the terminal that the payload's own is relayed to; `keyboard`: its keys as well. */
  | { readonly at: 'terminal'; readonly relayed: boolean; readonly keyboard: boolean }
  /** Every terminal is within the payload's reach, so all is denied. */
  | { readonly at: 'nowhere'; readonly why: string };

/** wasbox's state directory. */
export interface StateSpec extends StateDirectory {
  /** All paths of the host at which it, another of the user's, or a part of one is to be found. */
  readonly paths: readonly string[];
}

/** Describes what is executed. */
export interface CommandSpec {
  /** Absolute path inside of the executable. */
  readonly path: string;
  readonly argv: readonly string[];
  /** The program as the user named it, for reports: a script's path, a command, or `-`. */
  readonly display: string;
}

/** The image whose tree is the root. */
export interface ImageSpec {
  /** The reference in full: `docker.io/library/python:3.13`, or `dir:` and a directory. */
  readonly reference: string;
  /** Digest of its configuration, `sha256:…`; a directory has none. */
  readonly id?: string | undefined;
  /** The file whose lock says that it is in use; a directory has none. */
  readonly lock?: string | undefined;
}

export interface SandboxSpec {
  readonly isolation: Isolation;
  /** Undefined where the root is made of the host's system. */
  readonly image?: ImageSpec | undefined;
  readonly command: CommandSpec;
  readonly identity: IdentitySpec;
  readonly hostname: string;
  /** Current directory inside. */
  readonly cwd: string;
  /** The current directory without symbolic links: init follows none. */
  readonly realCwd: string;
  /** The tree around it that was found, as the user knows it, and what made it that. */
  readonly project?: { readonly path: string; readonly marker: string } | undefined;
  readonly views: readonly View[];
  /** Directories and files inside that the payload may write: Landlock's second wall. */
  readonly writable: readonly string[];
  readonly net: NetworkMode;
  /** Set only where `net` is `rules`. */
  readonly network?: NetworkSpec | undefined;
  readonly env: Readonly<Record<string, string>>;
  /**
   * True if some of {@link env} was given with `--env` or by a profile: such a value may be a secret, which nothing keeps
   * longer than the run. @default false
   */
  readonly hasGivenEnv?: true | undefined;
  readonly limits: LimitsSpec;
  readonly policy: PolicySpec;
  readonly guards: Guards;
  readonly terminal: TerminalMode;
  /** The size of a terminal that the caller shows by itself; undefined where it is the size of the caller's own. */
  readonly terminalSize?: TerminalSize | undefined;
  /** Undefined where nothing is asked. */
  readonly asking?: AskingSpec | undefined;
  /** Landlock's ABI version, 0 where the kernel has none. */
  readonly landlockAbi: number;
  readonly state: StateSpec;
  /**
   * True if the changes in copy-on-write directories are kept in memory until the run ends, because the state
   * directory's file system cannot hold a layer that is written to. @default false
   */
  readonly layersInMemory?: true | undefined;
  /** True if the user is told at once of ports that are open inside only. @default false */
  readonly tellsPorts?: true | undefined;
  /** True if everything that the payload does is recorded. */
  readonly audit?: boolean | undefined;
  /** Says what becomes of the changes of a run that succeeds, and of any other. @default 'keep' */
  readonly changes: ChangesMode;
  readonly changesOnFailure?: 'discard' | undefined;
  /** Id of the run with whose layer this one goes on; undefined for a run of its own. */
  readonly continues?: string | undefined;
  /** Notes that the user should know about how the options were understood; shown unless `-q`. */
  readonly notes: readonly string[];
}
