/**
 * Adds what the kernel's headers and source do not say, or say in unusual words: names that
 * people know arguments by, versions newer than the manual, ARM's private calls.
 */

/**
 * Names that replace the kernel's parameter name, mostly the manual page's. The kernel's own name
 * stays valid as an alias. `*` stands for every call.
 */
export const ARGUMENT_NAMES = {
  '*': {
    clone_flags: 'flags',
    unshare_flags: 'flags',
    which_clock: 'clockid',
    mapped_flags: 'flags',
    behavior: 'advice',
    at_flags: 'flags',
    dfd: 'dirfd',
    filename: 'pathname',
  },
  arch_prctl: { option: 'code' },
  bpf: { uattr: 'attr' },
  clone: { newsp: 'stack', parent_tidptr: 'parent_tid', child_tidptr: 'child_tid' },
  futex: { op: 'futex_op' },
  ioctl: { cmd: 'request' },
  futex_time64: { op: 'futex_op' },
  keyctl: { option: 'operation' },
  memfd_create: { uname: 'name' },
  mmap: { len: 'length', off: 'offset' },
  mprotect: { start: 'addr' },
  msgget: { msgflg: 'flags' },
  personality: { personality: 'persona' },
  seccomp: { op: 'operation', uargs: 'args' },
  semget: { semflg: 'flags' },
  setns: { flags: 'nstype' },
  shmget: { shmflg: 'flags' },
  socket: { family: 'domain' },
  socketpair: { family: 'domain' },
  umount2: { name: 'target' },
};

/** Kernel that introduced calls that syscalls(2) of the packaged manual does not list. */
export const LATER_CALLS = {
  clock_adjtime64: '5.1',
  clock_getres_time64: '5.1',
  clock_gettime64: '5.1',
  clock_nanosleep_time64: '5.1',
  clock_settime64: '5.1',
  futex_time64: '5.1',
  io_pgetevents_time64: '5.1',
  mq_timedreceive_time64: '5.1',
  mq_timedsend_time64: '5.1',
  ppoll_time64: '5.1',
  pselect6_time64: '5.1',
  recvmmsg_time64: '5.1',
  rt_sigtimedwait_time64: '5.1',
  sched_rr_get_interval_time64: '5.1',
  semtimedop_time64: '5.1',
  timer_gettime64: '5.1',
  timer_settime64: '5.1',
  timerfd_gettime64: '5.1',
  timerfd_settime64: '5.1',
  utimensat_time64: '5.1',
  epoll_pwait2: '5.11',
  mount_setattr: '5.12',
  memfd_secret: '5.14',
  process_mrelease: '5.15',
  futex_waitv: '5.16',
  set_mempolicy_home_node: '5.17',
  riscv_hwprobe: '6.4',
  cachestat: '6.5',
  fchmodat2: '6.6',
  map_shadow_stack: '6.6',
  futex_requeue: '6.7',
  futex_wait: '6.7',
  futex_wake: '6.7',
  listmount: '6.8',
  lsm_get_self_attr: '6.8',
  lsm_list_modules: '6.8',
  lsm_set_self_attr: '6.8',
  statmount: '6.8',
  mseal: '6.10',
  uretprobe: '6.11',
};

/**
 * Calls of kernels newer than Debian's headers, from the kernel's tables and SYSCALL_DEFINE lines. The
 * number is the same on every architecture here (mips64el adds its 5000) but for those with `only`.
 * Arguments as `type name`. A row goes once the headers have the call.
 */
export const NEWER_CALLS = {
  setxattrat: {
    since: '6.13',
    number: 463,
    args: [
      'int dfd',
      'char * pathname',
      'unsigned int at_flags',
      'char * name',
      'struct xattr_args * uargs',
      'size_t usize',
    ],
  },
  getxattrat: {
    since: '6.13',
    number: 464,
    args: [
      'int dfd',
      'char * pathname',
      'unsigned int at_flags',
      'char * name',
      'struct xattr_args * uargs',
      'size_t usize',
    ],
  },
  listxattrat: {
    since: '6.13',
    number: 465,
    args: ['int dfd', 'char * pathname', 'unsigned int at_flags', 'char * list', 'size_t size'],
  },
  removexattrat: {
    since: '6.13',
    number: 466,
    args: ['int dfd', 'char * pathname', 'unsigned int at_flags', 'char * name'],
  },
  open_tree_attr: {
    since: '6.15',
    number: 467,
    args: [
      'int dfd',
      'char * filename',
      'unsigned flags',
      'struct mount_attr * uattr',
      'size_t usize',
    ],
  },
  file_getattr: {
    since: '6.17',
    number: 468,
    args: [
      'int dfd',
      'char * filename',
      'struct file_attr * ufattr',
      'size_t usize',
      'unsigned int at_flags',
    ],
  },
  file_setattr: {
    since: '6.17',
    number: 469,
    args: [
      'int dfd',
      'char * filename',
      'struct file_attr * ufattr',
      'size_t usize',
      'unsigned int at_flags',
    ],
  },
  uprobe: { since: '6.18', number: 336, only: ['x86_64'], args: [] },
  listns: {
    since: '6.19',
    number: 470,
    args: ['struct ns_id_req * req', 'u64 * ns_ids', 'size_t nr_ns_ids', 'unsigned int flags'],
  },
  rseq_slice_yield: { since: '7.0', number: 471, args: [] },
  fchroot: { since: '7.3', number: 472, args: ['int fd', 'unsigned int flags'] },
};

/** Members of systemd's groups that the packaged systemd is too old to name. */
export const NEWER_MEMBERS = {
  'file-system': ['file_setattr'],
  mount: ['fchroot', 'open_tree_attr'],
  privileged: ['fchroot'],
};

/** Prototypes of calls that the kernel implements outside of its table. */
export const UNLISTED_PROTOTYPES = {
  arm: {
    breakpoint: [],
    cacheflush: [
      { type: 'unsigned long', name: 'start' },
      { type: 'unsigned long', name: 'end' },
      { type: 'int', name: 'flags' },
    ],
    get_tls: [],
    set_tls: [{ type: 'unsigned long', name: 'val' }],
    usr26: [],
    usr32: [],
  },
};
