/**
 * Stage: spec. What of the host every sandbox shows, read-only, each with its reason. Every mount
 * costs about 7 µs of start-up, so the list is short; what does not exist here is left out.
 *
 * Directories only that hold no secrets and no sockets: a read-only mount does not stop connect(2).
 */

export interface SystemPlace {
  readonly path: string;
  readonly reason: string;
}

/** Shown as on the host: a symlink stays a symlink (merged /usr), a directory is mounted. */
export const systemPlaces: readonly SystemPlace[] = [
  { path: '/usr', reason: 'programs, libraries and their data' },
  { path: '/bin', reason: 'programs; a link into /usr where that is merged' },
  { path: '/sbin', reason: 'programs; a link into /usr where that is merged' },
  { path: '/lib', reason: 'libraries; a link into /usr where that is merged' },
  { path: '/lib32', reason: 'libraries of 32-bit programs' },
  { path: '/lib64', reason: 'the dynamic loader of 64-bit programs' },
  { path: '/libx32', reason: 'libraries of x32 programs' },
  { path: '/usr/local', reason: 'leads to /var on image-based systems' },
  { path: '/etc', reason: 'system configuration; what is secret there only root can read' },
  { path: '/nix/store', reason: 'all programs of Nix' },
  { path: '/nix/var/nix/profiles', reason: 'what a Nix PATH leads to (not the daemon’s socket)' },
  { path: '/run/current-system', reason: 'what the PATH of NixOS leads to' },
  { path: '/gnu/store', reason: 'all programs of Guix' },
  { path: '/var/guix/profiles', reason: 'what a Guix PATH leads to' },
  { path: '/var/lib/dpkg', reason: 'dpkg -S, dpkg-query and build tools that ask them' },
  { path: '/var/cache/fontconfig', reason: 'else each program with fonts scans them for seconds' },
  { path: '/var/lib/texmf', reason: 'TeX finds its formats and maps here' },
  { path: '/var/lib/ca-certificates', reason: 'where SUSE’s /etc/ssl/certs leads to' },
  {
    path: '/sys/devices/system/cpu',
    reason: 'how many processors there are (nproc, libc, OpenMP)',
  },
  { path: '/sys/devices/system/node', reason: 'NUMA layout, read by allocators and databases' },
];

/** Empty, writable and shared with nobody. */
export const privatePlaces: readonly { readonly path: string; readonly mode: number }[] = [
  { path: '/tmp', mode: 0o1777 },
  { path: '/var/tmp', mode: 0o1777 },
  { path: '/dev/shm', mode: 0o1777 },
];

export const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const;

/** Links in /dev, as every Linux system has them. */
export const deviceLinks: readonly (readonly [name: string, to: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
];

/** Where scripts from stdin and from `-c` appear inside. */
export const ownDirectory = '/run/wasbox';

/** Used where nothing of the user's PATH exists inside. */
export const fallbackPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Limits that hold unless an option says otherwise. */
export const defaultLimits = {
  processes: 512,
  openFiles: 4096,
  privateBytes: 1024 ** 3,
  privateInodes: 200_000,
} as const;

/** Longest script that is taken from stdin or copied into the sandbox, in bytes. */
export const scriptLimit = 64 * 1024 * 1024;
