/**
 * Why a system call is refused, and what would allow it: one row for each call that
 * the built-in policy refuses. Whether an option helps was tried for each (the tests try it again).
 */

/** What a refused call was about; the first word of its line. */
export type RefusalKind =
  | 'network'
  | 'socket'
  | 'mount'
  | 'namespace'
  | 'process'
  | 'keyring'
  | 'kernel'
  | 'machine'
  | 'terminal'
  | 'file'
  | 'call';

export interface RefusalAdvice {
  readonly kind: RefusalKind;
  readonly cause: string;
  /** Whether `--allow` makes it work; otherwise the kernel refuses it as well. */
  readonly allowable: boolean;
  /** What must hold beside the option, as a clause: `where kernel.x is 0`. */
  readonly proviso?: string | undefined;
  /** Conditions that `--allow` should have, so that it opens no more than was asked for. */
  readonly where: readonly string[];
}

type Args = Readonly<Record<string, string>>;

/** One row of the table; `where` names arguments. */
type Row = Omit<RefusalAdvice, 'where'> & { readonly where: readonly string[] };

const table = new Map<string, Row>();

function row(
  calls: string,
  kind: RefusalKind,
  cause: string,
  allowable: boolean,
  where: readonly string[] = [],
  proviso?: string,
): void {
  for (const call of calls.split(' ')) table.set(call, { kind, cause, allowable, where, proviso });
}

const moduleCause = 'the kernel would load a module that hardly any program needs';

const noRights = 'the program has no rights over the machine';

row(
  'ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd',
  'process',
  'it reads or steers another process',
  true,
);
row(
  'add_key request_key keyctl',
  'keyring',
  'keys in the kernel would be left for the next run',
  true,
);
row(
  'mount umount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr',
  'mount',
  'the file tree of a sandbox stays as it is',
  false,
);
row('open_by_handle_at', 'file', 'it finds files past every directory', false);
row('fanotify_init fanotify_mark', 'file', 'it watches whole mounts', true);
row('fcntl', 'file', 'a lease makes other programs wait for the file, also on the host', true, [
  'cmd',
]);
row('unshare clone', 'namespace', 'a new namespace would bring rights over it', true, ['flags']);
row('setns', 'namespace', 'it enters another namespace', false);
row('init_module finit_module delete_module', 'kernel', 'it changes the kernel itself', false);
row('kexec_load kexec_file_load', 'kernel', 'it starts another kernel', false);
row('bpf', 'kernel', 'it puts code into the kernel', false);
row(
  'perf_event_open',
  'kernel',
  'it looks into the kernel and other processes',
  true,
  [],
  'as far as the sysctl kernel.perf_event_paranoid goes',
);
row('userfaultfd', 'kernel', 'it can hold the kernel in the middle of its work', true);
row(
  'io_uring_setup io_uring_enter io_uring_register',
  'kernel',
  'its calls would pass by the policy',
  true,
);
row(
  'syslog',
  'kernel',
  "the kernel's log is other people's business",
  true,
  [],
  'where the sysctl kernel.dmesg_restrict is 0',
);
row('modify_ldt', 'kernel', 'only 16-bit programs need it', true);
row('lookup_dcookie', 'kernel', 'it looks into the kernel', false);
row('reboot', 'machine', noRights, false);
row('swapon swapoff acct quotactl quotactl_fd vhangup', 'machine', noRights, false);
row('settimeofday clock_settime', 'machine', 'the clock is the whole machine’s', false);
row('adjtimex clock_adjtime', 'machine', 'the clock is the whole machine’s', true);
row('sethostname setdomainname', 'machine', 'the host name of a sandbox stays as it is', false);
row('iopl ioperm', 'machine', 'the hardware is out of reach', false);
row('migrate_pages move_pages', 'machine', 'it tells where memory lies', true);
row('lsm_set_self_attr', 'machine', 'security labels belong to the administrator', false);
row('seccomp', 'call', 'only one listener can hear of refusals, and wasbox has it', false);
row('ioctl', 'file', 'only requests that ordinary programs make are allowed', true, ['request']);
row('prctl', 'process', 'the policy is older than this option', true, ['option']);
row('setsockopt', 'socket', moduleCause, true, ['level', 'optname']);
row('personality', 'process', 'it takes a program’s own defences away', true, ['persona']);
row('socket', 'socket', 'this kind of socket is closed', true, ['domain', 'protocol']);
row('socketpair', 'socket', 'only unix sockets come in pairs', false);

/** Arguments that tell the uses of a call that the default policy allows in part. */
const usesBy: Readonly<Record<string, readonly string[]>> = {
  unshare: ['flags'],
  fcntl: ['cmd'],
  ioctl: ['request'],
  prctl: ['option'],
  personality: ['persona'],
  socket: ['domain', 'protocol'],
  socketpair: ['domain', 'protocol'],
  setsockopt: ['level', 'optname'],
  seccomp: ['operation'],
};

const files =
  /^(open|creat|access|faccess|stat|lstat|newfstat|readlink|unlink|rename|mkdir|rmdir|mknod|link|symlink|chmod|fchmod|chown|lchown|fchown|truncate|ftruncate|utime|futimes|chdir|[lf]?(set|get|remove|list)xattr|execve|inotify|name_to_handle)/;

/** Uses of an allowable call that the kernel refuses to a program without capabilities. */
function neverAllowed(call: string, args: Args): boolean {
  if (call === 'socket')
    return (
      /^AF_(UNIX|PACKET|KEY|XDP)$/.test(args.domain ?? '') ||
      (isInternet(args) && /^(SOCK_RAW|10)\b/.test(args.type ?? ''))
    );
  // A mount namespace is of no use where nothing can be mounted (Landlock): a sandbox in this one ends there.
  if (call === 'unshare' || call === 'clone')
    return !args.flags?.includes('CLONE_NEWUSER') || args.flags.includes('CLONE_NEWNS');
  if (call === 'ioctl') return /^(TIOCSTI|TIOCLINUX)$/.test(args.request ?? '');
  return call === 'prctl' && args.option === 'PR_SET_MM';
}

const isInternet = ({ domain }: Args): boolean => /^AF_INET6?$/.test(domain ?? '');

/** What is to be said of a use in other words than of the call: a row that fits it better. */
function useOf(call: string, args: Args): Partial<RefusalAdvice> | undefined {
  if (call === 'ioctl' && /^T[CI]/.test(args.request ?? ''))
    return {
      kind: 'terminal',
      cause: 'it would take over the terminal that you share with it',
    };
  if (call === 'ioctl' && /^FS_IOC_/.test(args.request ?? ''))
    return { cause: 'flags of a file are in no diff, and outlive the run' };
  if (call === 'prctl' && args.option === 'PR_SET_MM')
    return { cause: 'it rewrites what others see of a process' };
  if (call === 'setsockopt') return { proviso: whereModule };
  if (call !== 'socket' || args.domain === 'AF_NETLINK' || neverAllowed(call, args))
    return undefined;
  return { cause: moduleCause, proviso: whereModule };
}

const whereModule = 'where the kernel has it';

/** Whose policy refused: the built-in one, one that was learned, or one with reasons of its own. */
export type PolicyOrigin = 'builtin' | 'learned' | 'own';

/** The cause of what a learned profile refuses and another run may teach it. */
export const unseen = 'the profile has not seen it';

const ownCause = 'your policy refuses it';

/** Flags of new namespaces, which no rule for new processes and threads should let in. */
const namespaces = '0x7e020000';

/** Conditions on these arguments of a call that say what was asked for. */
function conditionsOf(call: string, args: Args, names: readonly string[]): string[] {
  if (call === 'clone') return [];
  return names.flatMap((name) => {
    const value = args[name];
    if (value === undefined) return [];
    // Elsewhere a protocol says nothing beside its family.
    const vague = name === 'protocol' && args.domain !== 'AF_NETLINK' && !isInternet(args);
    if (vague) return [];
    return [`${name} == ${value}`];
  });
}

/**
 * What to say of a refused call.
 * @param byDefault whether the built-in policy allows this use; undefined where it is what refused it
 */
export function adviseRefusal(
  call: string,
  args: Args,
  origin: PolicyOrigin,
  byDefault = false,
): RefusalAdvice {
  const known = table.get(call);
  const kind = known?.kind ?? (files.test(call) ? 'file' : 'call');
  if (origin !== 'builtin' && byDefault) {
    // An ordinary use, which the kernel does not refuse.
    const where =
      call === 'clone'
        ? [`flags & ${namespaces} == 0`]
        : conditionsOf(call, args, usesBy[call] ?? []);
    const cause = origin === 'learned' ? unseen : ownCause;
    const plain = kind === 'namespace' ? 'process' : (useOf(call, args)?.kind ?? kind);
    return { kind: plain, cause, allowable: true, where };
  }
  const advice: RefusalAdvice = {
    ...(known ?? {
      kind,
      cause: 'the built-in policy does not know what it is good for',
      allowable: true,
      where: [],
    }),
    ...useOf(call, args),
  };
  return {
    ...advice,
    cause: origin === 'own' ? ownCause : advice.cause,
    allowable: advice.allowable && !neverAllowed(call, args),
    where: conditionsOf(call, args, advice.where),
  };
}
