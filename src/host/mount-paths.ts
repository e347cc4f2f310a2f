/**
 * Finds under which paths one directory of the host appears: bind mounts and further mounts of its file system, from
 * /proc/self/mountinfo (proc_pid_mountinfo(5)).
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { MountPaths, ProcMounts } from './interface.js';
import { isWithin } from './path.js';

const O_PATH = 0x200000;

interface MountLine {
  readonly id: string;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** Path of what is mounted in its file system, and where it is seen. */
  readonly root: string;
  readonly point: string;
}

/** Blanks and backslashes are written as octal bytes. */
const unescaped = (text: string): string =>
  text.includes('\\')
    ? text.replace(/\\([0-7]{3})/g, (_all, code: string) =>
        String.fromCharCode(Number.parseInt(code, 8)),
      )
    : text;

export function parseMounts(text: string): MountLine[] {
  return text.split('\n').flatMap((line) => {
    const [id, , device, root, point] = line.split(' ');
    if (id === undefined || device === undefined || root === undefined || point === undefined) {
      return [];
    }
    return [{ id, device, root: unescaped(root), point: unescaped(point) }];
  });
}

/** Device, root and mount point of the lines. */
const shortened = (lines: readonly string[]): string =>
  lines.map((line) => `${line.split(' ').slice(2, 5).join(' ')}\n`).join('');

/** The lines of one file system. */
const linesOf = (text: string, device: string): string[] =>
  text.split('\n').filter((line) => line.includes(device) && line.split(' ')[2] === device);

/** The line of a mount's id. */
function mountOf(text: string, id: string): MountLine | undefined {
  const first = text.startsWith(`${id} `);
  const at = first ? 0 : text.indexOf(`\n${id} `) + 1;
  if (at === 0 && !first) return undefined;
  const end = text.indexOf('\n', at);
  return parseMounts(text.slice(at, end < 0 ? text.length : end))[0];
}

/** Each mount of proc(5) is a file system of its own, since Linux 5.8. */
export function procMountsFrom(text: string): ProcMounts {
  const type = 'proc';
  const own = text
    .split('\n')
    .filter((line) => line.includes(` - ${type} `) && line.split(' - ')[1]?.startsWith(`${type} `));
  const points = parseMounts(own.join('\n')).map(({ point }) => point);
  return { points: [...new Set(points)], seen: { device: type, lines: shortened(own) } };
}

/** Opens a directory, or the nearest above it that is there. */
function openNearest(path: string): { readonly fd: number; readonly path: string } | undefined {
  for (let at = path; ; at = dirname(at)) {
    try {
      return { fd: openSync(at, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW), path: at };
    } catch {
      if (at === '/') return undefined;
    }
  }
}

/** The id of the mount that an open file lies on: not to be had from its path, which may be mounted over. */
function mountIdOf(fd: number): string | undefined {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
}

/** @param directory absolute, without symbolic links; it need not be there */
export function mountPathsOf(
  directory: string,
  text: string = readFileSync('/proc/self/mountinfo', 'utf8'),
): MountPaths {
  const nearest = openNearest(directory);
  if (nearest === undefined) return mountPathsFrom(directory, text, undefined);
  try {
    return mountPathsFrom(directory, text, { path: nearest.path, mountId: mountIdOf(nearest.fd) });
  } finally {
    closeSync(nearest.fd);
  }
}

/** A directory that exists, and the id of the mount that it is on, as mountinfo has it. */
export interface NearestMount {
  readonly path: string;
  readonly mountId: string | undefined;
}

/**
 * @param text of /proc/self/mountinfo
 * @param nearest the directory itself, or the nearest above it that exists
 */
export function mountPathsFrom(
  directory: string,
  text: string,
  nearest: NearestMount | undefined,
): MountPaths {
  const none = { whole: [directory], parts: [], seen: undefined };
  if (nearest?.mountId === undefined) return none;
  const own = mountOf(text, nearest.mountId);
  // Names do not say where it is, as below a chroot.
  if (own === undefined || !isWithin(nearest.path, own.point)) return none;
  const inside = join(own.root, directory.slice(own.point === '/' ? 0 : own.point.length));
  const lines = linesOf(text, own.device);
  const same = parseMounts(lines.join('\n'));
  const whole = same
    .filter(({ root }) => isWithin(inside, root))
    .map(({ root, point }) => join(point, inside.slice(root === '/' ? 0 : root.length)));
  const parts = same
    .filter(({ root }) => root !== inside && isWithin(root, inside))
    .map(({ point }) => point);
  const seen = { device: own.device, lines: shortened(lines) };
  return { whole: [...new Set([directory, ...whole])], parts: [...new Set(parts)], seen };
}
