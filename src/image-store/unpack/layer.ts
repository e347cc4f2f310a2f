/** Unpacks one layer: a tar archive becomes a directory that can be a lower directory of an overlay. */
import { fchmodSync, ftruncateSync, writeSync } from 'node:fs';
import { invalidImage } from '../../image/index.js';
import { closeDescriptor } from '../../native/index.js';
import type { Budget } from '../limits.js';
import type { StoreNative } from '../native.js';
import type { SparseRange } from '../tar/blocks.js';
import { type TarEntry, tarEntries } from '../tar/entries.js';
import type { LayersBelow } from './below.js';
import { LayerNotes } from './notes.js';
import { LayerTree, namesOf } from './tree.js';

export interface Unpacked {
  readonly dependsOnBelow: boolean;
  readonly opaqueRoot: boolean;
  readonly notes: LayerNotes;
}

export interface LayerTarget {
  readonly native: StoreNative;
  /** Descriptor of the empty directory that becomes the layer's root. */
  readonly root: number;
  readonly below: LayersBelow;
  readonly budget: Budget;
  /** Text is appended to this file: who owns what. */
  readonly owners: number;
}

const whiteoutPrefix = '.wh.';
const opaqueMark = '.wh..wh..opq';
/** AUFS keeps such names for itself; they hide nothing. */
const reservedPrefix = '.wh..wh.';

/** @param source the archive, not compressed */
export async function unpackLayer(
  source: AsyncIterable<Buffer>,
  target: LayerTarget,
): Promise<Unpacked> {
  const { native, root, below, budget } = target;
  const tree = new LayerTree(native, root, below);
  const notes = new LayerNotes(target.owners);
  try {
    for await (const entry of tarEntries(source)) {
      budget.addEntries(1);
      const names = namesOf(entry.name);
      if (!placeMark(tree, names)) await place(tree, names, entry, notes, budget);
      for await (const _ of entry.data) {
        // what an entry of another type carries along
      }
    }
    tree.finish();
    notes.finish();
    return { dependsOnBelow: tree.dependsOnBelow, opaqueRoot: tree.opaqueRoot, notes };
  } finally {
    tree.close();
  }
}

/** OCI image specification, "Whiteouts". @returns whether it is such a mark */
function placeMark(tree: LayerTree, names: readonly Buffer[]): boolean {
  const name = names.at(-1)?.toString('latin1') ?? '';
  if (!name.startsWith(whiteoutPrefix)) return false;
  const parents = names.slice(0, -1);
  if (name === opaqueMark) tree.opaque(parents);
  else if (!name.startsWith(reservedPrefix)) {
    const hidden = Buffer.from(name.slice(whiteoutPrefix.length), 'latin1');
    if (hidden.length === 0 || ['.', '..'].includes(hidden.toString('latin1'))) {
      throw invalidImage('it has a whiteout of nothing');
    }
    tree.whiteout([...parents, hidden]);
  }
  return true;
}

async function place(
  tree: LayerTree,
  names: readonly Buffer[],
  entry: TarEntry,
  notes: LayerNotes,
  budget: Budget,
): Promise<void> {
  const { type, mtimeNs } = entry;
  if (type === 'link') {
    tree.link(names, entry.target);
    return;
  }
  if (type === 'character-device' || type === 'block-device' || type === 'unknown') {
    notes.leftOut(names, type);
    return;
  }
  // On a directory, S_ISGID only says whose group new files get.
  const mode = entry.mode & (type === 'directory' ? 0o3777 : 0o1777);
  if (type !== 'symlink') notes.entry(names, entry);
  else notes.owner(names, entry);
  if (type === 'directory') {
    tree.directory(names, mode, mtimeNs, (fd) => setAttributes(tree.native, fd, entry));
  } else if (type === 'symlink') tree.symlink(names, entry.target, mtimeNs);
  else if (type === 'fifo') tree.fifo(names, mode, mtimeNs);
  else await placeFile(tree, names, entry, budget);
}

async function placeFile(
  tree: LayerTree,
  names: readonly Buffer[],
  entry: TarEntry,
  budget: Budget,
): Promise<void> {
  const { native } = tree;
  if (entry.size > budget.limits.bytes) budget.addBytes(entry.size);
  const fd = tree.file(names);
  try {
    if (entry.sparse === undefined) await writeAll(fd, entry.data, budget);
    else await writeSparse(fd, entry, entry.sparse, budget);
    setAttributes(native, fd, entry);
    fchmodSync(fd, entry.mode & 0o1777);
    native.setTimes(fd, entry.mtimeNs, entry.mtimeNs);
  } finally {
    closeDescriptor(fd);
  }
}

function write(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

async function writeAll(fd: number, data: AsyncIterable<Buffer>, budget: Budget): Promise<void> {
  let position = 0;
  for await (const chunk of data) {
    budget.addBytes(chunk.length);
    write(fd, chunk, position);
    position += chunk.length;
  }
}

async function writeSparse(
  fd: number,
  { data, size }: TarEntry,
  ranges: readonly SparseRange[],
  budget: Budget,
): Promise<void> {
  let end = 0;
  for (const [offset, length] of ranges) {
    if (offset < end || offset + length > size)
      throw invalidImage('a sparse file has a malformed map');
    end = offset + length;
  }
  const left = ranges.filter(([, length]) => length > 0);
  let [current, written] = [left.shift(), 0];
  for await (const chunk of data) {
    budget.addBytes(chunk.length);
    for (let rest = chunk; rest.length > 0; ) {
      if (current === undefined) throw invalidImage('a sparse file has more data than its map');
      const part = rest.subarray(0, current[1] - written);
      write(fd, part, current[0] + written);
      written += part.length;
      rest = rest.subarray(part.length);
      if (written === current[1]) [current, written] = [left.shift(), 0];
    }
  }
  if (current !== undefined) throw invalidImage('a sparse file has less data than its map');
  ftruncateSync(fd, size);
}

/** Sets only `user.*`: the others need rights, or ids that are not kept. overlayfs's own would steer the overlay. */
function setAttributes(native: StoreNative, fd: number, { xattrs }: TarEntry): void {
  for (const [name, value] of xattrs) {
    if (isKept(name)) native.fsetxattr(fd, name, value);
  }
}

export const isKept = (name: string): boolean =>
  /^user\.[^\0]{1,200}$/.test(name) && !name.startsWith('user.overlay.');
