/**
 * The one table of options of `wasbox run`. The command line's parser, `--help`,
 * shell completion, the reference and the library's {@link RunOptions} type all follow from it.
 *
 * Adding an option here is enough for it to be parsed, typed, validated and documented; what it
 * means for the sandbox is decided in `src/resolve` (a limit: `limits.ts`); what must reach init is a field of
 * the plan.
 */
import { longestMs } from '../time/index.js';
import { netWords } from './value-types.js';

/** Says what an option's value looks like, and which type it has in the library. */
export type OptionKind =
  | 'flag' // no value; `true`, or the entry's `value`
  | 'choice' // one of `choices`
  | 'text' // any string
  | 'path' // a host path, relative to the current directory
  | 'mapping' // PATH[:DEST]
  | 'integer' // a whole number between `min` and `max`
  | 'duration' // 500ms, 30s, 1m30s, 2h; a bare number is seconds; milliseconds in the library
  | 'network' // none, host, or rules with commas between them (net-rules.ts)
  | 'size' // 65536, 512K, 512M, 1.5G; powers of 1024; bytes in the library
  | 'variable' // NAME[=VALUE]
  | 'sink'; // a file name, or the number of an open descriptor

export type OptionGroup =
  | 'Program'
  | 'Files'
  | 'Network'
  | 'Limits'
  | 'Environment and policy'
  | 'Output';

/** One row of the table. */
export interface OptionEntry {
  /** Long name, without the dashes. */
  readonly name: string;
  /** The name in earlier releases: accepted with a warning, and not in help. */
  readonly formerName?: string;
  /** One letter, without the dash. */
  readonly short?: string;
  readonly kind: OptionKind;
  /**
   * The form of a value in a word of its own, where it may be left out; then it is the empty text, and
   * the next word is not touched.
   */
  readonly valueLike?: string;
  /** Name of the value in help; absent for flags. */
  readonly metavar?: string;
  readonly choices?: readonly string[];
  /** The value that a flag sets its property to; `true` where absent. */
  readonly value?: string;
  readonly min?: number;
  readonly max?: number;
  /** Takes `none` or `unlimited` as well, which is `Infinity` in the library. */
  readonly unlimited?: true;
  /** May be given several times; the library takes an array (or a record, for `variable`). */
  readonly repeatable?: boolean;
  readonly group: OptionGroup;
  /** One or two sentences, without a full stop at the end. */
  readonly help: string;
  /** The value that the letter sets the property to, if that is not what the name sets it to. */
  readonly shortValue?: string;
  /** A few words for the short help, of the options that people use most. */
  readonly brief?: string;
  /** Value when the option is absent, as help shows it. */
  readonly default?: string;
  /** Name of the property in the library and in a parsed command line. */
  readonly property: string;
  /** Says whether the library takes it too, or the command line only. */
  readonly scope: 'sandbox' | 'cli';
  /** Key in a profile file; absent for what makes no sense there. */
  readonly profileKey?: string;
}

export const runOptionTable = [
  {
    name: 'lang',
    kind: 'text',
    metavar: 'LANG',
    group: 'Program',
    help: 'run the script with the interpreter of this language (python, node, sh, bash, ruby, perl …), regardless of its #! line or extension',
    property: 'lang',
    scope: 'sandbox',
  },
  {
    name: 'code',
    short: 'c',
    kind: 'text',
    metavar: 'CODE',
    group: 'Program',
    help: 'run CODE with sh, or with the interpreter of --lang; the words after it become its arguments',
    property: 'code',
    scope: 'sandbox',
  },
  {
    name: 'workdir',
    kind: 'path',
    metavar: 'DIR',
    group: 'Files',
    help: 'the working directory, mounted copy-on-write: writes go to a copy. --workdir . mounts the current directory alone',
    default: 'the git repository, workspace or package around the current directory',
    property: 'workdir',
    scope: 'sandbox',
  },
  {
    name: 'chdir',
    kind: 'path',
    metavar: 'DIR',
    group: 'Files',
    help: 'where in the working directory the program starts',
    default: 'the current directory',
    property: 'chdir',
    scope: 'sandbox',
  },
  {
    name: 'isolation',
    kind: 'choice',
    choices: ['auto', 'namespaces', 'landlock'],
    metavar: 'auto|namespaces|landlock',
    group: 'Files',
    help: 'what isolates the program: namespaces; landlock, for containers that have none, which is weaker; or auto, namespaces where they work and landlock elsewhere',
    default: 'auto',
    property: 'isolation',
    scope: 'sandbox',
    profileKey: 'isolation',
  },
  {
    name: 'image',
    kind: 'text',
    metavar: 'REF',
    group: 'Files',
    help: 'use an OCI image as the root file system: python:3.13, registry.example.com/app@sha256:…, oci:DIR, oci-archive:FILE, docker-archive:FILE, or dir:PATH, a directory that holds one. Without a command it runs what the image says',
    default: "this machine's system",
    property: 'image',
    scope: 'sandbox',
  },
  {
    name: 'platform',
    kind: 'text',
    metavar: 'OS/ARCH',
    group: 'Files',
    help: 'which of the variants of --image: linux/arm64',
    default: "this machine's",
    property: 'platform',
    scope: 'sandbox',
  },
  {
    name: 'entrypoint',
    kind: 'text',
    metavar: 'PROGRAM',
    group: 'Program',
    help: "the program that --image starts, in place of the image's own; an empty one starts the command itself",
    property: 'entrypoint',
    scope: 'sandbox',
  },
  {
    name: 'ro',
    kind: 'mapping',
    metavar: 'PATH[:DEST]',
    repeatable: true,
    group: 'Files',
    help: 'mount PATH read-only, at DEST or at the same path',
    brief: 'mount PATH read-only',
    property: 'ro',
    scope: 'sandbox',
    profileKey: 'files.read-only',
  },
  {
    name: 'rw',
    kind: 'mapping',
    metavar: 'PATH[:DEST]',
    repeatable: true,
    group: 'Files',
    help: 'mount PATH read-write; writes change the real files',
    brief: 'mount PATH writable: writes reach the real files',
    property: 'rw',
    scope: 'sandbox',
    profileKey: 'files.writable',
  },
  {
    name: 'cow',
    kind: 'mapping',
    metavar: 'PATH[:DEST]',
    repeatable: true,
    group: 'Files',
    help: 'mount the directory PATH copy-on-write too; its changes are saved for review with the rest',
    property: 'cow',
    scope: 'sandbox',
    profileKey: 'files.copy-on-write',
  },
  {
    name: 'home',
    kind: 'choice',
    choices: ['empty', 'cow', 'none'],
    metavar: 'empty|cow|none',
    group: 'Files',
    help: 'what the program sees of your home: an empty one; your own copy-on-write, with keys and tokens hidden; or none. What it writes there is saved for review',
    default: 'empty',
    property: 'home',
    scope: 'sandbox',
    profileKey: 'files.home',
  },
  {
    name: 'hide',
    kind: 'path',
    metavar: 'PATH',
    repeatable: true,
    group: 'Files',
    help: "hide PATH, or everything that matches a pattern such as '**/.env*'",
    brief: 'hide PATH, or what a pattern names',
    property: 'hide',
    scope: 'sandbox',
    profileKey: 'files.hide',
  },
  {
    name: 'for',
    kind: 'text',
    choices: ['auto', 'apt-src', 'cargo', 'git', 'go', 'make', 'npm', 'pip', 'pnpm', 'uv'],
    metavar: 'PRESET,…',
    group: 'Files',
    help: 'what a tool needs: the hosts that it is configured for, and a cache of this project that lasts; auto goes by the command; npm:shared uses one cache for all projects; see wasbox preset list',
    property: 'for',
    scope: 'sandbox',
    profileKey: 'for',
  },
  {
    name: 'with',
    kind: 'text',
    metavar: 'PKG,…',
    group: 'Program',
    help: "packages that the script needs, of Python's index or, for Node, of npm's: requests,'rich>=13'. They are installed once, in a sandbox of its own that reaches only the index, and shown read-only. none: install nothing, not even what the script itself asks for (PEP 723, or a package.json beside it)",
    default: 'what the script itself asks for',
    property: 'with',
    scope: 'sandbox',
  },
  {
    name: 'hide-secrets',
    kind: 'flag',
    group: 'Files',
    help: 'hide what usually holds keys and tokens: .env files, private keys, credentials',
    property: 'hideSecrets',
    scope: 'sandbox',
    profileKey: 'files.hide-secrets',
  },
  {
    name: 'continue',
    kind: 'text',
    metavar: '[ID]',
    valueLike: '^[0-9][0-9a-hjkmnp-tv-z]{2,8}$',
    group: 'Files',
    help: 'continue from the changes of run ID, or of the latest run here: the program sees them and adds to them',
    property: 'continue',
    scope: 'sandbox',
  },
  {
    name: 'apply',
    kind: 'flag',
    value: 'apply',
    group: 'Files',
    help: 'apply the changes to the working directory if the program exits 0',
    default: 'changes are saved for review: see wasbox diff, apply, discard',
    brief: 'apply the changes if it exits 0',
    property: 'changes',
    scope: 'sandbox',
  },
  {
    name: 'discard',
    kind: 'flag',
    value: 'discard',
    group: 'Files',
    help: 'discard the changes if the program exits 0',
    brief: 'drop the changes if it exits 0',
    property: 'changes',
    scope: 'sandbox',
  },
  {
    name: 'net',
    kind: 'network',
    choices: netWords,
    metavar: 'none|host|internet|RULE,…',
    group: 'Network',
    help: 'what the program can reach: nothing; all that the host can; everything but this host and its networks; or what the rules name: example.com:443, *.example.org, 192.0.2.0/24:8000-8100/tcp, [2001:db8::1]:53/udp; localhost:5432 is that port of this machine',
    default: 'none',
    brief: 'internet, or: example.com:443,localhost:5432',
    property: 'net',
    scope: 'sandbox',
    profileKey: 'net',
  },
  {
    name: 'net-deny',
    kind: 'network',
    metavar: 'RULE,…',
    group: 'Network',
    help: 'deny part of what --net allows',
    property: 'netDeny',
    scope: 'sandbox',
    profileKey: 'net-deny',
  },
  {
    name: 'publish',
    kind: 'text',
    metavar: '[ADDR:]HOST:INSIDE',
    repeatable: true,
    group: 'Network',
    help: 'forward port HOST of this machine to port INSIDE of the sandbox; only from this machine unless ADDR is given',
    property: 'publish',
    scope: 'sandbox',
    profileKey: 'publish',
  },
  {
    name: 'socket',
    kind: 'mapping',
    metavar: 'PATH[:DEST]',
    repeatable: true,
    group: 'Network',
    help: 'mount the UNIX socket PATH: the program can talk to its server',
    property: 'socket',
    scope: 'sandbox',
    profileKey: 'sockets',
  },
  {
    name: 'timeout',
    kind: 'duration',
    metavar: 'TIME',
    min: 1,
    max: longestMs,
    unlimited: true,
    group: 'Limits',
    help: 'stop the program after TIME: 500ms, 30s, 1m30s, 2h; a bare number is seconds',
    default: 'no limit',
    brief: 'stop it after TIME: 30s, 5m',
    property: 'timeoutMs',
    scope: 'sandbox',
    profileKey: 'limits.timeout',
  },
  {
    name: 'cpu',
    kind: 'duration',
    metavar: 'TIME',
    min: 10,
    max: longestMs,
    unlimited: true,
    group: 'Limits',
    help: 'stop the program after its processes use TIME of processor time in total',
    default: 'no limit',
    property: 'cpuMs',
    scope: 'sandbox',
    profileKey: 'limits.cpu',
  },
  {
    name: 'memory',
    kind: 'size',
    metavar: 'SIZE',
    min: 1024 ** 2,
    max: 1024 ** 5,
    unlimited: true,
    group: 'Limits',
    help: 'stop the program if its processes and in-memory files use more than SIZE in total: 512M, 2G',
    default: 'half of the memory that the machine and its cgroup allow',
    brief: 'stop it if it uses more than SIZE: 512M, 2G',
    property: 'memoryBytes',
    scope: 'sandbox',
    profileKey: 'limits.memory',
  },
  {
    name: 'grace',
    kind: 'duration',
    metavar: 'TIME',
    min: 1,
    max: 3600 * 1000,
    group: 'Limits',
    help: 'how long the program may take to exit after --timeout sends SIGTERM, or after a second Ctrl-C, before it is killed',
    default: '2s',
    property: 'graceMs',
    scope: 'sandbox',
    profileKey: 'limits.grace',
  },
  {
    name: 'pids',
    kind: 'integer',
    metavar: 'N',
    min: 1,
    max: 4_194_304,
    unlimited: true,
    group: 'Limits',
    help: 'allow at most N processes and threads at a time',
    default: '512',
    property: 'pids',
    scope: 'sandbox',
    profileKey: 'limits.pids',
  },
  {
    name: 'open-files',
    kind: 'integer',
    metavar: 'N',
    min: 8,
    max: 1_048_576,
    unlimited: true,
    group: 'Limits',
    help: 'allow at most N open files per process',
    default: '4096',
    property: 'openFiles',
    scope: 'sandbox',
    profileKey: 'limits.open-files',
  },
  {
    name: 'disk',
    kind: 'size',
    metavar: 'SIZE',
    min: 1024 ** 2,
    max: 1024 ** 5,
    unlimited: true,
    group: 'Limits',
    help: 'stop the program if it stores more than SIZE on disk; /tmp and other private directories hold at most the smallest of SIZE, half of --memory and 1G',
    default: '10G',
    property: 'diskBytes',
    scope: 'sandbox',
    profileKey: 'limits.disk',
  },
  {
    name: 'inodes',
    kind: 'integer',
    metavar: 'N',
    min: 1,
    max: 2 ** 31,
    unlimited: true,
    group: 'Limits',
    help: 'stop the program if it creates more than N files and directories; private directories hold at most the smaller of N and 200000',
    default: '1000000',
    property: 'inodes',
    scope: 'sandbox',
    profileKey: 'limits.inodes',
  },
  {
    name: 'file-size',
    kind: 'size',
    metavar: 'SIZE',
    min: 1,
    max: 1024 ** 5,
    unlimited: true,
    group: 'Limits',
    help: 'limit each file to SIZE',
    default: 'as --disk',
    property: 'fileSizeBytes',
    scope: 'sandbox',
    profileKey: 'limits.file-size',
  },
  {
    name: 'max-output',
    formerName: 'output',
    kind: 'size',
    metavar: 'SIZE',
    min: 1,
    max: 1024 ** 5,
    unlimited: true,
    group: 'Limits',
    help: 'stop the program if it writes more than SIZE to stdout and stderr, which then pass through wasbox',
    default: 'no limit',
    property: 'outputBytes',
    scope: 'sandbox',
    profileKey: 'limits.output',
  },
  {
    name: 'env',
    kind: 'variable',
    metavar: 'NAME[=VALUE]',
    repeatable: true,
    group: 'Environment and policy',
    help: 'pass the variable NAME, or set it to VALUE',
    default: 'a short list without secrets',
    brief: 'pass a variable, or set it',
    property: 'env',
    scope: 'sandbox',
    profileKey: 'env',
  },
  {
    name: 'root',
    kind: 'flag',
    group: 'Environment and policy',
    help: 'make the program see itself as root (uid 0); outside it stays an ordinary user',
    property: 'root',
    scope: 'sandbox',
    profileKey: 'root',
  },
  {
    name: 'profile',
    kind: 'path',
    metavar: 'FILE',
    group: 'Environment and policy',
    help: 'read options from a TOML file; the command line takes precedence',
    default: 'none; wasbox never picks up a file by itself',
    property: 'profile',
    scope: 'sandbox',
  },
  {
    name: 'policy',
    kind: 'path',
    metavar: 'FILE',
    group: 'Environment and policy',
    help: 'use this system call policy instead of the built-in one',
    default: 'the built-in policy "default"',
    property: 'policy',
    scope: 'sandbox',
    profileKey: 'policy',
  },
  {
    name: 'allow',
    kind: 'text',
    metavar: 'CALL',
    repeatable: true,
    group: 'Environment and policy',
    help: "allow a system call that the policy blocks, as a rule of the policy language: ptrace, @keyring, 'socket where domain == AF_ALG'",
    property: 'allow',
    scope: 'sandbox',
    profileKey: 'allow',
  },
  {
    name: 'ask',
    kind: 'flag',
    group: 'Environment and policy',
    help: 'ask at the terminal before blocking a file, an address or a system call; without a terminal, block it',
    brief: 'ask before blocking something',
    property: 'ask',
    scope: 'cli',
  },
  {
    name: 'report',
    kind: 'sink',
    metavar: 'FILE|FD',
    group: 'Output',
    help: 'write the report as JSON to a file or an open descriptor',
    property: 'report',
    scope: 'cli',
  },
  {
    name: 'audit',
    kind: 'flag',
    group: 'Output',
    help: 'record everything the program does, not only what is blocked: processes, files, addresses, system calls; -v prints it, --html shows it',
    property: 'audit',
    scope: 'sandbox',
  },
  {
    name: 'html',
    kind: 'sink',
    metavar: 'FILE|FD',
    group: 'Output',
    help: 'write the report as a self-contained HTML page; with --audit it shows everything the program did',
    property: 'html',
    scope: 'cli',
  },
  {
    name: 'json',
    kind: 'flag',
    group: 'Output',
    help: 'print the report as JSON on stderr; with --dry-run, the sandbox as JSON on stdout',
    property: 'json',
    scope: 'cli',
  },
  {
    name: 'dry-run',
    kind: 'flag',
    group: 'Output',
    help: 'show the sandbox without starting anything',
    property: 'dryRun',
    scope: 'cli',
  },
  {
    name: 'tty',
    kind: 'choice',
    choices: ['auto', 'always', 'never'],
    metavar: 'auto|always|never',
    group: 'Output',
    help: 'give the program its own terminal: auto, for each standard stream that is a terminal; always, for stdin and stdout in any case; never, share yours',
    default: 'auto; never in the library',
    property: 'tty',
    scope: 'sandbox',
  },
  {
    name: 'quiet',
    short: 'q',
    kind: 'flag',
    group: 'Output',
    help: 'print only errors',
    property: 'quiet',
    scope: 'cli',
  },
  {
    name: 'verbose',
    short: 'v',
    kind: 'flag',
    group: 'Output',
    help: 'print more',
    property: 'verbose',
    scope: 'cli',
  },
  {
    name: 'help',
    short: 'h',
    shortValue: 'short',
    kind: 'flag',
    group: 'Output',
    help: 'print all options; -h prints those that people use most',
    property: 'help',
    scope: 'cli',
  },
  {
    name: 'version',
    kind: 'flag',
    group: 'Output',
    help: 'print the version',
    property: 'version',
    scope: 'cli',
  },
] as const satisfies readonly OptionEntry[];

/** Options that the contract names and this version lacks: refused by name, never ignored. */
export const plannedOptions: readonly string[] = [];
