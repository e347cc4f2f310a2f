/**
 * The disk space of all saved runs, without reading each: a file in the state directory has the time and
 * the result of the last full count, and a line for each run saved since. The sum can be too high (a run
 * was discarded since) or too low (two processes wrote at once); the next full count corrects it. A
 * missing or damaged file leads to a full count.
 *
 *     1 1795694400000 1234567     format, milliseconds since 1970, bytes
 *     8192                        bytes of a run that was saved since
 */

import { constants, openSync, readFileSync, writeSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import { at, errnoOf, openRoot, openToRead, withFd } from '../files/fdtree.js';
import { writeWhole } from './record.js';
import type { Store } from './state-dir.js';

const diskUseName = Buffer.from('tally');
/** A longer file leads to a full count. */
const maxBytes = 65_536;

export interface DiskUse {
  /** Time of the last full count; milliseconds since 1970. */
  readonly lookedMs: number;
  /** Disk space of all saved runs at that time. */
  readonly bytes: number;
  /** Disk space of the runs saved since. */
  readonly added: number;
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
  return { lookedMs: Number(match[1]), bytes: Number(match[2]), added };
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

export function addDiskUse(store: Store, bytes: number): void {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;
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

export function writeDiskUse(store: Store, lookedMs: number, bytes: number): void {
  const text = `1 ${Math.round(lookedMs)} ${Math.round(bytes)}\n`;
  try {
    inState(store, (state) => writeWhole(store.native, state, diskUseName, text, false));
  } catch (error) {
    errnoOf(error); // the next run counts again
  }
}
