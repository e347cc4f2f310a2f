/** Where `--report` and `--html` write to: an open descriptor, or a file. */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { UsageError } from '../errors/index.js';
import { isWithin } from '../host/index.js';
import type { Native } from '../native/index.js';

export interface Sink {
  readonly fd: number;
  close(): void;
}

/** openat2(2): RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH. */
const strict = 0x02 | 0x04 | 0x08;

/** Opened without O_TRUNC, and without waiting for a FIFO's reader: it is looked at first. */
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;

function refuse(named: string, why: string, cause?: unknown): UsageError {
  return new UsageError('ERR_OPTION_VALUE', `${named}: ${why}`, {
    hint: 'Use a file in an existing directory of yours, or an open descriptor.',
    cause,
  });
}

interface Descriptor {
  /** The target, as /proc names it: a path, `pipe:[N]`, `anon_inode:…`. */
  readonly target: string;
  readonly writable: boolean;
}

function lookAt(fd: number | string): Descriptor | undefined {
  try {
    // proc_pid_fdinfo(5): open flags in octal; the lowest two bits are the access mode.
    const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    const flags = Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(info)?.[1] ?? '0', 8);
    return { target: readlinkSync(`/proc/self/fd/${fd}`), writable: (flags & 3) !== 0 };
  } catch {
    return undefined; // closed, or closed meanwhile
  }
}

/**
 * Returns whether a descriptor is the caller's. Node has some of its own with low numbers, too (event loops,
 * memory, pipes to itself), and to write to these would break it.
 */
function isCallers(fd: number): boolean {
  const own = lookAt(fd);
  if (own === undefined || !own.writable) return false;
  if (own.target.startsWith('anon_inode:') || own.target.startsWith('/memfd:')) return false;
  if (!own.target.startsWith('pipe:')) return true;
  const others = readdirSync('/proc/self/fd').map(lookAt);
  return !others.some((other) => other?.target === own.target && !other.writable);
}

/**
 * Opens a file that the code may write to, as untrusted: a link or a second name planted there must not turn the
 * report into something that overwrites another file.
 */
function openStrictly(
  native: Pick<Native, 'openat2'>,
  option: string,
  sink: string,
  untrusted: readonly string[],
): number {
  // The name is tried as it was written first, so that a link on the way is noticed, not resolved.
  const names = [resolve(sink), join(realpathSync(dirname(sink)), basename(sink))];
  const found = untrusted.flatMap((top) => names.map((name) => ({ top, name })));
  const place = found.find(({ top, name }) => isWithin(name, top));
  if (place === undefined) return openSync(sink, flags, 0o644);
  const directory = openSync(place.top, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const name = relative(place.top, place.name);
    const fd = native.openat2(directory, name, flags, 0o644, strict);
    if (fstatSync(fd).nlink > 1) {
      closeSync(fd);
      throw refuse(
        `${option} ${sink}`,
        'the file has another name (hard link), which would be overwritten too',
      );
    }
    return fd;
  } finally {
    closeSync(directory);
  }
}

/**
 * Opens the report's file before anything starts, so that a wrong name costs no run.
 * @param untrusted canonical paths of the directories whose links are not followed
 * @throws UsageError where it cannot be written to
 */
export function openSink(
  native: Pick<Native, 'openat2'>,
  option: string,
  sink: string | number | undefined,
  untrusted: readonly string[],
): Sink | undefined {
  if (sink === undefined) return undefined;
  if (typeof sink === 'number') {
    if (!isCallers(sink))
      throw refuse(`${option} ${sink}`, 'that descriptor is not open for writing');
    return { fd: sink, close: () => {} };
  }
  let fd: number;
  try {
    fd = openStrictly(native, option, sink, untrusted);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const link = code === 'ELOOP' || code === 'EXDEV';
    throw refuse(
      `${option} ${sink}`,
      link ? 'the path contains a symbolic link' : `can't open it (${code})`,
      cause,
    );
  }
  if (fstatSync(fd).isFile()) ftruncateSync(fd);
  return { fd, close: () => closeSync(fd) };
}
