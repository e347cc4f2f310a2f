/**
 * The programs that behave otherwise with Landlock isolation than outside, by name, and why. The test fails where one of
 * them works, so that the list stays true. docs/pages/guide/containers.md says how many there are.
 */

const loopback = 'there is no loopback without a network namespace';
const tmp = '/tmp is closed, and it does not ask TMPDIR';

export const otherwiseWithLandlock: Readonly<Record<string, string>> = {
  'curl to a server inside': loopback,
  netcat: loopback,
  'node http and fetch on localhost': loopback,
  'perl UDP and IPv6 loopback': loopback,
  'python asyncio and subprocess': loopback,
  ruby: loopback,
  socat: loopback,
  'tmux refuses or works without a terminal': 'there are no UNIX sockets but connected pairs',
  cpio: tmp,
  'diff, patch, cmp, ed': tmp,
  'python multiprocessing':
    'POSIX semaphores need /dev/shm, which all programs of the machine share',
  'setfattr, xattr of user namespace by python': 'there are no extended attributes',
};
