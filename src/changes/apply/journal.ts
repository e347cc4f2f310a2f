/**
 * A write-ahead journal of what `apply` does in the host's directories: after a kill, the next command
 * undoes what was not finished.
 *
 * One rename(2) moves each file to its name, so it exists completely or not at all. A kill can only leave
 * a temporary file and a directory with a relaxed mode; the journal lists both.
 */

import { chmodSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import {
  at,
  errnoOf,
  lstatAt,
  openDirectoryPath,
  RENAME_EXCHANGE,
  removeQuietly,
  renameNoReplace,
  self,
  stateAt,
  stateOfFd,
  withFd,
} from '../files/fdtree.js';
import type { Layer } from '../files/layer.js';
import { joinPath, pathKey, splitPath } from '../files/path.js';
import { removeTree } from '../files/remove.js';
import { type ChangesNative, inodeKey } from '../model/index.js';

const journalName = Buffer.from('apply');

/**
 * `temp`: creates the temporary file `temp`; `swap`: it replaces `name`, whose inode is `oldIno`; `merge`: the
 * same, and the run's change counts as applied; `exchange`: the layer's file and the host's are exchanged, so
 * that the old one is in the layer until it is removed; `take`: `name` is moved to `temp` to be deleted;
 * `mode`: the directory, if it is that inode, gets this mode at the end.
 */
export type JournalEntry =
  | { readonly op: 'temp'; readonly directory: Buffer; readonly temp: string }
  | {
      readonly op: 'swap' | 'merge' | 'take';
      readonly directory: Buffer;
      readonly temp: string;
      readonly name: Buffer;
      readonly oldIno: bigint;
      readonly newIno: bigint;
    }
  | {
      readonly op: 'exchange';
      readonly directory: Buffer;
      readonly name: Buffer;
      readonly oldIno: bigint;
      readonly newIno: bigint;
    }
  | {
      readonly op: 'mode';
      readonly directory: Buffer;
      readonly mode: number;
      readonly ino: bigint;
    };

type FieldValue = string | number | bigint | Buffer;

export class Journal {
  readonly #fd: number;

  constructor(runDirectory: number) {
    this.#fd = openSync(
      at(runDirectory, journalName),
      constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
      0o600,
    );
  }

  write(entry: JournalEntry): void {
    const fields: Record<string, string | number> = {};
    for (const [key, value] of Object.entries(entry) as [string, FieldValue][]) {
      if (typeof value === 'bigint') fields[key] = value.toString();
      else fields[key] = typeof value === 'object' ? value.toString('base64') : value;
    }
    writeSync(this.#fd, `${JSON.stringify(fields)}\n`);
  }

  close(): void {
    closeDescriptor(this.#fd);
  }
}

export function dropJournal(runDirectory: number): void {
  removeQuietly(runDirectory, journalName);
}

/** Whether an `apply` was interrupted. */
export function hasJournal(runDirectory: number): boolean {
  return lstatAt(runDirectory, journalName) !== undefined;
}

function parse(line: string): JournalEntry | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined; // an incomplete last line: its operation was not started
  }
  const directory = Buffer.from(String(value.directory), 'base64');
  const temp = String(value.temp);
  if (value.op === 'mode') {
    const ino = BigInt(String(value.ino));
    return { op: 'mode', directory, mode: Number(value.mode), ino };
  }
  if (value.op === 'exchange') {
    return { op: 'exchange', directory, ...inodesOf(value) };
  }
  if (!/^\.wasbox-[0-9a-z]{9}-\d+$/.test(temp)) return undefined;
  if (value.op === 'temp') return { op: 'temp', directory, temp };
  if (value.op !== 'swap' && value.op !== 'merge' && value.op !== 'take') return undefined;
  return {
    op: value.op,
    directory,
    temp,
    ...inodesOf(value),
  };
}

function inodesOf(value: Record<string, unknown>): {
  name: Buffer;
  oldIno: bigint;
  newIno: bigint;
} {
  return {
    name: Buffer.from(String(value.name), 'base64'),
    oldIno: BigInt(String(value.oldIno)),
    newIno: BigInt(String(value.newIno)),
  };
}

function openPath(native: ChangesNative, root: number, path: Buffer): number {
  let fd = openDirectoryPath(native, root, Buffer.from('.'));
  for (const name of splitPath(path)) {
    const parent = fd;
    try {
      fd = openDirectoryPath(native, parent, name);
    } finally {
      closeDescriptor(parent);
    }
  }
  return fd;
}

export interface Recovered {
  /** The ctimes that files got when they were moved back, by inode key. */
  readonly ownCtimes: ReadonlyMap<string, bigint>;
  /** Keys of the paths at which a merged file was completed. */
  readonly applied: ReadonlySet<string>;
}

/** Undoes what was not finished, the last entry first. */
export function recoverJournal(
  native: ChangesNative,
  runDirectory: number,
  host: number,
  layer: Layer,
): Recovered {
  const applied = new Set<string>();
  const ownCtimes = new Map<string, bigint>();
  const text = withFd(
    openSync(
      at(runDirectory, journalName),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    ),
    (fd) => readFileSync(fd, 'latin1'),
  );
  const entries = text.split('\n').map(parse).reverse();
  const done = new Set<string>();
  for (const entry of entries) {
    if (entry === undefined) continue;
    let directory: number;
    try {
      directory = openPath(native, host, entry.directory);
    } catch (error) {
      errnoOf(error); // removed or replaced: it holds nothing of ours
      continue;
    }
    withFd(directory, () => {
      if (entry.op === 'mode') recoverMode(directory, entry.mode, entry.ino);
      else if (entry.op === 'exchange') recoverExchange(native, directory, layer, entry);
      else if (!done.has(entry.temp)) recoverTemp(native, directory, entry, ownCtimes);
      if (entry.op === 'merge' && lstatAt(directory, entry.name)?.ino === entry.newIno) {
        applied.add(pathKey(joinPath(entry.directory, entry.name)));
      }
    });
    if (entry.op !== 'mode' && entry.op !== 'exchange') done.add(entry.temp);
  }
  return { ownCtimes, applied };
}

function recoverMode(directory: number, mode: number, ino: bigint): void {
  if (stateOfFd(directory).ino === ino) chmodSync(self(directory), mode & 0o7777);
}

/** The file in the layer is either still the run's or the host's old one. */
function recoverExchange(
  native: ChangesNative,
  directory: number,
  layer: Layer,
  { directory: path, name, oldIno, newIno }: Extract<JournalEntry, { op: 'exchange' }>,
): void {
  let upper: number;
  try {
    upper = layer.openPath(path);
  } catch (error) {
    errnoOf(error); // removed since: it holds nothing of the host's
    return;
  }
  withFd(upper, () => {
    const kept = lstatAt(upper, name);
    if (kept === undefined || kept.ino === newIno) return;
    const isOurs = lstatAt(directory, name)?.ino === newIno;
    if (kept.ino === oldIno) removeTree(native, upper, name);
    else if (isOurs) native.renameat2(upper, name, directory, name, RENAME_EXCHANGE);
  });
}

function recoverTemp(
  native: ChangesNative,
  directory: number,
  entry: Extract<JournalEntry, { op: 'temp' | 'swap' | 'merge' | 'take' }>,
  ownCtimes: Map<string, bigint>,
): void {
  const temp = Buffer.from(entry.temp);
  const stat = lstatAt(directory, temp);
  if (stat === undefined) return;
  if (entry.op === 'temp' || stat.ino === entry.newIno) {
    removeTree(native, directory, temp); // a copy of the layer's file
    return;
  }
  const swaps = entry.op !== 'take';
  if (swaps && stat.ino === entry.oldIno) {
    removeTree(native, directory, temp); // the old file, already replaced
    return;
  }
  // Moved away to be deleted, or another process's file: it gets its name back.
  const current = lstatAt(directory, entry.name);
  if (current === undefined) {
    renameNoReplace(native, directory, temp, entry.name);
    const back = stateAt(directory, entry.name);
    // rename(2) sets the ctime, which must not count as a change by the user.
    if (back !== undefined) ownCtimes.set(inodeKey(back), back.ctimeNs);
  } else if (current.ino === stat.ino) {
    removeTree(native, directory, temp); // the file has its own name again; only this one was still to be removed
  } else if (swaps && current.ino === entry.newIno) {
    native.renameat2(directory, temp, directory, entry.name, RENAME_EXCHANGE);
    removeTree(native, directory, temp);
  }
}
