/**
 * The built-in policies.
 * Written by wasm-core/build.mjs from wasm-core/policies; do not edit.
 */
export const builtinPolicies: Readonly<Record<string, string>> = {
  'default': `# The policy of \`wasbox run\` where no other is named: a list of what ordinary programs use
# (interpreters, shells, compilers, git, databases, editors, media tools). Whatever it does not
# name is refused. The first rule that matches decides, so exceptions stand above what they
# restrict.
#
# It is one wall of several. The payload also runs without capabilities, in namespaces of its own,
# with a file system of its own: much of what is refused here the kernel would refuse as well. But
# a call that cannot be made cannot hit a bug either.

target x86_64, aarch64
default errno(EPERM)
unknown errno(ENOSYS)    # numbers newer than this file: programs fall back to what they know

# --- refused, each with the reason --------------------------------------------------------------

# Reading or steering another process. Debuggers say so politely; everything else never asks.
deny ptrace process_vm_readv process_vm_writev process_madvise process_mrelease
deny kcmp               # compares kernel addresses of two processes
deny pidfd_getfd        # takes a descriptor out of another process

# The kernel's keyrings are not divided by namespaces: a run could leave keys for the next one.
deny add_key request_key keyctl

# Mounting. The sandbox's file tree is made before the payload starts and stays as it is.
deny mount umount2 pivot_root chroot
deny fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr
deny(ENOSYS) statmount listmount    # programs read /proc/self/mountinfo instead

# New namespaces would give capabilities over them, and with these the kernel's largest surface.
# clone3 keeps its flags in memory, where no filter can look: it is told to be missing, and libc
# then takes clone, whose flags are a number.
deny(ENOSYS) clone3
deny setns
deny unshare where flags & (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC
                            | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
deny clone where flags & (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC
                          | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

# Code for the kernel to run, and windows into it.
deny init_module finit_module delete_module
deny kexec_load kexec_file_load
deny bpf perf_event_open
deny userfaultfd        # holds the kernel in the middle of a copy: half of every exploit
deny io_uring_setup io_uring_enter io_uring_register    # its calls pass by every filter
deny syslog             # the kernel's log shows addresses and other people's business
deny lookup_dcookie
deny(ENOSYS) nfsservctl

# Counted for the whole machine, so that one run could leave the others without. Programs take
# threads instead.
deny(ENOSYS) io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents

# A lease on a file makes whoever opens it wait, on the host as well; and dnotify is as old.
deny fcntl where cmd in [F_SETLEASE, F_NOTIFY]

# Memory that no limit sees, and that others cannot be shown.
deny(ENOSYS) memfd_secret

# The machine as a whole.
deny reboot swapon swapoff acct quotactl quotactl_fd vhangup
deny settimeofday clock_settime
deny adjtimex clock_adjtime    # what they would set lies in memory, so reading goes with it
deny sethostname setdomainname
deny iopl ioperm        # ports of the hardware
deny modify_ldt         # 16-bit segments, for DOS emulators only
deny migrate_pages move_pages    # where the memory of other processes lies

# Files by handle are found from the root of their disk, past every mount and directory.
deny open_by_handle_at
deny fanotify_init fanotify_mark    # watches whole mounts; inotify watches what one can reach

# A second listener would be told what wasbox is to be told.
deny seccomp where operation == SECCOMP_SET_MODE_FILTER
                   and flags & SECCOMP_FILTER_FLAG_NEW_LISTENER
deny lsm_set_self_attr  # the label of the security module belongs to the host's administrator

# TIOCSTI and TIOCLINUX type characters into the caller's shell; TIOCSETD loads line disciplines,
# old kernel code that only serial hardware needs. TIOCEXCL would lock the terminal for its owner.
deny ioctl where request in [TIOCSTI, TIOCLINUX, TIOCSETD, TIOCEXCL]
# Flags of a file (nodump, no copy-on-write, synchronous) are in no diff and would outlive the run.
deny ioctl where request in [FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR]

# PR_SET_MM rewrites what /proc shows of a process.
deny prctl where option == PR_SET_MM
# Options newer than this file, PR_FUTEX_HASH among them, are unknown, as on an older kernel.
deny(EINVAL) prctl where option not in [0..73, PR_GET_AUXV..PR_SET_PTRACER]

# TCP_ULP puts another protocol above a connection and loads its module. Programs that want tls in the
# kernel do without.
deny(ENOPROTOOPT) setsockopt where level == IPPROTO_TCP and optname == 31

# Gone from the kernel, or nearly so: told to be missing, as on a newer one.
deny(ENOSYS) _sysctl afs_syscall create_module epoll_ctl_old epoll_wait_old get_kernel_syms
             getpmsg putpmsg query_module security sysfs tuxcall uselib ustat vserver

# --- allowed for some values --------------------------------------------------------------------

# Local and internet sockets, by what they speak: TCP, UDP, and ping where the host lets users ping. Of
# netlink only the list of interfaces and routes, which getaddrinfo and getifaddrs read. SCTP, DCCP, SMC,
# L2TP, MPTCP and UDP-Lite would load a kernel module of their own; they are told to be missing, as where
# the kernel lacks them, and programs take TCP. AF_VSOCK, AF_ALG, AF_PACKET and forty more stay shut.
allow socket socketpair where domain == AF_UNIX and type & 0xf in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]
                              and protocol in [0, AF_UNIX]
allow socket where domain in [AF_INET, AF_INET6] and type & 0xf == SOCK_STREAM
                   and protocol in [0, IPPROTO_TCP]
allow socket where domain in [AF_INET, AF_INET6] and type & 0xf == SOCK_DGRAM
                   and protocol in [0, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6]
deny(EPROTONOSUPPORT) socket where domain in [AF_INET, AF_INET6] and type & 0xf != SOCK_RAW
allow socket where domain == AF_NETLINK and protocol == NETLINK_ROUTE

# ioctl is one call for the requests of all drivers and file systems, so these are a list: what
# terminals and any descriptor know, how a file is laid out and cloned, what a socket says of itself
# and of interfaces. Others get ENOTTY, as of a file that does not know them, and programs do without:
# each file system has its own (snapshots, encryption, defragmenting), namespaces hand out others, and
# SIOCGIFBR and SIOCGIFVLAN load a module.
allow ioctl where request in [TCGETS..FIONREAD, TIOCPKT..TIOCGSID, TIOCGPTPEER, FIONCLEX..FIOASYNC]
allow ioctl where request in [TCGETS2, TCSETS2..TCSETSF2, TIOCGPTN, TIOCSPTLCK]
allow ioctl where request in [FIGETBSZ, FICLONE, FICLONERANGE, FS_IOC_FIEMAP, FS_IOC_GETFLAGS]
allow ioctl where request in [FIOSETOWN..0x8907, SIOCGIFNAME..SIOCGIFHWADDR, SIOCGIFINDEX, SIOCOUTQNSD]
deny(ENOTTY) ioctl

# The usual personality, asking for it, 32-bit names for uname, and debugging without randomised
# addresses. READ_IMPLIES_EXEC and MMAP_PAGE_ZERO would take a program's own defences away.
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
      fallocate umask utime utimes utimensat futimesat cachestat
      getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr fsetxattr
      removexattr lremovexattr fremovexattr

# Memory
allow brk mmap munmap mprotect mremap madvise mincore mlock mlock2 mlockall munlock munlockall
      mseal remap_file_pages memfd_create membarrier pkey_alloc pkey_free pkey_mprotect
      map_shadow_stack get_mempolicy set_mempolicy set_mempolicy_home_node mbind

# Processes and threads
allow clone fork vfork execve execveat exit exit_group wait4 waitid unshare kill tkill tgkill
      pidfd_open pidfd_send_signal getpid getppid gettid getpgid getpgrp setpgid getsid setsid
      set_tid_address set_robust_list get_robust_list futex futex_wait futex_wake futex_requeue
      futex_waitv rseq arch_prctl set_thread_area get_thread_area prctl getcpu uname sysinfo
      sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam
      sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max
      sched_get_priority_min sched_rr_get_interval getpriority setpriority ioprio_get ioprio_set
      getrlimit setrlimit prlimit64 getrusage times
      uretprobe         # part of a probe that the administrator has set; by itself a signal

# Signals
allow rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo
      rt_tgsigqueueinfo rt_sigreturn sigaltstack pause restart_syscall

# Time
allow time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep alarm getitimer
      setitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete
      timerfd_create timerfd_settime timerfd_gettime

# Users and groups. Without capabilities these can only give up or confirm what one has.
allow getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid
      setresuid setresgid setfsuid setfsgid setgroups capget capset

# Sockets once they are made, and messages between processes of the sandbox
allow bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
      sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg
      shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
      mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr

# Chance, and a program's own sandbox
allow getrandom seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
      lsm_get_self_attr lsm_list_modules
`,
  'net-guard': `# Loaded beside the policy of a run, whichever that is, where the payload holds sockets of the host's
# network: where rules say what the network reaches, connected by the supervisor to what they allow,
# and where stdin, stdout or stderr is a socket, though there is no network. These calls would lead such a socket elsewhere without connect(2), or tell of the
# host's network. Filters add up: a call is allowed only if all of them allow it.

target x86_64, aarch64
default allow
unknown allow

# TCP Fast Open connects by sending: MSG_FASTOPEN, TCP_FASTOPEN_CONNECT.
deny(EOPNOTSUPP) sendto sendmsg sendmmsg where flags & 0x20000000
deny(EOPNOTSUPP) setsockopt where level == 6 and optname == 30

# Another interface, source or way than the host's routes have: SO_BINDTODEVICE, SO_MARK,
# SO_BINDTOIFINDEX; IP_OPTIONS, IP_FREEBIND, IP_TRANSPARENT, IP_UNICAST_IF; IPV6_2292RTHDR,
# IPV6_2292PKTOPTIONS, IPV6_PKTINFO, IPV6_RTHDR, IPV6_TRANSPARENT, IPV6_UNICAST_IF, IPV6_FREEBIND.
deny setsockopt where level == 1 and optname in [25, 36, 62]
deny setsockopt where level == 0 and optname in [4, 15, 19, 50]
deny setsockopt where level == 41 and optname in [5, 6, 50, 57, 75, 76, 78]

# Groups of the LAN, which the host would join and say so there, on a TCP socket as well:
# IP_ADD_SOURCE_MEMBERSHIP, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP (42, 46).
# IPV6_FLOWLABEL_MGR takes labels from the host's programs.
deny setsockopt where level == 0 and optname in [39, 42, 46]
deny setsockopt where level == 41 and optname in [32, 42, 46]

# TCP_ULP puts another protocol above a connection, which may connect by itself (smc) or hand what
# arrives to the host (espintcp). Programs that want tls so do without.
deny(ENOPROTOOPT) setsockopt where level == 6 and optname == 31

# Interfaces, addresses and routes of the host: SIOCADDRT and what follows, but for SIOCOUTQNSD.
# Its radio, SIOCIWFIRST to SIOCIWLAST: names, stations around, which tell where it stands.
deny ioctl where request >= 0x890b and request <= 0x894a
deny ioctl where request >= 0x894c and request <= 0x89ff
deny ioctl where request >= 0x8b00 and request <= 0x8bff

deny io_uring_setup     # it connects past every filter
`,
  'set-id-guard': `# Loaded beside the policy of a run, whichever that is, where a file or directory of the host is
# writable (\`--rw\`, \`> out.txt\`): what the payload leaves there outlives the sandbox, so it must not
# be able to leave a program that runs with its owner's or group's rights for whoever starts it.
# Filters add up: a call is allowed only if all of them allow it.

target x86_64, aarch64
default allow
unknown allow

deny chmod fchmod fchmodat fchmodat2 where mode & (S_ISUID | S_ISGID)

# A file can be made with these bits at once. Without O_CREAT or O_TMPFILE the argument means nothing.
deny open openat where flags & O_CREAT and mode & (S_ISUID | S_ISGID)
deny open openat where flags & O_TMPFILE == O_TMPFILE and mode & (S_ISUID | S_ISGID)
deny creat mknod mknodat where mode & (S_ISUID | S_ISGID)
deny(ENOSYS) openat2    # its mode lies in memory, where no filter can look; programs take openat
deny io_uring_setup     # it opens files past every filter
`,
  'terminal-guard': `# Loaded beside the policy of a run, whichever that is, where the payload is given a terminal of the
# caller's: \`--tty never\`, and stdin where the keyboard is shared (\`wasbox run … | less\`). Modes that
# it sets are put back at the end. What cannot be seen or undone is refused, also of terminals that
# the payload makes itself: a filter does not see which one a descriptor leads to.
# Filters add up: a call is allowed only if all of them allow it.

target x86_64, aarch64
default allow
unknown allow

# Output that is stopped stays so, and ^C does not help; buffers that are emptied lose what others
# wrote; a lock, a line discipline, a break or a modem line is everybody's.
deny ioctl where request in [TCXONC, TCFLSH, TIOCSETD, TIOCEXCL, TIOCNXCL, TIOCSTI, TIOCLINUX,
                             TIOCCONS, TIOCSBRK, TIOCCBRK, TCSBRKP, TIOCVHANGUP, TIOCMSET, TIOCMBIS,
                             TIOCMBIC, TIOCSSERIAL, TIOCSLCKTRMIOS]
deny ioctl where request == TCSBRK and arg as u64 == 0    # else it is tcdrain(3): all bits are read
deny(ENOTTY) ioctl where request == TIOCSWINSZ     # as of something without a size
deny io_uring_setup     # its calls pass by every filter
`,
};
