/**
 * Shows what every sandbox has beside the host's directories (those are in visibility.ts):
 * devices, limits, and places of wasbox's own.
 */

export const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const;

/** Links in /dev, as every Linux system has them. */
export const deviceLinks: readonly (readonly [name: string, to: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
];

/**
 * Links in /run: screen(1) keeps its sockets there, in a directory that its users share and that an
 * administrator makes. It has to be writable by all, as /tmp is.
 */
export const runLinks: readonly (readonly [path: string, to: string])[] = [['/run/screen', '/tmp']];

/**
 * The names of /proc that are read-only, whatever the payload's ids are: what is not about a process and can be written
 * to, and init's part. Every user may write to /proc/pressure. To the root of a user namespace belong parts of
 * /proc/sys, and all processes of it that are not dumpable, as init is: proc(5), "/proc/pid".
 */
export const sealedNames: readonly string[] = [
  '1',
  'sys',
  'sysrq-trigger',
  'pressure',
  'irq',
  'bus',
  'fs',
];

/** The names of /proc that cannot be read: the names of the user's keys, which no namespace divides. keyrings(7) */
export const hiddenNames: readonly string[] = ['keys', 'key-users'];

/** The sandbox's own host name. */
export const hostName = 'wasbox';

/** Where scripts from stdin and from `-c` appear inside. */
export const ownDirectory = '/run/wasbox';

/** The PATH where nothing of the user's exists inside. */
export const fallbackPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Limits that hold unless an option says otherwise. */
export const defaultLimits = {
  graceMs: 2000,
  processes: 512,
  openFiles: 4096,
  diskBytes: 10 * 1024 ** 3,
  inodes: 1_000_000,
  privateBytes: 1024 ** 3,
  privateInodes: 200_000,
} as const;

/** Longest script that is taken from stdin or copied into the sandbox, in bytes: a plan holds no more (wire.h). */
export const scriptLimit = 8 * 1024 * 1024;
