/**
 * firejail's groups of calls, as `fseccomp drop` of firejail 0.9.74 puts them into filters for x86_64 and i386.
 */
const lists = `
aio: io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit io_uring_enter io_uring_register
  io_uring_setup
basic-io: close close_range dup dup2 dup3 lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 read
  readv write writev
chown: chown fchown fchownat lchown
clock: adjtimex clock_adjtime clock_settime settimeofday
cpu-emulation: modify_ldt
debug: lookup_dcookie perf_event_open pidfd_getfd process_vm_writev
default: _sysctl acct add_key adjtimex afs_syscall bpf chroot clock_adjtime clock_settime create_module
  delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick get_kernel_syms getpmsg
  init_module io_cancel io_destroy io_getevents io_setup io_submit ioperm iopl ioprio_set kexec_file_load
  kexec_load keyctl lookup_dcookie mbind migrate_pages modify_ldt mount move_mount move_pages
  name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root
  process_vm_writev putpmsg query_module reboot remap_file_pages request_key security set_mempolicy
  setdomainname sethostname settimeofday swapoff swapon sysfs syslog tuxcall umount2 uselib userfaultfd
  ustat vhangup vmsplice vserver
default-keep: execve execveat prctl
default-nodebuggers: _sysctl acct add_key adjtimex afs_syscall bpf chroot clock_adjtime clock_settime
  create_module delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick get_kernel_syms
  getpmsg init_module io_cancel io_destroy io_getevents io_setup io_submit ioperm iopl ioprio_set
  kexec_file_load kexec_load keyctl lookup_dcookie mbind migrate_pages modify_ldt mount move_mount
  move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open personality
  pidfd_getfd pivot_root process_vm_readv process_vm_writev ptrace putpmsg query_module reboot
  remap_file_pages request_key security set_mempolicy setdomainname sethostname settimeofday swapoff
  swapon sysfs syslog tuxcall umount2 uselib userfaultfd ustat vhangup vmsplice vserver
file-system: access chdir chmod close close_range creat faccessat faccessat2 fallocate fchdir fchmod
  fchmodat fcntl fgetxattr flistxattr fremovexattr fsetxattr fstat fstatfs ftruncate futimesat getcwd
  getdents getdents64 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch lgetxattr
  link linkat listxattr llistxattr lremovexattr lsetxattr lstat mkdir mkdirat mknod mknodat mmap munmap
  newfstatat open openat openat2 readlink readlinkat removexattr rename renameat renameat2 rmdir setxattr
  stat statfs statx symlink symlinkat truncate unlink unlinkat utime utimensat utimes
io-event: epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_wait epoll_wait_old
  eventfd eventfd2 poll ppoll pselect6 select
ipc: memfd_create mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget
  msgrcv msgsnd pipe pipe2 process_madvise process_vm_readv process_vm_writev semctl semget semop
  semtimedop shmat shmctl shmdt shmget
keyring: add_key keyctl request_key
memlock: mlock mlock2 mlockall munlock munlockall
module: delete_module finit_module init_module
mount: chroot fsconfig fsmount fsopen fspick mount move_mount open_tree pivot_root umount2
network-io: accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg
  recvmsg sendmmsg sendmsg sendto setsockopt shutdown socket socketpair
obsolete: _sysctl afs_syscall create_module get_kernel_syms getpmsg putpmsg query_module security sysfs
  tuxcall uselib ustat vserver
privileged: _sysctl acct adjtimex bpf capset chown chroot clock_adjtime clock_settime delete_module
  fanotify_init fchown fchownat finit_module init_module ioperm iopl kexec_file_load kexec_load lchown
  mount nfsservctl open_by_handle_at pivot_root quotactl reboot setdomainname setfsuid setgroups
  sethostname setresuid setreuid settimeofday setuid swapoff swapon umount2 vhangup
process: arch_prctl capget clone clone3 execveat fork getrusage kill pidfd_open pidfd_send_signal prctl
  rt_sigqueueinfo rt_tgsigqueueinfo setns tgkill times tkill unshare vfork wait4 waitid
raw-io: ioperm iopl
reboot: kexec_file_load kexec_load reboot
resources: ioprio_set mbind migrate_pages move_pages sched_setaffinity sched_setattr sched_setparam
  sched_setscheduler set_mempolicy
setuid: setgid setgroups setregid setresgid setresuid setreuid setuid
signal: rt_sigaction rt_sigpending rt_sigprocmask rt_sigsuspend rt_sigtimedwait sigaltstack signalfd
  signalfd4
swap: swapoff swapon
sync: fdatasync fsync msync sync sync_file_range syncfs
system-service: _sysctl accept accept4 access acct add_key adjtimex afs_syscall alarm arch_prctl bind bpf
  brk capget capset chdir chmod chown chroot clock_adjtime clock_settime clone clone3 close close_range
  connect copy_file_range creat create_module delete_module dup dup2 dup3 epoll_create epoll_create1
  epoll_ctl epoll_ctl_old epoll_pwait epoll_wait epoll_wait_old eventfd eventfd2 execveat faccessat
  faccessat2 fadvise64 fallocate fanotify_init fchdir fchmod fchmodat fchown fchownat fcntl fdatasync
  fgetxattr finit_module flistxattr flock fork fremovexattr fsconfig fsetxattr fsmount fsopen fspick
  fstat fstatfs fsync ftruncate futimesat get_kernel_syms get_mempolicy getcpu getcwd getdents getdents64
  getitimer getpeername getpmsg getpriority getrandom getrusage getsockname getsockopt getxattr
  init_module inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy
  io_getevents io_pgetevents io_setup io_submit io_uring_enter io_uring_register io_uring_setup ioctl
  ioperm iopl ioprio_get ioprio_set kcmp kexec_file_load kexec_load keyctl kill lchown lgetxattr link
  linkat listen listxattr llistxattr lookup_dcookie lremovexattr lseek lsetxattr lstat madvise mbind
  memfd_create migrate_pages mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap modify_ldt mount
  move_mount move_pages mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink
  mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at newfstatat
  nfsservctl open open_by_handle_at open_tree openat openat2 perf_event_open personality pidfd_getfd
  pidfd_open pidfd_send_signal pipe pipe2 pivot_root poll ppoll prctl pread64 preadv preadv2
  process_madvise process_vm_readv process_vm_writev pselect6 putpmsg pwrite64 pwritev pwritev2
  query_module read readahead readlink readlinkat readv reboot recvfrom recvmmsg recvmsg remap_file_pages
  removexattr rename renameat renameat2 request_key rmdir rt_sigaction rt_sigpending rt_sigprocmask
  rt_sigqueueinfo rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max
  sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
  sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
  security select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto set_mempolicy
  setdomainname setfsgid setfsuid setgid setgroups sethostname setitimer setns setpgid setregid setresgid
  setresuid setreuid setsid setsockopt settimeofday setuid setxattr shmat shmctl shmdt shmget shutdown
  sigaltstack signalfd signalfd4 socket socketpair splice stat statfs statx swapoff swapon symlink
  symlinkat sync sync_file_range syncfs sysfs sysinfo syslog tee tgkill timer_create timer_delete
  timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill
  truncate tuxcall umask umount2 uname unlink unlinkat unshare uselib userfaultfd ustat utime utimensat
  utimes vfork vhangup vmsplice vserver wait4 waitid write writev
timer: alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_settime
  timerfd_create timerfd_gettime timerfd_settime times
`;

/** Members by the name of the group, without `@`. */
export const firejailGroups: ReadonlyMap<string, readonly string[]> = new Map(
  lists
    .trim()
    .split(/\n(?! )/)
    .map((line): [string, readonly string[]] => {
      const [name = '', ...calls] = line.split(/[:\s]+/);
      return [name, calls.filter((call) => call !== '')];
    }),
);
