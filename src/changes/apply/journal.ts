/**
 * What `apply` is about to do in the host's directories, written down first, so
 * that a kill at any moment leaves nothing half done: the next call undoes what was not finished.
 *
 * Each file is put in place by one rename(2), so it is there whole or not at all. What a kill can
 * leave behind is a temporary sibling and a directory whose mode was relaxed; both are listed here.
 */
import { chmodSync, closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
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
 * `temp`: a sibling `temp` will be made; `swap`: it takes the place of `name`, whose inode is
 * `old`; `merge`: the same, and what the run has there counts as applied with it; `exchange`: the layer's file and the host's change places, so that the old one lies in the
 * layer until it is removed; `take`: `name` moves to `temp`, to be deleted; `mode`: the directory, if it
 * is that inode, is to be left with this mode.
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
    closeSync(this.#fd);
  }
}

export function dropJournal(runDirectory: number): void {
  removeQuietly(runDirectory, journalName);
}

/** Whether an `apply` was cut short. */
export function hasJournal(runDirectory: number): boolean {
  return lstatAt(runDirectory, journalName) !== undefined;
}

function parse(line: string): JournalEntry | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined; // the last line, cut short: what it announces was not begun
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
      closeSync(parent);
    }
  }
  return fd;
}

export interface Recovered {
  /** The ctimes that files got by being put back, by inode key. */
  readonly ownCtimes: ReadonlyMap<string, bigint>;
  /** Keys of the paths at which a merged file is in place. */
  readonly applied: ReadonlySet<string>;
}

/** Undoes what was not finished. Entries are visited last first. */
export function recoverJournal(
  native: ChangesNative,
  runDirectory: number,
  host: number,
  layer: Layer,
): Recovered {
  const applied = new Set<string>();
  const ownCtimes = new Map<string, bigint>();
  const text = withFd(
    openSync(at(runDirectory, journalName), constants.O_RDONLY | constants.O_NOFOLLOW),
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
      errnoOf(error); // gone, or something else by now: nothing of ours is in it
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

/** What lies in the layer is either still the run's file, or the host's old one. */
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
    errnoOf(error); // emptied and removed since: nothing of the host's is in it
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
    removeTree(native, directory, temp); // a copy of what the layer still holds
    return;
  }
  const swaps = entry.op !== 'take';
  if (swaps && stat.ino === entry.oldIno) {
    removeTree(native, directory, temp); // the old file, which the new one has replaced
    return;
  }
  // Taken away to be deleted, or somebody else's file: it goes back to its name.
  const current = lstatAt(directory, entry.name);
  if (current === undefined) {
    renameNoReplace(native, directory, temp, entry.name);
    const back = stateAt(directory, entry.name);
    // rename(2) sets the ctime: that is not the user's doing.
    if (back !== undefined) ownCtimes.set(inodeKey(back), back.ctimeNs);
  } else if (swaps && current.ino === entry.newIno) {
    native.renameat2(directory, temp, directory, entry.name, RENAME_EXCHANGE);
    removeTree(native, directory, temp);
  }
}
