/**
 * What a program may do on another day or with another input, once it did its like:
 * calls that are one thing by several names. Data only.
 */

/** Of one family, who used one may use all but those that only old programs make. */
export const families: readonly (readonly string[])[] = [
  'open openat creat',
  'stat fstat lstat newfstatat statx',
  'access faccessat faccessat2',
  'readlink readlinkat',
  'getdents getdents64',
  'read readv pread64 preadv preadv2',
  'write writev pwrite64 pwritev pwritev2',
  'copy_file_range sendfile splice',
  'poll ppoll select pselect6',
  'dup dup2 dup3',
  'pipe pipe2',
  'fork vfork clone wait4 waitid',
  'rename renameat renameat2',
  'unlink unlinkat rmdir',
  'mkdir mkdirat',
  'link linkat',
  'symlink symlinkat',
  'mknod mknodat',
  'chmod fchmod fchmodat fchmodat2',
  'chown lchown fchown fchownat',
  'utime utimes futimesat utimensat',
  'chdir fchdir',
  'statfs fstatfs',
  'accept accept4',
  'sendto sendmsg sendmmsg',
  'recvfrom recvmsg recvmmsg',
  'getsockname getpeername',
  'getsockopt setsockopt',
  'inotify_init inotify_init1 inotify_add_watch inotify_rm_watch',
  'timerfd_create timerfd_settime timerfd_gettime',
  'timer_create timer_settime timer_gettime timer_getoverrun timer_delete',
  'getitimer setitimer alarm',
  'signalfd signalfd4',
  'getuid geteuid getgid getegid',
  'getresuid getresgid getgroups',
  'getrlimit prlimit64 setrlimit',
  'getrusage times',
  'clock_gettime gettimeofday time',
  'kill tgkill tkill',
  'getpgid getpgrp setpgid getsid setsid',
  'sched_getaffinity sched_setaffinity',
  'getxattr lgetxattr fgetxattr',
  'setxattr lsetxattr fsetxattr',
  'listxattr llistxattr flistxattr',
  'shmget shmat shmdt shmctl',
].map((line) => line.split(' '));

/** Names that libc has replaced, or tries only where the kernel is older: allowed where they were seen. */
export const outdated: ReadonlySet<string> = new Set(
  `creat getdents getrlimit setrlimit utime utimes futimesat preadv preadv2 pwritev pwritev2
   epoll_create eventfd signalfd inotify_init sched_setaffinity`.split(/\s+/),
);

/** libc asks a local service for the names of users and hosts first, and reads files where none answers. */
const nameService = { 'socket.domain': ['AF_UNIX'] };

/** What a program was about: who did some of it does the rest with other input, or when it fails. */
export interface Area {
  readonly name: 'writing' | 'processes' | 'threads' | 'events' | 'sockets';
  /** As a comment tells it. */
  readonly what: string;
  /** What a profile that allows none of `needs` refuses; absent where nobody would ask about it. */
  readonly refused?: { readonly what: string; readonly needs: readonly string[] };
  /** Calls that show it; a run may show it in other ways, too. */
  readonly shownBy: readonly string[];
  /** Other areas that belong to it. */
  readonly includes?: readonly Area['name'][];
  readonly calls: readonly string[];
  /** Of calls that hang on an argument. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
}

export const areas: readonly Area[] = [
  {
    name: 'writing',
    what: 'writing files',
    // Whether a file may be made and written to is for the sandbox to say, not for the calls.
    refused: {
      what: 'deleting and renaming files',
      needs: ['unlink', 'unlinkat', 'rename', 'renameat', 'renameat2'],
    },
    shownBy:
      `rename renameat renameat2 unlink unlinkat rmdir mkdir mkdirat link linkat symlink symlinkat
       truncate ftruncate fallocate fsync fdatasync`.split(/\s+/),
    calls:
      `pwrite64 writev rename renameat renameat2 unlink unlinkat rmdir mkdir mkdirat link linkat
       symlink symlinkat mknod mknodat truncate ftruncate fallocate fsync fdatasync sync_file_range
       chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat utimensat umask flock statfs
       fstatfs listxattr llistxattr flistxattr getxattr lgetxattr fgetxattr setxattr lsetxattr
       fsetxattr copy_file_range sendfile ioctl pread64 getdents64`.split(/\s+/),
    values: { 'ioctl.request': ['FICLONE'] },
  },
  {
    name: 'processes',
    what: 'starting programs',
    refused: { what: 'starting programs', needs: ['fork', 'vfork', 'clone'] },
    shownBy: 'fork vfork wait4 waitid'.split(' '),
    // Where files may be written is for the sandbox to say; who starts others mostly does.
    includes: ['writing'],
    calls:
      `fork vfork clone wait4 waitid kill tgkill getppid getpgid getpgrp setpgid getsid setsid pipe
       pipe2 dup dup2 dup3 close_range chdir fchdir umask getpriority setpriority poll ppoll select
       pselect6 rt_sigpending rt_sigsuspend rt_sigtimedwait pidfd_open pidfd_send_signal getrusage
       getitimer setitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete
       alarm getresuid getresgid getgroups prctl socketpair socket connect ioctl statfs
       set_robust_list rseq landlock_create_ruleset landlock_add_rule landlock_restrict_self`.split(
        /\s+/,
      ),
    values: {
      // The last two only look, or give up rights.
      'prctl.option': ['PR_SET_NAME', 'PR_SET_PDEATHSIG', 'PR_CAPBSET_READ', 'PR_SET_NO_NEW_PRIVS'],
      'socketpair.domain': ['AF_UNIX'],
      ...nameService,
      'ioctl.request': ['TCGETS'],
    },
  },
  {
    name: 'threads',
    what: 'threads',
    refused: { what: 'threads', needs: ['clone'] },
    shownBy: [],
    includes: ['writing'],
    calls: `clone set_robust_list rseq sched_getaffinity sched_yield getcpu membarrier poll ppoll
       rt_sigpending rt_sigsuspend rt_sigtimedwait pipe2 dup2 get_mempolicy getresuid getresgid
       getgroups kill socket connect prctl`.split(/\s+/),
    values: { 'prctl.option': ['PR_SET_NAME'], ...nameService },
  },
  {
    name: 'events',
    what: 'waiting for events',
    // What would block the loop is handed to threads.
    includes: ['threads'],
    shownBy: `epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2`.split(' '),
    calls: `epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd2 timerfd_create
       timerfd_settime timerfd_gettime poll ppoll select pselect6 pipe2
       inotify_init1 inotify_add_watch inotify_rm_watch signalfd4`.split(/\s+/),
  },
  {
    name: 'sockets',
    what: 'using sockets',
    refused: { what: 'network sockets', needs: ['bind', 'listen', 'sendto', 'recvfrom'] },
    shownBy: 'connect bind listen accept accept4'.split(' '),
    calls: `poll ppoll select pselect6 recvfrom recvmsg recvmmsg sendto sendmsg sendmmsg shutdown
       getsockname getpeername getsockopt setsockopt sendfile`.split(/\s+/),
  },
];

/** Who used one of the first is allowed the second: what goes with it on another day. */
export const implied: readonly (readonly [used: readonly string[], also: readonly string[]])[] = (
  [
    [
      'open openat openat2',
      'close fcntl lseek fstat newfstatat readlink readlinkat getcwd getdents64 fadvise64',
    ],
    ['listen', 'accept accept4'],
  ] as const
).map(([used, also]) => [used.split(' '), also.split(' ')]);

/**
 * What every program needs, and what no audit sees: libc's fallbacks for the vDSO, memory that grows
 * and shrinks, sleeping, aborting, the end.
 */
export const always: readonly string[] = `
  execve exit exit_group rt_sigreturn restart_syscall read write close brk mmap munmap mremap
  mprotect madvise futex sched_yield sched_getaffinity clock_gettime clock_nanosleep sigaltstack
  getpid gettid tgkill rt_sigaction rt_sigprocmask uname sysinfo
`
  .trim()
  .split(/\s+/);

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
