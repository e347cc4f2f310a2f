/**
 * Lists which symbolic constants belong to which argument.
 *
 * - `match`: names; `from`: only those that these headers define (asm/ and asm-generic/ alike);
 *   `enumeration`: only the members of this enum; `values`: constants that only C libraries name.
 * - `with`: other sets that are meant too.
 * - `args`: `call.argument`, `*` for every call that has an argument of this name.
 *
 * A constant belongs to the first set that matches it.
 */
export const CONSTANT_SETS = [
  { name: 'errno', match: /^E[A-Z0-9]+$/, from: /errno/, args: [] },
  {
    name: 'signal',
    match: /^SIG(?!STKSZ)[A-Z0-9]+$/,
    from: /signal\.h/,
    args: ['*.sig', 'rt_sigqueueinfo.sig', 's390_runtime_instr.signum'],
  },
  { name: 'sigprocmask', match: /^SIG_(BLOCK|UNBLOCK|SETMASK)$/, args: ['*.how'] },
  {
    name: 'domain',
    match: /^[AP]F_[A-Z0-9]+$/,
    from: /kernel-internal/,
    args: ['socket.domain', 'socketpair.domain'],
  },
  {
    name: 'socket-type',
    match: /^SOCK_[A-Z]+$/,
    from: /kernel-internal/,
    args: ['socket.type', 'socketpair.type', 'accept4.flags'],
  },
  {
    name: 'protocol',
    match:
      /^(IPPROTO_[A-Z0-9]+|NETLINK_(ROUTE|UNUSED|USERSOCK|FIREWALL|SOCK_DIAG|INET_DIAG|NFLOG|XFRM|SELINUX|ISCSI|AUDIT|FIB_LOOKUP|CONNECTOR|NETFILTER|IP6_FW|DNRTMSG|KOBJECT_UEVENT|GENERIC|SCSITRANSPORT|ECRYPTFS|RDMA|CRYPTO|SMC)|ETH_P_(ALL|IP|IPV6|ARP)|CAN_(RAW|BCM|ISOTP|J1939))$/,
    args: ['socket.protocol', 'socketpair.protocol'],
  },
  {
    name: 'socket-level',
    match: /^SOL_[A-Z0-9_]+$/,
    with: ['protocol'],
    args: ['setsockopt.level', 'getsockopt.level'],
  },
  {
    name: 'socket-option',
    match:
      /^(SO|IP|TCP)_(?!NLA|CA_|METRIC|MD5SIG_|AO_KEYF|COOKIE|S_DATA|FLAG|QUEUE|.*_QUEUE$)[A-Z0-9_]+$|^IPV6_(V6ONLY|TCLASS|UNICAST_HOPS|HDRINCL)$/,
    from: /asm[^/]*\/socket\.h|linux\/(tcp|in|in6)\.h/,
    args: ['setsockopt.optname', 'getsockopt.optname'],
  },
  {
    name: 'message-flags',
    match: /^MSG_[A-Z_]+$/,
    from: /kernel-internal/,
    args: 'sendto,send,sendmsg,sendmmsg,recv,recvfrom,recvmsg,recvmmsg,recvmmsg_time64'
      .split(',')
      .map((call) => `${call}.flags`),
  },
  { name: 'shutdown', values: { SHUT_RD: 0, SHUT_WR: 1, SHUT_RDWR: 2 }, args: ['shutdown.how'] },
  {
    name: 'socketcall',
    match: /^SYS_[A-Z0-9]+$/,
    from: /linux\/net\.h/,
    args: ['socketcall.call'],
  },
  {
    name: 'ioctl',
    ioctl: true,
    match: /^[A-Z][A-Z0-9_]+$/,
    args: ['ioctl.request'],
  },
  {
    name: 'open-flags',
    match: /^O_[A-Z]+$/,
    from: /fcntl\.h/,
    args: 'open.flags,openat.flags,open_by_handle_at.flags,pipe2.flags,dup3.flags,mq_open.oflag,fanotify_init.event_f_flags,delete_module.flags'.split(
      ',',
    ),
  },
  { name: 'mode', match: /^S_I[A-Z]+$/, from: /stat\.h/, args: ['*.mode', 'umask.mask'] },
  {
    name: 'access',
    values: { F_OK: 0, X_OK: 1, W_OK: 2, R_OK: 4 },
    args: ['access.mode', 'faccessat.mode', 'faccessat2.mode'],
  },
  {
    name: 'at',
    match: /^AT_[A-Z_]+$/,
    from: /linux\/(fcntl)\.h/,
    args: '*.dirfd,*.olddfd,*.newdfd,*.mountdirfd,*.from_dfd,*.to_dfd,execveat.fd,*.flag,execveat.flags,faccessat2.flags,fchmodat2.flags,linkat.flags,statx.flags,utimensat.flags,utimensat_time64.flags,mount_setattr.flags'.split(
      ',',
    ),
  },
  {
    name: 'fcntl',
    match: /^F_[A-Z0-9_]+$/,
    from: /fcntl\.h/,
    args: ['fcntl.cmd', 'fcntl64.cmd'],
  },
  {
    name: 'fcntl-arg',
    match: /^(FD_CLOEXEC|DN_[A-Z]+)$/,
    with: ['open-flags', 'signal'],
    args: ['fcntl.arg', 'fcntl64.arg'],
  },
  { name: 'flock', match: /^LOCK_[A-Z]+$/, from: /fcntl/, args: ['flock.cmd'] },
  { name: 'seek', match: /^SEEK_[A-Z]+$/, args: ['*.whence'] },
  { name: 'protection', match: /^PROT_[A-Z_]+$/, from: /mman/, args: ['*.prot'] },
  {
    name: 'map',
    match: /^MAP_[A-Z0-9_]+$/,
    from: /mman/,
    args: ['mmap.flags', 'mmap2.flags', 'remap_file_pages.flags'],
  },
  { name: 'mremap', match: /^MREMAP_/, args: ['mremap.flags'] },
  { name: 'msync', match: /^MS_(ASYNC|SYNC|INVALIDATE)$/, from: /mman/, args: ['msync.flags'] },
  { name: 'madvise', match: /^MADV_/, args: ['madvise.advice', 'process_madvise.advice'] },
  { name: 'mlock', match: /^(MLOCK|MCL)_/, from: /mman/, args: ['mlock2.flags', 'mlockall.flags'] },
  {
    name: 'mempolicy',
    match: /^MPOL_/,
    args: 'mbind.mode,mbind.flags,set_mempolicy.mode,get_mempolicy.flags,move_pages.flags'.split(
      ',',
    ),
  },
  { name: 'pkey', match: /^PKEY_/, args: ['pkey_alloc.init_val'] },
  {
    name: 'clone',
    match: /^(CLONE_[A-Z_]+|CSIGNAL)$/,
    with: ['signal'],
    args: ['clone.flags', 'unshare.flags', 'setns.nstype'],
  },
  {
    name: 'prctl',
    match: /^PR_[A-Z0-9_]+$/,
    from: /prctl\.h/,
    args: ['prctl.option'],
  },
  { name: 'capability', match: /^CAP_[A-Z_]+$/, from: /capability\.h/, args: [] },
  {
    name: 'prctl-arg',
    match: /^SECCOMP_MODE_/,
    with: ['prctl', 'capability', 'signal'],
    args: ['prctl.arg2', 'prctl.arg3', 'prctl.arg4', 'prctl.arg5'],
  },
  {
    name: 'arch-prctl',
    match: /^ARCH_[A-Z0-9_]+$/,
    from: /asm\/prctl\.h/,
    args: ['arch_prctl.code'],
  },
  {
    name: 'ptrace',
    match:
      /^PTRACE_(?!EVENT|SYSCALL_INFO_|PEEKSIGINFO_|GETFDPIC_|TE_|ENABLE_TE|DISABLE_TE|PROT)(?!.*(WMMX|CRUNCH|HBP|_AREA$|_3264|WATCH))[A-Z0-9_]+$/,
    from: /ptrace/,
    args: ['ptrace.request', 'ptrace.data'],
  },
  {
    name: 'seccomp',
    match: /^SECCOMP_(SET_MODE|GET_|FILTER_FLAG)/,
    from: /linux\/seccomp\.h/,
    args: ['seccomp.operation', 'seccomp.flags'],
  },
  {
    name: 'futex',
    match: /^FUTEX_[A-Z_]+$/,
    from: /futex/,
    args: ['futex.futex_op', 'futex_time64.futex_op'],
  },
  {
    name: 'futex2',
    match: /^FUTEX2_[A-Z0-9_]+$/,
    args: ['futex_wait.flags', 'futex_wake.flags', 'futex_requeue.flags', 'futex_waitv.flags'],
  },
  { name: 'keyctl', match: /^KEYCTL_[A-Z_]+$/, args: ['keyctl.operation'] },
  {
    name: 'keyring',
    match: /^KEY_(SPEC|REQKEY)_[A-Z_]+$/,
    args: ['add_key.ringid', 'request_key.destringid', 'keyctl.arg2', 'keyctl.arg3'],
  },
  {
    name: 'personality',
    match:
      /^(PER_[A-Z0-9_]+|ADDR_[A-Z0-9_]+|UNAME26|READ_IMPLIES_EXEC|MMAP_PAGE_ZERO|SHORT_INODE|STICKY_TIMEOUTS|WHOLE_SECONDS|FDPIC_FUNCPTRS)$/,
    from: /personality/,
    args: ['personality.persona'],
  },
  { name: 'mount', match: /^MS_[A-Z_]+$/, from: /linux\/mount\.h/, args: ['mount.flags'] },
  {
    name: 'umount',
    match: /^(MNT_(FORCE|DETACH|EXPIRE)|UMOUNT_NOFOLLOW)$/,
    args: ['umount2.flags'],
  },
  {
    name: 'mount-api',
    match: /^(FSOPEN|FSMOUNT|FSPICK|OPEN_TREE|MOVE_MOUNT|MOUNT_ATTR)_/,
    from: /linux\/mount\.h/,
    with: ['at'],
    args: 'fsopen.flags,fsmount.flags,fsmount.attr_flags,fspick.flags,open_tree.flags,move_mount.flags'.split(
      ',',
    ),
  },
  { name: 'fsconfig', match: /^FSCONFIG_/, args: ['fsconfig.cmd'] },
  { name: 'bpf', match: /^BPF_/, enumeration: 'bpf_cmd', args: ['bpf.cmd'] },
  { name: 'clock', match: /^CLOCK_[A-Z_]+$/, from: /linux\/time\.h/, args: ['*.clockid'] },
  {
    name: 'timer-flags',
    match: /^(TIMER_ABSTIME|TFD_[A-Z_]+)$/,
    with: ['open-flags'],
    args: 'clock_nanosleep.flags,clock_nanosleep_time64.flags,timer_settime.flags,timer_settime64.flags,timerfd_create.flags,timerfd_settime.flags,timerfd_settime64.flags'.split(
      ',',
    ),
  },
  {
    name: 'itimer',
    match: /^ITIMER_/,
    args: ['getitimer.which', 'setitimer.which'],
  },
  { name: 'epoll', match: /^EPOLL_CTL_/, args: ['epoll_ctl.op'] },
  {
    name: 'descriptor-flags',
    match: /^(EPOLL_CLOEXEC|EFD_[A-Z]+|SFD_[A-Z]+|IN_(CLOEXEC|NONBLOCK))$/,
    args: ['epoll_create1.flags', 'eventfd2.flags', 'signalfd4.flags', 'inotify_init1.flags'],
  },
  { name: 'inotify', match: /^IN_[A-Z_]+$/, from: /inotify/, args: ['inotify_add_watch.mask'] },
  {
    name: 'fanotify',
    match: /^FAN_(?!EVENT_INFO|NOFD|NOPIDFD|EPIDFD|RESPONSE)[A-Z_]+$/,
    from: /fanotify/,
    args: ['fanotify_init.flags', 'fanotify_mark.flags', 'fanotify_mark.mask'],
  },
  {
    name: 'scheduler',
    match: /^SCHED_[A-Z_]+$/,
    from: /linux\/sched\.h/,
    args: [
      'sched_setscheduler.policy',
      'sched_get_priority_max.policy',
      'sched_get_priority_min.policy',
    ],
  },
  { name: 'rlimit', match: /^RLIMIT_[A-Z]+$/, args: ['*.resource'] },
  { name: 'rusage', match: /^RUSAGE_/, args: ['getrusage.who'] },
  {
    name: 'priority',
    match: /^PRIO_(PROCESS|PGRP|USER)$/,
    args: ['getpriority.which', 'setpriority.which'],
  },
  {
    name: 'io-priority',
    match: /^IOPRIO_WHO_/,
    enumeration: '',
    args: ['ioprio_get.which', 'ioprio_set.which'],
  },
  {
    name: 'ipc',
    match:
      /^(IPC_[A-Z]+|SHM_[A-Z_]+|MSG_(STAT|INFO|NOERROR|EXCEPT|COPY|STAT_ANY)|SEM_[A-Z_]+|GETPID|GETVAL|GETALL|GETNCNT|GETZCNT|SETVAL|SETALL)$/,
    from: /linux\/(ipc|shm|msg|sem)\.h|asm/,
    args: 'semctl.cmd,shmctl.cmd,msgctl.cmd,semget.flags,shmget.flags,msgget.flags,shmat.shmflg,msgsnd.msgflg,msgrcv.msgflg'.split(
      ',',
    ),
  },
  {
    name: 'ipc-call',
    match: /^(SEM|MSG|SHM)[A-Z]+$/,
    from: /linux\/ipc\.h/,
    args: ['ipc.call'],
  },
  {
    name: 'wait',
    match: /^(W[A-Z]+|__WALL|__WCLONE|__WNOTHREAD)$/,
    from: /linux\/wait\.h/,
    args: ['*.options'],
  },
  { name: 'waitid', match: /^P_(ALL|PID|PGID|PIDFD)$/, args: ['waitid.which'] },
  {
    name: 'reboot',
    match: /^LINUX_REBOOT_/,
    args: ['reboot.magic1', 'reboot.magic2', 'reboot.cmd'],
  },
  { name: 'kexec', match: /^KEXEC_(?!ARCH)/, args: ['kexec_load.flags', 'kexec_file_load.flags'] },
  {
    name: 'fadvise',
    match: /^POSIX_FADV_/,
    args: ['fadvise64.advice', 'fadvise64_64.advice', 'arm_fadvise64_64.advice'],
  },
  { name: 'fallocate', match: /^FALLOC_FL_/, args: ['fallocate.mode'] },
  {
    name: 'sync-file-range',
    match: /^SYNC_FILE_RANGE_/,
    args: ['sync_file_range.flags', 'sync_file_range2.flags'],
  },
  {
    name: 'splice',
    match: /^SPLICE_F_[A-Z]+$/,
    args: ['splice.flags', 'tee.flags', 'vmsplice.flags'],
  },
  { name: 'rename', match: /^RENAME_/, args: ['renameat2.flags'] },
  {
    name: 'xattr',
    match: /^XATTR_(CREATE|REPLACE)$/,
    args: ['setxattr.flags', 'lsetxattr.flags', 'fsetxattr.flags'],
  },
  { name: 'rwf', match: /^RWF_/, args: ['preadv2.flags', 'pwritev2.flags'] },
  { name: 'statx', match: /^STATX_(?!ATTR)[A-Z_]+$/, args: ['statx.mask'] },
  { name: 'getrandom', match: /^GRND_/, args: ['getrandom.flags'] },
  { name: 'memfd', match: /^MFD_[A-Z_]+$/, from: /memfd/, args: ['memfd_create.flags'] },
  { name: 'close-range', match: /^CLOSE_RANGE_/, args: ['close_range.flags'] },
  {
    name: 'pidfd',
    match: /^PIDFD_(NONBLOCK|THREAD|SIGNAL_[A-Z_]+)$/,
    args: ['pidfd_open.flags', 'pidfd_send_signal.flags'],
  },
  { name: 'kcmp', match: /^KCMP_/, args: ['kcmp.type'] },
  { name: 'membarrier', match: /^MEMBARRIER_/, args: ['membarrier.cmd', 'membarrier.flags'] },
  {
    name: 'landlock',
    match: /^LANDLOCK_(RULE|CREATE_RULESET)_/,
    args: ['landlock_add_rule.rule_type', 'landlock_create_ruleset.flags'],
  },
  { name: 'rseq', match: /^RSEQ_FLAG_/, args: ['rseq.flags'] },
  { name: 'perf', match: /^PERF_FLAG_/, args: ['perf_event_open.flags'] },
  {
    name: 'io-uring',
    match: /^IORING_(REGISTER|UNREGISTER|ENTER)_[A-Z0-9_]+$/,
    args: ['io_uring_register.opcode', 'io_uring_enter.flags'],
  },
  { name: 'module', match: /^MODULE_INIT_/, args: ['finit_module.flags'] },
  {
    name: 'swap',
    match: /^SWAP_FLAG_[A-Z_]+$/,
    from: /kernel-internal/,
    args: ['swapon.swap_flags'],
  },
  { name: 'syslog', match: /^SYSLOG_ACTION_/, from: /kernel-internal/, args: ['syslog.type'] },
  {
    name: 'userfaultfd',
    match: /^UFFD_USER_MODE_ONLY$/,
    with: ['open-flags'],
    args: ['userfaultfd.flags'],
  },
  { name: 'lsm', match: /^LSM_ATTR_/, args: ['lsm_get_self_attr.attr', 'lsm_set_self_attr.attr'] },
];
