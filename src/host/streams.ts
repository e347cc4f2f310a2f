/** Finds what the descriptors lead to that become the payload's standard streams. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { StreamKind, Terminals } from './interface.js';

/** Descriptors of this process that become 0, 1 and 2 of the payload. */
export type Stdio = readonly [number, number, number];

/** Character devices that are not terminals: null, zero, full, random (mem(4)). */
const memoryDevices = 1;

/** The native command tells the same kinds apart (addon/fastpath/recorded_reads.c). */
export function streamKind(fd: number): StreamKind {
  const stat = fstatSync(fd);
  if (stat.isFile()) return isGivenAway(fd, stat.nlink) ? 'file' : 'read-only-file';
  if (stat.isFIFO()) return 'pipe';
  if (stat.isSocket()) return 'socket';
  if (!stat.isCharacterDevice()) return 'other';
  return Math.floor(stat.rdev / 256) % 4096 === memoryDevices ? 'memory-device' : 'terminal';
}

/**
 * Returns whether a file's mode could be changed through the descriptor: init opens a file that was opened for
 * reading once more, through a read-only mount, unless it has no name to find it by.
 */
function isGivenAway(fd: number, links: number): boolean {
  if (links === 0) return true;
  // proc_pid_fdinfo(5): open flags in octal; the lowest two bits are the access mode, 0 for reading.
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  return !/^flags:\s+[0-7]*[04]$/m.test(info);
}

/** Loads node:tty, which takes a while: only asked where there are questions. */
export function terminalsOf([stdin, stdout, stderr]: Stdio): Terminals {
  const { isatty } = process.getBuiltinModule('node:tty');
  return {
    streams: [isatty(stdin), isatty(stdout), isatty(stderr)],
    controlling: hasControlling(),
  };
}

function hasControlling(): boolean {
  const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;
  try {
    closeSync(openSync('/dev/tty', flags));
    return true;
  } catch {
    return false;
  }
}
