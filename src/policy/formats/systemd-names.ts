/** Names that systemd has for groups and architectures. */

/** The sets of systemd; the policy language has a few more. */
export const groupNames: ReadonlySet<string> = new Set(
  `aio basic-io chown clock cpu-emulation debug default file-system io-event ipc keyring known memlock module
  mount network-io obsolete pkey privileged process raw-io reboot resources sandbox setuid signal swap sync
  system-service timer`.split(/\s+/),
);

/** Calls that systemd 257 does not know; the groups here have some of them, as those of newer ones do. */
const newerCalls = ['fchroot', 'listns', 'open_tree_attr', 'rseq_slice_yield', 'uprobe'];

/**
 * Calls that x86_64 has only a number for, and those that systemd does not know: where a list allows,
 * systemd says that they are missing.
 */
export const missingCalls: readonly string[] = [
  ...`_sysctl afs_syscall create_module get_kernel_syms getpmsg nfsservctl putpmsg query_module security tuxcall
  uselib vserver`.split(/\s+/),
  ...newerCalls,
];

/** Calls that are not in @known. */
export const notKnown: ReadonlySet<string> = new Set(['nfsservctl', ...newerCalls]);

export const architectureNames: Readonly<Record<string, string>> = {
  'x86-64': 'x86_64',
  x86: 'i386',
  x32: 'x32',
  arm64: 'aarch64',
  arm: 'arm',
  riscv64: 'riscv64',
  'ppc64-le': 'ppc64le',
  s390x: 's390x',
  'mips64-le': 'mips64el',
  loongarch64: 'loongarch64',
};
