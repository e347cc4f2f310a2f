/** Calls that do the same: a rule that refuses some of them and leaves another open is a hole. */

/** Refusing one of `refused` means little while one of `also` is allowed. */
export interface Family {
  readonly refused: readonly string[];
  readonly also: readonly string[];
}

const alike = (...calls: readonly string[]): Family => ({ refused: calls, also: calls });

export const families: readonly Family[] = [
  alike('open', 'openat', 'openat2'),
  { refused: ['open', 'openat'], also: ['creat'] },
  alike('chmod', 'fchmod', 'fchmodat', 'fchmodat2'),
  alike('chown', 'lchown', 'fchown', 'fchownat', 'chown32', 'lchown32', 'fchown32'),
  alike('unlink', 'unlinkat'),
  { refused: ['rmdir'], also: ['unlinkat'] },
  alike('rename', 'renameat', 'renameat2'),
  alike('link', 'linkat'),
  alike('symlink', 'symlinkat'),
  alike('mkdir', 'mkdirat'),
  alike('mknod', 'mknodat'),
  alike('setxattr', 'lsetxattr', 'fsetxattr', 'setxattrat'),
  alike('removexattr', 'lremovexattr', 'fremovexattr', 'removexattrat'),
  alike('utime', 'utimes', 'futimesat', 'utimensat', 'utimensat_time64'),
  alike('truncate', 'truncate64'),
  alike('read', 'readv', 'pread64', 'preadv', 'preadv2'),
  alike('write', 'writev', 'pwrite64', 'pwritev', 'pwritev2'),
  alike('execve', 'execveat'),
  alike('fork', 'vfork'),
  { refused: ['fork', 'vfork'], also: ['clone', 'clone3'] },
  alike('kill', 'tkill', 'tgkill', 'pidfd_send_signal', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo'),
  { refused: ['ptrace'], also: ['process_vm_readv', 'process_vm_writev', 'pidfd_getfd'] },
  alike('process_vm_readv', 'pidfd_getfd'),
  alike('accept', 'accept4'),
  alike('sendto', 'sendmsg', 'sendmmsg'),
  alike('recvfrom', 'recvmsg', 'recvmmsg', 'recvmmsg_time64'),
  { refused: ['mount'], also: ['fsmount', 'move_mount', 'mount_setattr'] },
  { refused: ['move_mount'], also: ['mount'] },
  alike('chroot', 'fchroot'),
  alike('open_tree', 'open_tree_attr'),
  alike('init_module', 'finit_module'),
  alike('kexec_load', 'kexec_file_load'),
  alike('setuid', 'setreuid', 'setresuid', 'setuid32', 'setreuid32', 'setresuid32'),
  alike('setgid', 'setregid', 'setresgid', 'setgid32', 'setregid32', 'setresgid32'),
  alike('settimeofday', 'clock_settime', 'clock_settime64'),
  alike('adjtimex', 'clock_adjtime', 'clock_adjtime64'),
  alike('setrlimit', 'prlimit64'),
  { refused: ['connect'], also: ['io_uring_enter'] },
];
