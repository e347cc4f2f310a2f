/**
 * Undoes what an interrupted `apply` left. It touches only what `apply` made or moved: an inode that the journal names,
 * at the place where the journal expects it. Anything else at such a name belongs to another process, and stays.
 */

import {
  type BigIntStats,
  chmodSync,
  constants,
  openSync,
  readFileSync,
  unlinkSync,
} from 'node:fs';
import {
  at,
  errnoOf,
  lstatAt,
  openBelow,
  openDirectoryPath,
  RENAME_EXCHANGE,
  renameNoReplace,
  self,
  stateAt,
  stateOfFd,
  withFd,
} from '../files/fdtree.js';
import type { Layer } from '../files/layer.js';
import { joinPath, pathKey, splitPath } from '../files/path.js';
import { type ChangesNative, inodeKey } from '../model/index.js';
import { removeName } from './install.js';
import { type JournalEntry, journalName, parseJournal, type Step } from './journal.js';

type Entry<Op extends JournalEntry['op']> = Extract<JournalEntry, { op: Op }>;

export interface Recovered {
  /** The ctimes that files got when they were moved back, by inode key. */
  readonly ownCtimes: ReadonlyMap<string, bigint>;
  /** Keys of the paths at which a merged file was completed. */
  readonly applied: ReadonlySet<string>;
}

/** Undoes what was not finished, the last step first. */
export function recoverJournal(
  native: ChangesNative,
  runDirectory: number,
  host: number,
  layer: Layer,
): Recovered {
  const applied = new Set<string>();
  const ownCtimes = new Map<string, bigint>();
  for (const step of readSteps(runDirectory).reverse()) {
    const { entry, end } = step;
    if (end !== undefined) {
      if (end === 'done') noteMerged(entry, applied);
      continue;
    }
    let directory: number;
    try {
      const open = (parent: number, name: Buffer): number =>
        openDirectoryPath(native, parent, name);
      directory = openBelow(open(host, Buffer.from('.')), splitPath(entry.directory), open);
    } catch (error) {
      errnoOf(error); // removed or replaced: it holds nothing of ours
      continue;
    }
    withFd(directory, () => {
      if (entry.op === 'mode') recoverMode(directory, entry);
      else if (entry.op === 'exchange') recoverExchange(native, directory, layer, entry);
      else if (entry.op === 'take') recoverTaken(native, directory, entry, ownCtimes);
      else if (recoverTemp(native, directory, step, entry)) noteMerged(entry, applied);
    });
  }
  return { ownCtimes, applied };
}

function readSteps(runDirectory: number): Step[] {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const fd = openSync(at(runDirectory, journalName), flags);
  return parseJournal(withFd(fd, () => readFileSync(fd, 'latin1')));
}

function noteMerged(entry: JournalEntry, applied: Set<string>): void {
  if (entry.op === 'temp' && entry.merged)
    applied.add(pathKey(joinPath(entry.directory, entry.name)));
}

function recoverMode(directory: number, { mode, ino }: Entry<'mode'>): void {
  if (stateOfFd(directory).ino === ino) chmodSync(self(directory), mode & 0o7777);
}

/** The file in the layer is either still the run's or the host's old one. */
function recoverExchange(
  native: ChangesNative,
  directory: number,
  layer: Layer,
  { directory: path, name, oldIno, newIno }: Entry<'exchange'>,
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
    if (kept.ino === oldIno) unlinkSync(at(upper, name));
    else if (isOurs) native.renameat2(upper, name, directory, name, RENAME_EXCHANGE);
  });
}

/** Moved away to be deleted: it gets its name back. */
function recoverTaken(
  native: ChangesNative,
  directory: number,
  { temp, name, oldIno }: Entry<'take'>,
  ownCtimes: Map<string, bigint>,
): void {
  const path = Buffer.from(temp);
  if (lstatAt(directory, path)?.ino !== oldIno) return;
  const current = lstatAt(directory, name);
  if (current?.ino === oldIno) {
    unlinkSync(at(directory, path)); // link(2) gave it its own name again; only this one was still to be removed
  } else if (current === undefined) {
    renameNoReplace(native, directory, temp, name);
    const back = stateAt(directory, name);
    // rename(2) sets the ctime, which must not count as a change by the user.
    if (back !== undefined) ownCtimes.set(inodeKey(back), back.ctimeNs);
  }
}

/** Removes what has a temporary name. Returns whether the new file is in place. */
function recoverTemp(
  native: ChangesNative,
  directory: number,
  { made }: Step,
  { temp, name, oldIno }: Entry<'temp'>,
): boolean {
  const path = Buffer.from(temp);
  const stat = lstatAt(directory, path);
  const inPlace = made !== undefined && lstatAt(directory, name)?.ino === made;
  if (stat === undefined) return inPlace;
  if (made === undefined) {
    // Killed before the inode was recorded, when it held nothing yet. Something else at this name may hold something.
    if (holdsNothing(stat)) removeOne(directory, path);
  } else if (stat.ino === made) {
    removeOne(directory, path);
  } else if (stat.ino === oldIno && !removeOne(directory, path) && inPlace) {
    // A directory that was replaced, into which another process wrote meanwhile.
    native.renameat2(directory, temp, directory, name, RENAME_EXCHANGE);
    removeOne(directory, path);
    return false;
  }
  return inPlace;
}

/** Returns whether nothing is lost with this name: rmdir(2) itself refuses a directory that is not empty. */
const holdsNothing = (stat: BigIntStats): boolean =>
  stat.isDirectory() || stat.isSymbolicLink() || stat.size === 0n || stat.nlink > 1n;

/** Removes one name; false if it is a directory that is not empty. */
function removeOne(directory: number, name: Buffer): boolean {
  try {
    removeName(directory, name);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error))) return false;
    if (errnoOf(error) === 'ENOENT') return true;
    throw error;
  }
}
