import { beforeAll, describe, expect, it } from 'vitest';
import { compilePolicy, init, type SimulatedCall, simulate } from '../../src/policy/index.js';

beforeAll(() => init());

const architectures = ['x86_64', 'aarch64'] as const;

function decide(call: SimulatedCall['call'], args: SimulatedCall['args'], arch: string): string {
  const known = arch as (typeof architectures)[number];
  return simulate({ builtin: 'default' }, { call, args, arch: known }, { arch: known }).actionText;
}

const refused = `ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd add_key request_key keyctl
  mount umount2 pivot_root chroot fsopen fsmount fsconfig fspick move_mount open_tree mount_setattr
  init_module finit_module delete_module kexec_load reboot swapon swapoff bpf perf_event_open
  userfaultfd io_uring_setup io_uring_enter io_uring_register setns open_by_handle_at acct quotactl
  settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname syslog vhangup
  fanotify_init migrate_pages move_pages process_madvise`;

const allowed = `read write openat close execve execveat wait4 waitid timer_create sched_setaffinity
  mlock memfd_create inotify_init1 splice copy_file_range landlock_restrict_self rseq membarrier
  getrandom statx futex futex_waitv openat2 faccessat2 close_range pidfd_open pidfd_send_signal
  prctl set_robust_list setuid setresuid capset seccomp getdents64 name_to_handle_at mmap brk
  rt_sigaction clock_nanosleep shmget msgget semop mq_open epoll_pwait2 fchmodat2 setgroups`;

const high = 1n << 32n;

/** Calls with arguments: what must pass and what must not, high bits included. */
const cases: readonly [string, readonly (string | bigint | number)[], string][] = [
  ['socket', ['AF_UNIX', 'SOCK_STREAM'], 'allow'],
  ['socket', ['AF_INET', 'SOCK_STREAM'], 'allow'],
  ['socket', ['AF_INET6', 'SOCK_DGRAM'], 'allow'],
  ['socket', ['AF_INET', 0x80802, 'IPPROTO_UDP'], 'allow'],
  ['socket', ['AF_INET6', 'SOCK_DGRAM', 'IPPROTO_ICMPV6'], 'allow'],
  ['socket', ['AF_INET', 'SOCK_STREAM', 'IPPROTO_SCTP'], 'errno(EPROTONOSUPPORT)'],
  ['socket', ['AF_INET', 'SOCK_SEQPACKET', 'IPPROTO_SCTP'], 'errno(EPROTONOSUPPORT)'],
  ['socket', ['AF_INET6', 'SOCK_DCCP', 'IPPROTO_DCCP'], 'errno(EPROTONOSUPPORT)'],
  ['socket', ['AF_INET', 'SOCK_DGRAM', 'IPPROTO_L2TP'], 'errno(EPROTONOSUPPORT)'],
  ['socket', ['AF_INET', 'SOCK_STREAM', high | 132n], 'errno(EPROTONOSUPPORT)'],
  ['socket', ['AF_SMC', 'SOCK_STREAM'], 'errno(EPERM)'],
  ['setsockopt', [0, 6, 31], 'errno(92)'], // ENOPROTOOPT,
  ['setsockopt', [0, 6, 1], 'allow'],
  ['setsockopt', [0, 17, 100], 'errno(92)'], // UDP_ENCAP
  ['setsockopt', [0, 17, high | 100n], 'errno(92)'],
  ['setsockopt', [0, 17, 103], 'allow'], // UDP_SEGMENT
  ['setsockopt', [0, 1, 60], 'errno(92)'], // SO_ZEROCOPY
  ['setsockopt', [0, 1, 100], 'allow'],
  ['setsockopt', [0, 6, 60], 'allow'],
  ['futex_requeue', [], 'errno(ENOSYS)'],
  ['futex_wait', [], 'errno(ENOSYS)'],
  ['futex_wake', [], 'errno(ENOSYS)'],
  ['remap_file_pages', [], 'errno(ENOSYS)'],
  ['mseal', [], 'errno(ENOSYS)'],
  ['cachestat', [], 'errno(ENOSYS)'],
  ['set_mempolicy_home_node', [], 'errno(ENOSYS)'],
  ['sendto', [0, 0, 0, 'MSG_NOSIGNAL'], 'allow'],
  ['sendto', [0, 0, 0, 'MSG_OOB'], 'errno(EOPNOTSUPP)'],
  ['sendmsg', [0, 0, high | 0x4001n], 'errno(EOPNOTSUPP)'],
  ['sendmmsg', [0, 0, 1, 'MSG_OOB'], 'errno(EOPNOTSUPP)'],
  ['sendmmsg', [0, 0, 1, high], 'allow'],
  ['prctl', [78, 2], 'errno(EINVAL)'],
  ['prctl', ['PR_SET_VMA'], 'allow'],
  ['socket', ['AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE'], 'allow'],
  ['socket', ['AF_NETLINK', 'SOCK_RAW', 15], 'errno(EPERM)'],
  ['socket', ['AF_NETLINK', 'SOCK_RAW', high | 15n], 'errno(EPERM)'],
  ['socket', ['AF_VSOCK', 'SOCK_STREAM'], 'errno(EPERM)'],
  ['socket', [high | 40n, 'SOCK_STREAM'], 'errno(EPERM)'],
  ['socket', ['AF_ALG', 'SOCK_SEQPACKET'], 'errno(EPERM)'],
  ['socket', ['AF_PACKET', 'SOCK_RAW'], 'errno(EPERM)'],
  ['socket', ['AF_UNIX', 0x80805], 'allow'], // SOCK_SEQPACKET, close-on-exec and non-blocking
  ['socket', ['AF_UNIX', 'SOCK_DGRAM', 1], 'allow'],
  ['socket', ['AF_UNIX', 'SOCK_STREAM', 2], 'errno(EPERM)'],
  ['socket', ['AF_UNIX', 'SOCK_RDM'], 'errno(EPERM)'],
  ['socketpair', ['AF_UNIX', 'SOCK_STREAM'], 'allow'],
  ['socketpair', ['AF_UNIX', 'SOCK_STREAM', high | 7n], 'errno(EPERM)'],
  ['socketpair', ['AF_TIPC', 'SOCK_STREAM'], 'errno(EPERM)'],
  ['ioctl', [0, 'TCGETS'], 'allow'],
  ['ioctl', [0, 'TIOCSTI'], 'errno(EPERM)'],
  ['ioctl', [0, 'TIOCLINUX'], 'errno(EPERM)'],
  ['ioctl', [0, 'TIOCSETD'], 'errno(EPERM)'],
  ['ioctl', [0, high | 0x5412n], 'errno(EPERM)'],
  ['ioctl', [0, 'TCGETS2'], 'allow'],
  ['ioctl', [0, 'TIOCGPTPEER'], 'allow'],
  ['ioctl', [0, 'TIOCSPTLCK'], 'allow'],
  ['ioctl', [0, high | 0x5401n], 'allow'],
  ['ioctl', [0, 'FIONBIO'], 'allow'],
  ['ioctl', [0, 'FIOASYNC'], 'allow'],
  ['ioctl', [0, 'FICLONE'], 'allow'],
  ['ioctl', [0, 'FS_IOC_FIEMAP'], 'allow'],
  ['ioctl', [0, 'SIOCGIFCONF'], 'allow'],
  ['ioctl', [0, 'SIOCGIFMTU'], 'allow'],
  ['ioctl', [0, 'FS_IOC_SETFLAGS'], 'errno(EPERM)'],
  ['ioctl', [0, 'SIOCGIFBR'], 'errno(ENOTTY)'], // loads bridge
  ['ioctl', [0, 'SIOCGIFVLAN'], 'errno(ENOTTY)'], // loads 8021q
  ['ioctl', [0, 'NS_GET_USERNS'], 'errno(ENOTTY)'],
  ['ioctl', [0, 'TIOCCONS'], 'errno(ENOTTY)'],
  ['ioctl', [0, 0x5453], 'errno(ENOTTY)'],
  ['ioctl', [0, 0x400454ca], 'errno(ENOTTY)'], // TUNSETIFF, of type 'T' as a terminal's
  ['ioctl', [0, 0x50009401], 'errno(ENOTTY)'], // BTRFS_IOC_SNAP_CREATE
  ['ioctl', [0, high | 0x8940n], 'errno(ENOTTY)'],
  ['clone', [0x0100_0011], 'allow'],
  ['clone', ['CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD'], 'allow'],
  ['clone', ['CLONE_NEWUSER'], 'errno(EPERM)'],
  ['clone', ['CLONE_NEWNET|CLONE_VM'], 'errno(EPERM)'],
  ['clone', [high | 0x2000_0000n], 'errno(EPERM)'],
  ['unshare', ['CLONE_FS'], 'allow'],
  ['unshare', ['CLONE_NEWNS'], 'errno(EPERM)'],
  ['unshare', ['CLONE_NEWTIME'], 'errno(EPERM)'],
  ['personality', [0], 'allow'],
  ['personality', [0xffff_ffff], 'allow'],
  ['personality', ['READ_IMPLIES_EXEC'], 'errno(EPERM)'],
  ['prctl', ['PR_SET_NAME'], 'allow'],
  ['prctl', ['PR_SET_MM'], 'errno(EPERM)'],
  ['seccomp', [1, 0], 'allow'],
  ['seccomp', [1, 8], 'errno(EPERM)'],
];

describe.each(architectures)('the default policy on %s', (arch) => {
  it('refuses what it must', () => {
    const wrong = refused.split(/\s+/).filter((call) => decide(call, [], arch) !== 'errno(EPERM)');
    expect(wrong).toEqual([]);
  });

  it('leaves alone what ordinary programs use', () => {
    const wrong = allowed.split(/\s+/).filter((call) => decide(call, [], arch) !== 'allow');
    expect(wrong).toEqual([]);
  });

  it('tells programs that clone3, and calls newer than itself, are missing', () => {
    expect(decide('clone3', [], arch)).toBe('errno(ENOSYS)');
    for (const number of [3000, 0x3fff_ffff])
      expect(decide(number, [], arch)).toBe('errno(ENOSYS)');
  });

  it('judges arguments, whatever is in their upper halves', () => {
    const found = cases.map(([call, args]) => [call, args, decide(call, args, arch)]);
    expect(found).toEqual(cases);
  });
});

describe('the default policy', () => {
  it('kills x32 on x86_64', () => {
    expect(decide(0x4000_0000, [], 'x86_64')).toBe('kill_process');
    expect(decide(0x4000_0000 + 520, [], 'x86_64')).toBe('kill_process');
  });

  it('stays small, and lets the kernel remember most of what is hot', () => {
    const { instructions, figures, diagnostics } = compilePolicy({ builtin: 'default' });
    expect(diagnostics).toEqual([]);
    expect(instructions).toBeLessThanOrEqual(276);
    expect(figures.mean).toBeLessThanOrEqual(10);
    expect(figures.cacheable).toBeGreaterThanOrEqual(273);
  });
});
