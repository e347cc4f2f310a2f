/** Oracles: what the host looks like. A claim is checked here, never by what a payload prints. */

import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

export interface TreeEntry {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly mode: number;
  /** Hash of a file's content, or a symlink's target. */
  readonly content: string;
}

/** Names in a directory; none where it is closed, as overlayfs leaves its work/work to a user. */
function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(directory).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return [];
  }
}

/** Every entry below a directory, sorted by path; nothing is followed. */
export function listTree(directory: string, skip: (path: string) => boolean = () => false) {
  const entries: TreeEntry[] = [];
  const visit = (relative: string): void => {
    for (const name of namesIn(join(directory, relative))) {
      const path = relative === '' ? name : `${relative}/${name}`;
      if (skip(path)) continue;
      const full = join(directory, path);
      const stats = fs.lstatSync(full);
      const mode = stats.mode & 0o7777;
      if (stats.isDirectory()) {
        entries.push({ path, kind: 'directory', mode, content: '' });
        visit(path);
      } else if (stats.isSymbolicLink()) {
        entries.push({ path, kind: 'symlink', mode, content: fs.readlinkSync(full) });
      } else if (stats.isFile()) {
        const content = createHash('sha256').update(fs.readFileSync(full)).digest('hex');
        entries.push({ path, kind: 'file', mode, content });
      } else {
        entries.push({ path, kind: 'other', mode, content: '' });
      }
    }
  };
  visit('');
  return entries;
}

/** One hash for a whole tree, names, modes and contents together. */
export function treeDigest(directory: string, skip?: (path: string) => boolean): string {
  return createHash('sha256')
    .update(JSON.stringify(listTree(directory, skip)))
    .digest('hex');
}

const processIds = (): string[] => fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));

function readOr(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended meanwhile, or is another user's
  }
}

/** Pids of living processes whose command line has the marker as part of an argument. */
export function processesWith(marker: string): number[] {
  return processIds()
    .filter((pid) => Number(pid) !== process.pid)
    .filter((pid) => readOr(`/proc/${pid}/cmdline`).includes(marker))
    .filter((pid) => !/^State:\s+[ZX]/m.test(readOr(`/proc/${pid}/status`)))
    .map(Number);
}

/** Parent pid, or 0 where the process is gone. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** All descendants of a process that are alive now. */
export function descendantsOf(pid: number): number[] {
  const parents = new Map(processIds().map((id) => [Number(id), parentOf(Number(id))] as const));
  const found: number[] = [];
  const queue = [pid];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const [child, parent] of parents) {
      if (parent === next) {
        found.push(child);
        queue.push(child);
      }
    }
  }
  return found;
}

export function isAlive(pid: number): boolean {
  const state = /^State:\s+(\S)/m.exec(readOr(`/proc/${pid}/status`))?.[1];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** The host's mounts without their ids, which other programs move. */
export function mountTable(): string[] {
  return readOr('/proc/self/mountinfo')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').slice(2).join(' '))
    .sort();
}

/** Mounts that concern a path, for tests that share the machine with others. */
export function mountsNaming(text: string): string[] {
  return mountTable().filter((line) => line.includes(text));
}

/** Stops a process, and waits until it has. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP');
  const stopped = () => /\) T /.test(fs.readFileSync(`/proc/${child.pid}/stat`, 'latin1'));
  if (!(await eventually(stopped))) throw new Error(`process ${child.pid} does not stop`);
}

/** Polls until the condition holds; false when the time is over, which is ample for a busy machine. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 120_000,
): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Tries what is to happen while a limit of time runs that is measured itself, with ever longer limits, until `inTime`
 * says that it did; the last result counts whatever it says.
 */
export async function withSeconds<T>(
  attempt: (seconds: number) => Promise<T>,
  inTime: (result: T) => boolean,
  tries: readonly number[] = [3, 12, 48],
): Promise<T> {
  const [seconds = 0, ...more] = tries;
  const result = await attempt(seconds);
  return inTime(result) || more.length === 0 ? result : withSeconds(attempt, inTime, more);
}

let markerCount = 0;

/** Text that occurs nowhere else on the machine, for command lines and file names. */
export function uniqueMarker(): string {
  markerCount += 1;
  return `wb${process.pid.toString(36)}x${Date.now().toString(36)}x${markerCount}`;
}

/** An IPv4 address of this machine that is not its loopback. */
export function ownAddress(): string {
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (own === undefined) {
    throw new Error('this test needs an IPv4 address of this machine beside the loopback');
  }
  return own;
}
