/**
 * How much the saved runs take, without looking at them: a file in the state directory
 * says when all were looked at and what they took, and each run that is saved adds a line. It may say
 * too much (of a run that was dropped since), which leads to a look, and where two processes write at
 * once too little, until the next day's. A file that is missing or damaged leads to a look.
 *
 *     1 1795694400000 1234567     format, milliseconds since 1970, bytes
 *     8192                        bytes of a run that was saved since
 */
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { at, errnoOf, openRoot, openToRead, withFd } from '../files/fdtree.js';
import { writeWhole } from './record.js';
import type { Store } from './state-dir.js';

const diskUseName = Buffer.from('tally');
/** With more lines than that they are looked at, and it is written anew. */
const maxBytes = 65_536;

export interface DiskUse {
  /** When all were looked at; milliseconds since 1970. */
  readonly lookedMs: number;
  /** What they took on disk then. */
  readonly bytes: number;
  /** What was saved since. */
  readonly added: number;
}

const inState = <T>(store: Store, use: (state: number) => T): T =>
  withFd(openRoot(store.native, store.directory), use);

/** Parses the file; undefined where it is damaged, or of another version. */
export function parseDiskUse(text: string): DiskUse | undefined {
  const [head = '', ...lines] = text.split('\n');
  const match = /^1 (\d{1,15}) (\d{1,15})$/.exec(head);
  // Cut short where the disk was full.
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
    errnoOf(error); // not there, or nothing of use: they are looked at
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
      closeSync(fd);
    }
  } catch (error) {
    errnoOf(error); // removed meanwhile, or a full disk: the next run looks at all
  }
}

export function writeDiskUse(store: Store, lookedMs: number, bytes: number): void {
  const text = `1 ${Math.round(lookedMs)} ${Math.round(bytes)}\n`;
  try {
    inState(store, (state) => writeWhole(store.native, state, diskUseName, text, false));
  } catch (error) {
    errnoOf(error); // the next run looks again
  }
}
