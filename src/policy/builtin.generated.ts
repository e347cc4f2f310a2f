/**
 * The built-in policies.
 * Written by wasm-core/build.mjs from wasm-core/policies; do not edit.
 */
export const builtinPolicies: Readonly<Record<string, string>> = {
  'default': `# The default policy of \`wasbox run\`: an allow list of what ordinary programs use (interpreters,
# shells, compilers, git, databases, editors, media tools). Calls that it does not name are refused.
# The first rule that matches decides, so exceptions come before the rules that they restrict.
# \`wasbox policy explain default\` lists every call; why each one is refused is in src/syscalls.
#
# The policy is one layer of several. The payload also runs without capabilities, in its own
# namespaces and file tree, so the kernel would refuse many of these calls anyway. But a call that
# cannot be made cannot reach a kernel bug either.

target x86_64, aarch64
default errno(EPERM)
unknown errno(ENOSYS)    # calls newer than this file: programs fall back to older ones

# --- refused ------------------------------------------------------------------------------------

# Control of other processes
deny ptrace process_vm_readv process_vm_writev process_madvise process_mrelease
deny kcmp pidfd_getfd

# Kernel keyrings, which namespaces do not separate
deny add_key request_key keyctl

# Mounts
deny mount umount2 pivot_root chroot fchroot
deny fsopen fsconfig fsmount fspick move_mount open_tree open_tree_attr mount_setattr
deny(ENOSYS) statmount listmount

# New namespaces. They give capabilities, and with them access to most of the kernel's code. The
# flags of clone3 are in memory, where a filter cannot check them: ENOSYS makes libc use clone, whose
# flags are a number.
deny(ENOSYS) clone3
deny setns
deny(ENOSYS) listns
deny unshare where flags & (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC
                            | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
deny clone where flags & (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC
                          | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

# The kernel: loading code into it, observing it
deny init_module finit_module delete_module
deny kexec_load kexec_file_load
deny bpf perf_event_open
deny userfaultfd
deny io_uring_setup io_uring_enter io_uring_register
deny syslog
deny lookup_dcookie
deny(ENOSYS) nfsservctl

# Asynchronous I/O. Programs use threads where it is missing.
deny(ENOSYS) io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents

# Leases and dnotify
deny fcntl where cmd in [F_SETLEASE, F_NOTIFY]

# Memory that no limit counts
deny(ENOSYS) memfd_secret

# The machine
deny reboot swapon swapoff acct quotactl quotactl_fd vhangup
deny settimeofday clock_settime
deny adjtimex clock_adjtime    # whether they read or set is in memory, so reading is refused too
deny sethostname setdomainname
deny iopl ioperm modify_ldt
deny migrate_pages move_pages

# Files that are reached past mounts and directories. inotify, which watches single files, is allowed.
deny open_by_handle_at
deny fanotify_init fanotify_mark

# Attributes by directory, of Linux 6.13, and file flags, of Linux 6.17: other calls do the same, and
# programs use those where the newer ones are missing. File flags that a run sets would outlive it.
deny(ENOSYS) setxattrat getxattrat listxattrat removexattrat
deny(ENOSYS) file_getattr file_setattr

# Newer forms of futex, whose flags a filter cannot tie to a use (CVE-2026-31554 in futex_requeue). No
# program that was measured makes them; libc uses futex. futex_waitv, which Wine waits with, is allowed.
deny(ENOSYS) futex_wait futex_wake futex_requeue

# Mappings and figures of memory that no program that was measured asks for: remap_file_pages has been
# emulated since Linux 4.0, fincore uses mincore where cachestat is missing. map_shadow_stack is allowed:
# makecontext needs it where a processor checks return addresses.
deny(ENOSYS) remap_file_pages mseal cachestat set_mempolicy_home_node

# Ends a longer time slice, which no program here has: prctl refuses the option that gives it
deny(ENOSYS) rseq_slice_yield

# A second listener for refused calls, which wasbox itself needs
deny seccomp where operation == SECCOMP_SET_MODE_FILTER
                   and flags & SECCOMP_FILTER_FLAG_NEW_LISTENER
deny lsm_set_self_attr

# TIOCSTI and TIOCLINUX type characters into the caller's shell; TIOCSETD loads line disciplines,
# old kernel code that only serial hardware needs; TIOCEXCL locks the terminal's owner out.
deny ioctl where request in [TIOCSTI, TIOCLINUX, TIOCSETD, TIOCEXCL]
# File flags (nodump, no copy-on-write, synchronous): no diff shows them, and they outlive the run.
deny ioctl where request in [FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR]

# PR_SET_MM changes what /proc shows about a process.
deny prctl where option == PR_SET_MM
# Options newer than this file, such as PR_FUTEX_HASH, get EINVAL, as on an older kernel.
deny(EINVAL) prctl where option not in [0..73, PR_GET_AUXV..PR_SET_PTRACER]

# TCP_ULP runs another protocol on top of a connection and loads its kernel module. Programs that
# would use TLS in the kernel fall back to their own.
deny(ENOPROTOOPT) setsockopt where level == IPPROTO_TCP and optname == 31

# UDP_ENCAP leads received datagrams into the kernel's IPsec (CVE-2026-43284, CVE-2026-46300). SO_ZEROCOPY
# hands pages of the program to the network (CVE-2026-43494); without it MSG_ZEROCOPY has no effect.
# Programs go on without either.
deny(ENOPROTOOPT) setsockopt where level == IPPROTO_UDP and optname == 100
deny(ENOPROTOOPT) setsockopt where level == SOL_SOCKET and optname == SO_ZEROCOPY

# Out-of-band data. For UNIX sockets, this code has had bugs that led out of sandboxes (CVE-2025-38236), and
# few programs use it for TCP. The error is that of a kernel without it.
deny(EOPNOTSUPP) sendto sendmsg sendmmsg where flags & MSG_OOB

# Removed from the kernel, or about to be: missing, as on a newer one
deny(ENOSYS) _sysctl afs_syscall create_module epoll_ctl_old epoll_wait_old get_kernel_syms
             getpmsg putpmsg query_module security sysfs tuxcall uselib ustat vserver

# --- allowed for some values --------------------------------------------------------------------

# Local and internet sockets, by protocol: TCP, UDP, and ping where the host allows users to ping. Of
# netlink, only the lists of interfaces and routes that getaddrinfo and getifaddrs read. SCTP, DCCP, SMC,
# L2TP, MPTCP and UDP-Lite would each load a kernel module; they get the error of a kernel without them,
# and programs use TCP. AF_VSOCK, AF_ALG, AF_PACKET and forty more are refused.
allow socket socketpair where domain == AF_UNIX and type & 0xf in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]
                              and protocol in [0, AF_UNIX]
allow socket where domain in [AF_INET, AF_INET6] and type & 0xf == SOCK_STREAM
                   and protocol in [0, IPPROTO_TCP]
allow socket where domain in [AF_INET, AF_INET6] and type & 0xf == SOCK_DGRAM
                   and protocol in [0, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6]
deny(EPROTONOSUPPORT) socket where domain in [AF_INET, AF_INET6] and type & 0xf != SOCK_RAW
allow socket where domain == AF_NETLINK and protocol == NETLINK_ROUTE

# ioctl is one call for the requests of all drivers and file systems, so this is an allow list: requests
# of terminals and of every descriptor, the layout and cloning of files, information about sockets and
# interfaces. Others get ENOTTY, the error for a request that a file does not support, and programs
# carry on: file systems have their own (snapshots, encryption, defragmenting), namespace files give
# access to other namespaces, and SIOCGIFBR and SIOCGIFVLAN load a kernel module.
allow ioctl where request in [TCGETS..FIONREAD, TIOCPKT..TIOCGSID, TIOCGPTPEER, FIONCLEX..FIOASYNC]
allow ioctl where request in [TCGETS2, TCSETS2..TCSETSF2, TIOCGPTN, TIOCSPTLCK]
allow ioctl where request in [FIGETBSZ, FICLONE, FICLONERANGE, FS_IOC_FIEMAP, FS_IOC_GETFLAGS]
allow ioctl where request in [FIOSETOWN..0x8907, SIOCGIFNAME..SIOCGIFHWADDR, SIOCGIFINDEX, SIOCOUTQNSD]
deny(ENOTTY) ioctl

# The default personality, reading it, 32-bit names in uname, and fixed addresses for debugging.
# READ_IMPLIES_EXEC and MMAP_PAGE_ZERO would turn off a program's own protections.
allow personality where persona in [PER_LINUX, PER_LINUX32, UNAME26, PER_LINUX32 | UNAME26,
                                    ADDR_NO_RANDOMIZE, ADDR_NO_RANDOMIZE | PER_LINUX32, 0xffffffff]

# --- allowed -----------------------------------------------------------------------------------

# Reading, writing, waiting
allow read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close
      close_range dup dup2 dup3 pipe pipe2 fcntl flock sendfile splice tee vmsplice
      copy_file_range readahead fadvise64 sync_file_range fsync fdatasync sync syncfs msync
      poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait
      epoll_pwait2 eventfd eventfd2 signalfd signalfd4
      inotify_init inotify_init1 inotify_add_watch inotify_rm_watch

# Files and directories
allow open openat openat2 creat access faccessat faccessat2 stat fstat lstat newfstatat statx
      statfs fstatfs readlink readlinkat getdents getdents64 getcwd chdir fchdir name_to_handle_at
      mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat
      mknod mknodat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat truncate ftruncate
      fallocate umask utime utimes utimensat futimesat
      getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr fsetxattr
      removexattr lremovexattr fremovexattr

# Memory
allow brk mmap munmap mprotect mremap madvise mincore mlock mlock2 mlockall munlock munlockall
      memfd_create membarrier pkey_alloc pkey_free pkey_mprotect
      map_shadow_stack get_mempolicy set_mempolicy mbind

# Processes and threads
allow clone fork vfork execve execveat exit exit_group wait4 waitid unshare kill tkill tgkill
      pidfd_open pidfd_send_signal getpid getppid gettid getpgid getpgrp setpgid getsid setsid
      set_tid_address set_robust_list get_robust_list futex
      futex_waitv rseq arch_prctl set_thread_area get_thread_area prctl getcpu uname sysinfo
      sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam
      sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max
      sched_get_priority_min sched_rr_get_interval getpriority setpriority ioprio_get ioprio_set
      getrlimit setrlimit prlimit64 getrusage times
      uprobe uretprobe  # parts of a probe that the administrator set; otherwise they only raise a signal

# Signals
allow rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo
      rt_tgsigqueueinfo rt_sigreturn sigaltstack pause restart_syscall

# Time
allow time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep alarm getitimer
      setitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete
      timerfd_create timerfd_settime timerfd_gettime

# Users and groups. Without capabilities, a process can only keep or give up ids.
allow getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid
      setresuid setresgid setfsuid setfsgid setgroups capget capset

# Sockets after they are made, and messages between processes of the sandbox
allow bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
      sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg
      shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
      mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr

# Random numbers, and a program's own sandbox
allow getrandom seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
      lsm_get_self_attr lsm_list_modules
`,
  'landlock-guard': `# Loaded beside the policy of every run with Landlock isolation (\`--isolation landlock\`), which has no
# namespaces. Landlock is the wall around files there; these calls are what it leaves open, up to ABI 7.
# A call is allowed only if all filters allow it.

target x86_64, aarch64
default allow
unknown errno(ENOSYS)     # newer calls than this file may do what it refuses

# Modes, owners and times of files, which the supervisor sets on the run's own files
deny chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat

# Extended attributes: of any file whose path is known. As if no file had one; copying (python -m venv) goes on then.
deny(ENOSYS) setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
deny(ENODATA) getxattr lgetxattr fgetxattr
deny(EOPNOTSUPP) listxattr llistxattr flistxattr
deny(ENOSYS) setxattrat getxattrat listxattrat removexattrat file_getattr file_setattr

# Names that come and go in directories which the program cannot list. An instance without watches is of no use,
# and the user has 128 of them in all: a program is told that the kernel has none, and looks by itself.
deny(ENOSYS) inotify_init inotify_init1
deny inotify_add_watch fanotify_init fanotify_mark

# UNIX sockets of other programs, by path. A pair of connected sockets reaches no other one; of datagrams,
# either end could send to any path. SOCK_RAW means datagrams as well.
deny socket where domain == AF_UNIX
deny socketpair where type & 0xf not in [SOCK_STREAM, SOCK_SEQPACKET]
# The machine's links and routes
deny socket where domain not in [AF_UNIX, AF_INET, AF_INET6]

# Objects that all programs share: System V IPC, message queues
deny(ENOSYS) shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
deny(ENOSYS) mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr

# Priorities, processors and limits of other programs of the same user. What names the caller itself by its number is
# refused here, too: the supervisor lets it pass (addon/supervisor/own_thread.c).
deny setpriority where which != PRIO_PROCESS
deny setpriority where who != 0
deny ioprio_set where who != 0
deny ioprio_set where which != 1    # IOPRIO_WHO_PROCESS
deny sched_setaffinity sched_setattr sched_setparam sched_setscheduler where pid != 0
deny prlimit64 where pid != 0
deny migrate_pages move_pages process_madvise process_mrelease kcmp

# Calls that go around a filter, or into other processes and namespaces
deny io_uring_setup io_uring_enter io_uring_register
deny ptrace process_vm_readv process_vm_writev pidfd_getfd setns
deny mount umount2 pivot_root chroot fchroot fsopen fsconfig fsmount fspick move_mount
deny open_tree open_tree_attr mount_setattr
deny open_by_handle_at bpf perf_event_open userfaultfd
deny add_key request_key keyctl
deny(ENOSYS) listns    # namespaces of all programs of the user
`,
  'landlock-net-guard': `# Loaded beside landlock-guard.policy where the network is off: there is no network namespace whose
# sockets would reach no program, and Landlock knows TCP alone, and of that not all (ABI 7).
# A call is allowed only if all filters allow it.

target x86_64, aarch64
default allow
unknown allow

deny socket where domain != AF_UNIX
deny io_uring_setup io_uring_enter io_uring_register    # they make sockets without any filter
`,
  'net-guard': `# Loaded beside the policy of every run whose payload has sockets of the host's network: with network
# rules, where the supervisor connects them to allowed addresses, and where stdin, stdout or stderr is
# a socket. These calls could redirect such a socket without connect(2), or read the host's network
# settings. A call is allowed only if all filters allow it.

target x86_64, aarch64
default allow
unknown allow

# TCP Fast Open connects by sending: MSG_FASTOPEN, TCP_FASTOPEN_CONNECT.
deny(EOPNOTSUPP) sendto sendmsg sendmmsg where flags & 0x20000000
deny(EOPNOTSUPP) setsockopt where level == 6 and optname == 30

# Another interface, source or route than the host's: SO_BINDTODEVICE, SO_MARK,
# SO_BINDTOIFINDEX; IP_OPTIONS, IP_FREEBIND, IP_TRANSPARENT, IP_UNICAST_IF; IPV6_2292RTHDR,
# IPV6_2292PKTOPTIONS, IPV6_PKTINFO, IPV6_RTHDR, IPV6_TRANSPARENT, IPV6_UNICAST_IF, IPV6_FREEBIND.
deny setsockopt where level == 1 and optname in [25, 36, 62]
deny setsockopt where level == 0 and optname in [4, 15, 19, 50]
deny setsockopt where level == 41 and optname in [5, 6, 50, 57, 75, 76, 78]

# Multicast groups of the LAN, which the host would join and announce there, also on a TCP socket:
# IP_ADD_SOURCE_MEMBERSHIP, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP (42, 46).
# IPV6_FLOWLABEL_MGR takes labels from the host's programs.
deny setsockopt where level == 0 and optname in [39, 42, 46]
deny setsockopt where level == 41 and optname in [32, 42, 46]

# TCP_ULP runs another protocol on top of a connection, which may connect by itself (smc) or pass
# incoming data to the host (espintcp). Programs that would use TLS in the kernel fall back to their own.
deny(ENOPROTOOPT) setsockopt where level == 6 and optname == 31

# Interfaces, addresses and routes of the host: SIOCADDRT and above, except SIOCOUTQNSD. Its radio,
# SIOCIWFIRST to SIOCIWLAST: names and nearby stations, which reveal its location.
deny ioctl where request >= 0x890b and request <= 0x894a
deny ioctl where request >= 0x894c and request <= 0x89ff
deny ioctl where request >= 0x8b00 and request <= 0x8bff

deny io_uring_setup     # it connects without any filter
`,
  'set-id-guard': `# Loaded beside the policy of every run that can write a file or directory of the host (\`--rw\`,
# \`> out.txt\`). Files there outlive the sandbox, so the payload must not leave a program that runs with
# the rights of its owner or group for every user who starts it.
# A call is allowed only if all filters allow it.

target x86_64, aarch64
default allow
unknown allow

deny chmod fchmod fchmodat fchmodat2 where mode & (S_ISUID | S_ISGID)

# A file can be created with these bits. Without O_CREAT or O_TMPFILE the kernel ignores the mode.
deny open openat where flags & O_CREAT and mode & (S_ISUID | S_ISGID)
deny open openat where flags & O_TMPFILE == O_TMPFILE and mode & (S_ISUID | S_ISGID)
deny creat mknod mknodat where mode & (S_ISUID | S_ISGID)
deny(ENOSYS) openat2    # its mode is in memory, where a filter cannot check it; programs use openat
deny io_uring_setup     # it opens files without any filter
`,
  'terminal-guard': `# Loaded beside the policy of every run whose payload gets a terminal of the caller: with \`--tty never\`,
# and for stdin where the keyboard is shared (\`wasbox run … | less\`). wasbox restores modes at the end.
# Changes that cannot be seen or undone are refused, also for terminals that the payload creates: a
# filter cannot see which terminal a descriptor refers to.
# A call is allowed only if all filters allow it.

target x86_64, aarch64
default allow
unknown allow

# Stopped output stays stopped, and ^C does not help; flushed buffers lose the data of other processes;
# locks, line disciplines, breaks and modem lines affect every process on the terminal.
deny ioctl where request in [TCXONC, TCFLSH, TIOCSETD, TIOCEXCL, TIOCNXCL, TIOCSTI, TIOCLINUX,
                             TIOCCONS, TIOCSBRK, TIOCCBRK, TCSBRKP, TIOCVHANGUP, TIOCMSET, TIOCMBIS,
                             TIOCMBIC, TIOCSSERIAL, TIOCSLCKTRMIOS]
deny ioctl where request == TCSBRK and arg as u64 == 0    # otherwise it is tcdrain(3): the kernel reads all bits
deny(ENOTTY) ioctl where request == TIOCSWINSZ     # like a file without a size
deny io_uring_setup     # its operations bypass every filter
`,
};
