/**
 * Stage: learn. What a program may do on another day or with another input, once it did its like:
 * calls that are one thing by several names. Data only.
 */

/** Of one family, who used one may use all. */
export const families: readonly (readonly string[])[] = [
  'open openat creat',
  'stat fstat lstat newfstatat statx',
  'access faccessat faccessat2',
  'readlink readlinkat',
  'getdents getdents64',
  'read readv pread64',
  'write writev pwrite64',
  'mmap munmap mremap brk',
  'poll ppoll select pselect6',
  'epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2',
  'dup dup2 dup3',
  'pipe pipe2',
  'fork vfork clone wait4 waitid',
  'rename renameat renameat2',
  'unlink unlinkat rmdir',
  'mkdir mkdirat',
  'link linkat',
  'symlink symlinkat',
  'chmod fchmod fchmodat fchmodat2',
  'chown lchown fchown fchownat',
  'utime utimes futimesat utimensat',
  'truncate ftruncate',
  'fsync fdatasync',
  'statfs fstatfs',
  'accept accept4',
  'sendto sendmsg sendmmsg',
  'recvfrom recvmsg recvmmsg',
  'getsockname getpeername',
  'getsockopt setsockopt',
  'eventfd eventfd2',
  'inotify_init inotify_init1 inotify_add_watch inotify_rm_watch',
  'timerfd_create timerfd_settime timerfd_gettime',
  'signalfd signalfd4',
  'nanosleep clock_nanosleep',
  'getuid geteuid getgid getegid',
  'getrlimit prlimit64 setrlimit',
  'kill tgkill tkill',
  'getxattr lgetxattr fgetxattr',
  'listxattr llistxattr flistxattr',
].map((line) => line.split(' '));

/** Who used one of the first is allowed the second: what goes with it on another day. */
export const implied: readonly (readonly [used: readonly string[], also: readonly string[]])[] = (
  [
    ['open openat openat2', 'close fcntl lseek fstat newfstatat getdents64'],
    ['unlink unlinkat rename renameat renameat2 mkdir mkdirat', 'umask chmod fchmod fchmodat'],
    ['futex', 'sched_yield'],
    ['clone vfork fork', 'wait4 kill pipe2 dup2 close'],
    ['connect accept accept4 listen', 'poll recvfrom sendto shutdown getsockopt'],
  ] as const
).map(([used, also]) => [used.split(' '), also.split(' ')]);

/** What every program needs, and what no audit sees: libc's fallbacks for the vDSO, the end. */
export const always: readonly string[] = [
  'execve',
  'exit',
  'exit_group',
  'rt_sigreturn',
  'restart_syscall',
  'clock_gettime',
  'futex',
];

/** Arguments that say what a call is good for: where few values were seen, only these are allowed. */
export const conditions: Readonly<Record<string, string>> = {
  socket: 'domain',
  socketpair: 'domain',
  ioctl: 'request',
  prctl: 'option',
  personality: 'persona',
  keyctl: 'operation',
  ptrace: 'request',
  arch_prctl: 'code',
};

/** Values that belong together, as families do. */
export const valueFamilies: readonly (readonly string[])[] = [
  'TCGETS TIOCGWINSZ FIONREAD',
  'TCSETS TCSETSW TCSETSF TCGETS',
  'FIOCLEX FIONCLEX FIONBIO',
  'AF_INET AF_INET6',
  'PR_GET_NAME PR_SET_NAME',
].map((line) => line.split(' '));

/** Groups that may stand for their members where most of these were seen. */
export const fittingGroups: readonly string[] = [
  'basic-io',
  'io-event',
  'network-io',
  'signal',
  'sync',
  'timer',
  'memlock',
];
