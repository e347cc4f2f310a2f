/**
 * Lists the ioctl requests that are worth a name: those of terminals, sockets, block devices, file systems and the
 * kernel's own descriptors. Drivers for single devices (consoles, graphics, sound, video, KVM, VFIO, USB …) are left
 * out: their numbers can be written as numbers, and names take up room.
 */

const LINUX_HEADERS = (
  'blkpg blkzoned fiemap fs fscrypt fsverity fuse if_tun loop nsfs perf_event pidfd random ' +
  'seccomp serial sockios tiocl tty userfaultfd'
).split(' ');

export const IOCTL_HEADERS = [
  'asm/ioctls.h',
  'asm/termbits.h',
  'asm/termios.h',
  'asm/sockios.h',
  ...LINUX_HEADERS.map((name) => `linux/${name}.h`),
];

/** Names of the requests, by header. */
const REQUESTS = [
  [/asm[^/]*\/(ioctls|termios)\.h$/, /^(TC|TIOC|FIO)[A-Z0-9]+$/],
  [/linux\/fs\.h$/, /^(BLK[A-Z0-9]+|FI[A-Z]+|FS_IOC\w*|PAGEMAP_SCAN|PROCMAP_QUERY)$/],
  [/sockios\.h$/, /^(SIOC[A-Z0-9_]+|FIOSETOWN|FIOGETOWN)$/],
  [/linux\/loop\.h$/, /^LOOP_(?!SET_FD_|FLAG)[A-Z_]+$/],
  [/linux\/random\.h$/, /^RND[A-Z]+$/],
  [/linux\/fuse\.h$/, /^FUSE_DEV_IOC_/],
  [
    /linux\/userfaultfd\.h$/,
    /^(UFFDIO_(API|REGISTER|UNREGISTER|WAKE|COPY|ZEROPAGE|MOVE|WRITEPROTECT|CONTINUE|POISON)|USERFAULTFD_IOC_NEW)$/,
  ],
  [/linux\/seccomp\.h$/, /^SECCOMP_IOCTL_NOTIF_/],
  [/linux\/nsfs\.h$/, /^NS_(GET|MNT_GET)_/],
  [/linux\/perf_event\.h$/, /^PERF_EVENT_IOC_[A-Z_]+$/],
  [/linux\/pidfd\.h$/, /^PIDFD_GET_/],
  [/linux\/if_tun\.h$/, /^TUN(SET|GET|ATTACH|DETACH)[A-Z0-9]+$/],
  [/linux\/(fscrypt|fsverity|fiemap)\.h$/, /^FS_IOC_/],
  [/linux\/(blkzoned|blkpg)\.h$/, /^BLK[A-Z]+$/],
];

/** Returns whether a macro of this header is an ioctl request, judged by its name. */
export function isIoctl(name, file) {
  return REQUESTS.some(([header, names]) => header.test(file) && names.test(name));
}
