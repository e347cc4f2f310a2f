/**
 * Entries on disk: one file a start, in `plans` in wasbox's state directory. That
 * directory is never shown to a sandbox, as a cache directory may be (`--rw ~/.cache`): what lies here
 * is carried out. Nothing here is worth an error: without an entry the next start takes longer.
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { randomBelow } from '../host/index.js';

const entryLimit = 256;
/** The limit of all entries together; addon/fastpath/entry.c has the same limits. */
const bytesLimit = 8 * 1024 * 1024;
const entryName = /^[0-9a-f]{16}$/;

/** Opens the directory of entries; undefined where it is not the user's own. */
function openPlans(state: string): number | undefined {
  const path = join(state, 'plans');
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch {
    // It is there, or what comes next fails as well.
  }
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const { uid, mode } = fstatSync(fd);
  if (uid === process.geteuid?.() && (mode & 0o077) === 0) return fd;
  closeSync(fd);
  return undefined;
}

/** Room for one more: the oldest half goes when there are too many, or all take too much. */
function makeRoom(directory: string): void {
  const aged = readdirSync(directory).map((name) => {
    const path = join(directory, name);
    const info = statSync(path, { throwIfNoEntry: false });
    return { path, at: info?.mtimeMs ?? 0, bytes: info?.size ?? 0 };
  });
  let bytes = aged.reduce((sum, entry) => sum + entry.bytes, 0);
  let count = aged.length;
  if (count < entryLimit && bytes < bytesLimit) return;
  aged.sort((a, b) => a.at - b.at);
  for (const entry of aged) {
    if (count <= entryLimit / 2 && bytes <= bytesLimit / 2) return;
    unlinkSync(entry.path);
    count--;
    bytes -= entry.bytes;
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

/** Puts an entry in place, whole or not at all. */
function place(directory: string, name: string, bytes: Uint8Array): void {
  const temporary = join(directory, `.${name}.${process.pid}-${randomBelow(2 ** 32)}`);
  const fd = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    writeAll(fd, bytes);
    renameSync(temporary, join(directory, name));
  } catch (error) {
    unlinkSync(temporary); // the disk is full, or the like
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Saves an entry; says whether it could. `state` is wasbox's state directory. */
export function saveEntry(state: string, name: string, bytes: Uint8Array): boolean {
  if (!entryName.test(name)) return false;
  let plans: number | undefined;
  try {
    plans = openPlans(state);
    if (plans === undefined) return false;
    const directory = `/proc/self/fd/${plans}`;
    makeRoom(directory);
    place(directory, name, bytes);
    return true;
  } catch {
    return false;
  } finally {
    if (plans !== undefined) closeSync(plans);
  }
}
