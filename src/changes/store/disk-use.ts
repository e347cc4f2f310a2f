/**
 * The disk space of all saved runs, without reading each: a file in the state directory has the time and
 * the result of the last full count, and a line for each run saved since. The sum can be too high (a run
 * was discarded since) or too low (two processes wrote at once); the next full count corrects it. A
 * missing or damaged file leads to a full count. After some lines they become one with their sum, so
 * that the end of a run takes no longer the more of them there were.
 *
 *     1 1795694400000 1234567     format, milliseconds since 1970, bytes
 *     8192                        bytes of runs that were saved since
 */

import { constants, openSync, readFileSync, writeSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import { at, errnoOf, openRoot, openToRead, withFd } from '../files/fdtree.js';
import { writeWhole } from './record.js';
import type { Store } from './state-dir.js';

const diskUseName = Buffer.from('tally');
/** A longer file leads to a full count. */
const maxBytes = 65_536;
const maxLines = 32;

export interface DiskUse {
  /** Time of the last full count; milliseconds since 1970. */
  readonly lookedMs: number;
  /** Disk space of all saved runs at that time. */
  readonly bytes: number;
  /** Disk space of the runs saved since. */
  readonly added: number;
  /** Lines that `added` is the sum of. */
  readonly lines: number;
}

const inState = <T>(store: Store, use: (state: number) => T): T =>
  withFd(openRoot(store.native, store.directory), use);

/** Parses the file; undefined where it is damaged, or of another version. */
export function parseDiskUse(text: string): DiskUse | undefined {
  const [head = '', ...lines] = text.split('\n');
  const match = /^1 (\d{1,15}) (\d{1,15})$/.exec(head);
  // The last line is incomplete if the disk was full.
  if (match === null || lines.pop() !== '' || text.length > maxBytes) return undefined;
  if (!lines.every((line) => /^\d{1,15}$/.test(line))) return undefined;
  const added = lines.reduce((sum, line) => sum + Number(line), 0);
  return { lookedMs: Number(match[1]), bytes: Number(match[2]), added, lines: lines.length };
}

export function readDiskUse(store: Store): DiskUse | undefined {
  try {
    const text = inState(store, (state) =>
      withFd(openToRead(store.native, state, diskUseName), (fd) => readFileSync(fd, 'latin1')),
    );
    return parseDiskUse(text);
  } catch (error) {
    errnoOf(error); // missing or unreadable: leads to a full count
    return undefined;
  }
}

/** Adds the bytes of a run to what `use` says. */
export function addDiskUse(store: Store, use: DiskUse, bytes: number): void {
  if (use.lines >= maxLines) {
    writeDiskUse(store, use.lookedMs, use.bytes, use.added + bytes);
    return;
  }
  const flags =
    constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    const fd = inState(store, (state) => openSync(at(state, diskUseName), flags));
    try {
      writeSync(fd, `${Math.round(bytes)}\n`);
    } finally {
      closeDescriptor(fd);
    }
  } catch (error) {
    errnoOf(error); // removed meanwhile, or the disk is full: the next run counts all
  }
}

export function writeDiskUse(store: Store, lookedMs: number, bytes: number, added = 0): void {
  const since = added === 0 ? '' : `${Math.round(added)}\n`;
  const text = `1 ${Math.round(lookedMs)} ${Math.round(bytes)}\n${since}`;
  try {
    inState(store, (state) => writeWhole(store.native, state, diskUseName, text, false));
  } catch (error) {
    errnoOf(error); // the next run counts again
  }
}
