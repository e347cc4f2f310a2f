/**
 * Stage: report. Why a system call is refused, and what would allow it: one row for each call that
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
  /** Arguments that `--allow` should name, so that it opens no more than was asked for. */
  readonly where: readonly string[];
}

const table = new Map<string, RefusalAdvice>();

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
row('ioctl', 'terminal', 'it would take over the terminal that you share with it', false);
row('prctl', 'process', 'it rewrites what others see of a process', false);
row('personality', 'process', 'it takes a program’s own defences away', true, ['persona']);
row('socket', 'socket', 'this kind of socket is closed', true, ['domain', 'protocol']);
row('socketpair', 'socket', 'only unix sockets come in pairs', false);

/** Calls that the built-in policy allows in part: whether a use of them is learned depends on the run. */
const inPart = /^(unshare|clone|fcntl|ioctl|prctl|personality|socket|socketpair|seccomp)$/;

const files =
  /^(open|creat|access|faccess|stat|lstat|newfstat|readlink|unlink|rename|mkdir|rmdir|mknod|link|symlink|chmod|fchmod|chown|lchown|fchown|truncate|ftruncate|utime|futimes|chdir|[lf]?(set|get|remove|list)xattr|execve|inotify|name_to_handle)/;

/** Uses of an allowable call that the kernel refuses to a program without capabilities. */
function neverAllowed(call: string, args: Readonly<Record<string, string>>): boolean {
  if (call === 'socket') return args.domain === 'AF_PACKET';
  // A mount namespace is of no use where nothing can be mounted (Landlock): a sandbox in this one ends there.
  if (call === 'unshare' || call === 'clone')
    return !args.flags?.includes('CLONE_NEWUSER') || args.flags.includes('CLONE_NEWNS');
  return false;
}

/** Whose policy refused: the built-in one, one that was learned, or one with reasons of its own. */
export type PolicyOrigin = 'builtin' | 'learned' | 'own';

function causeOf(call: string, cause: string, origin: PolicyOrigin): string {
  if (origin === 'own') return 'your policy refuses it';
  const learnable = !table.has(call) || inPart.test(call);
  return origin === 'learned' && learnable ? unseen : cause;
}

/** The cause of what a learned profile refuses and another run may teach it. */
export const unseen = 'the profile has not seen it';

/** What to say of a refused call. */
export function adviseRefusal(
  call: string,
  args: Readonly<Record<string, string>>,
  origin: PolicyOrigin,
): RefusalAdvice {
  const known = table.get(call);
  const advice = known ?? {
    kind: files.test(call) ? 'file' : 'call',
    cause: 'the built-in policy does not know what it is good for',
    allowable: true,
    where: [],
  };
  return {
    ...advice,
    cause: causeOf(call, advice.cause, origin),
    // An ordinary use that only the user's policy refuses is not among those of the table.
    allowable: advice.allowable && !neverAllowed(call, args),
  };
}
