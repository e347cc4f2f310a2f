/**
 * Compares a run's layer with the host: the list of changes.
 *
 * The walk goes down the layer and the host's tree together, by descriptors, and yields changes in
 * the order in which they can be applied: a directory before its additions and after its deletions. A
 * file that was only copied up is not a change.
 */

import { closeDescriptor } from '../../native/index.js';
import { readLayerAttributes } from '../files/attributes.js';
import { errnoOf, names, openDirectoryPath, stateAt, stateOfFd, withFd } from '../files/fdtree.js';
import { type LayerEntry, maxDepth } from '../files/layer.js';
import { emptyPath, joinPath, pathKey } from '../files/path.js';
import type { Change, ChangeFlag, ChangeKind, FileState } from '../model/index.js';
import { ChangeList } from './change-list.js';
import { directoryKind, fileMetadataKind } from './compare.js';
import { compareFile, directoryFlags } from './compare-entry.js';
import type { Place, ScanContext } from './context.js';
import type { Block } from './describe.js';
import { Pruner } from './prune.js';

/** PATH_MAX. System calls accept no longer path, and the payload can create very many. */
const maxPathBytes = 4096;

class Scanner {
  readonly #context: ScanContext;
  readonly #list: ChangeList;
  readonly #pruner: Pruner;

  constructor(context: ScanContext) {
    this.#context = context;
    this.#list = new ChangeList(context);
    this.#pruner = new Pruner(context);
  }

  run(): readonly Change[] {
    const { layer, host, native } = this.#context;
    const before = stateOfFd(host);
    // wasbox, not the payload, set the owner of the layer's root.
    const after = { ...layer.rootState(), uid: before.uid, gid: before.gid };
    // wasbox creates the layer's root without attributes, so the payload set those that it has now.
    const own = readLayerAttributes(native, layer.root).own.size > 0;
    const flags = own ? directoryFlags(native, layer.root, host) : [];
    if (!this.#isUnseen) this.#compareDirectory(emptyPath, before, after, undefined, flags);
    this.#directory({
      upper: layer.root,
      host,
      path: emptyPath,
      depth: 0,
      block: undefined,
      opaque: false,
    });
    return this.#list.finish();
  }

  /**
   * Returns whether the run saw nothing of the host's tree: then nothing of it is deleted, and directories are shared.
   */
  get #isUnseen(): boolean {
    return this.#context.home === 'empty';
  }

  /** Returns whether the sandbox made what is there, and nothing of the run's is in it. */
  #isPlaced(place: Place, name: Buffer, path: Buffer): boolean {
    const { placed, layer } = this.#context;
    if (placed?.has(pathKey(path)) !== true) return false;
    const inside = `${pathKey(path)}/`;
    if (![...placed].some((other) => other.startsWith(inside))) return true;
    if (layer.entry(place.upper, name, false)?.state.type !== 'directory') return false;
    return withFd(layer.openDirectory(place.upper, name), (upper) =>
      names(upper).every((child) =>
        this.#isPlaced({ ...place, upper }, child, joinPath(path, child)),
      ),
    );
  }

  #directory(place: Place): void {
    const opacity = this.#context.layer.opacity(place.upper);
    const opaque = place.opaque || opacity === 'y';
    const inner = { ...place, opaque };
    const seen = new Set<string>();
    for (const name of names(place.upper)) {
      seen.add(name.toString('latin1'));
      this.#entry(inner, name, opacity === 'x');
    }
    // The search goes on below an opaque directory, whose contents were never merged with the host's.
    if (!opaque || place.host === undefined) return;
    for (const name of names(place.host)) {
      if (!seen.has(name.toString('latin1'))) {
        this.#deleted(place.host, name, joinPath(place.path, name), place.depth, place.block);
      }
    }
  }

  #entry(place: Place, name: Buffer, xattrWhiteouts: boolean): void {
    const path = joinPath(place.path, name);
    if (this.#isPlaced(place, name, path)) return;
    const entry = this.#context.layer.entry(place.upper, name, xattrWhiteouts);
    if (entry === undefined) return;
    let block = place.block;
    let before: FileState | undefined;
    try {
      before = place.host === undefined ? undefined : stateAt(place.host, name);
    } catch (error) {
      if (errnoOf(error) !== 'EACCES') throw error;
      block = 'unreadable';
    }
    if (entry.whiteout) {
      if (before !== undefined && place.host !== undefined) {
        const count = this.#list.length;
        this.#deleted(place.host, name, path, place.depth, block);
        if (this.#list.length === count) this.#pruner.removeFile(place, name);
      } else if (block === undefined) {
        this.#list.look(path, undefined);
        this.#pruner.removeFile(place, name);
      }
    } else if (this.#isLeftOut(place, name, path, before, entry.state)) {
      return;
    } else if (entry.state.type === 'directory') {
      this.#upperDirectory({ ...place, path, block }, place, name, before, entry.state);
    } else {
      this.#upperFile({ ...place, block }, name, path, before, entry);
    }
  }

  /** Leaves out what no user reviews. Below an opaque directory it would hide what the host has. */
  #isLeftOut(
    place: Place,
    name: Buffer,
    path: Buffer,
    before: FileState | undefined,
    after: FileState,
  ): boolean {
    if (place.opaque && before !== undefined) return false;
    const noise = this.#list.noise(path, after);
    if (noise === undefined) return false;
    this.#list.drop(noise, this.#pruner.drop(place, name, after));
    return true;
  }

  #upperDirectory(
    place: Place,
    parent: Place,
    name: Buffer,
    before: FileState | undefined,
    after: FileState,
  ): void {
    const { layer, native } = this.#context;
    const { path } = place;
    const { length: count, dropped } = this.#list;
    let { block } = place;
    const upper = layer.openDirectory(parent.upper, name);
    let host: number | undefined;
    let opacity: string;
    try {
      if (readLayerAttributes(native, upper).foreign) block = 'unreadable';
      if (before?.type === 'directory' && parent.host !== undefined) {
        try {
          host = openDirectoryPath(native, parent.host, name);
        } catch (error) {
          block = errnoOf(error) === 'EXDEV' ? 'mount-point' : 'unreadable';
        }
      }
      const deep = place.depth >= maxDepth || path.length > maxPathBytes;
      if (deep) block = 'unreadable';
      const flags = this.#context.quick === true ? [] : directoryFlags(native, upper, host);
      if (deep) flags.push('too-deep');
      this.#compareDirectory(path, before, after, block, flags);
      opacity = layer.opacity(upper);
      if (!deep) {
        this.#directory({ ...place, upper, host, block, depth: place.depth + 1 });
      }
    } finally {
      if (host !== undefined) closeDescriptor(host);
      closeDescriptor(upper);
    }
    const onlyDropped = before === undefined && this.#list.dropped > dropped;
    if (onlyDropped && this.#list.length === count + 1) this.#list.takeBack();
    if (this.#list.length === count) this.#pruner.removeDirectory(parent, name, opacity === 'y');
  }

  #compareDirectory(
    path: Buffer,
    before: FileState | undefined,
    after: FileState,
    block: Block,
    flags: readonly ChangeFlag[],
  ): void {
    const differs = this.#list.look(path, before);
    if (this.#list.wasApplied(path)) return;
    const kind =
      this.#isUnseen && before?.type === 'directory'
        ? undefined
        : directoryKind(before, after, flags);
    if (kind === undefined) return;
    const hostChanged = before !== undefined && differs;
    const all = this.#withUnseen(flags, before);
    this.#list.add({ kind, path, before, after, flags: all, hostChanged, block });
  }

  #withUnseen(flags: readonly ChangeFlag[], before: FileState | undefined): readonly ChangeFlag[] {
    return this.#isUnseen && before !== undefined ? [...flags, 'unseen'] : flags;
  }

  #upperFile(
    place: Place,
    name: Buffer,
    path: Buffer,
    before: FileState | undefined,
    entry: LayerEntry,
  ): void {
    const after = entry.state;
    const flags: ChangeFlag[] = [];
    if (before?.type === 'directory' && place.host !== undefined && !this.#isUnseen) {
      this.#deletedChildren(place.host, name, path, place.depth, place.block);
    }
    const found = this.#list.wasApplied(path)
      ? undefined
      : this.#fileKind(place, name, before, after, flags);
    // If the run did not see a file, it changed none of its times.
    const kind = this.#isUnseen && found === 'time' ? undefined : found;
    const hostChanged = this.#list.look(path, before);
    if (kind === undefined) {
      this.#pruner.removeFile(place, name);
      return;
    }
    const all = this.#withUnseen(flags, before);
    this.#list.add({ kind, path, before, after, flags: all, hostChanged, block: place.block });
  }

  #fileKind(
    place: Place,
    name: Buffer,
    before: FileState | undefined,
    after: FileState,
    flags: ChangeFlag[],
  ): ChangeKind | undefined {
    const { layer, native } = this.#context;
    const same = before?.type === after.type;
    if (after.type === 'symlink') {
      if (same && after.link !== undefined && before.link?.equals(after.link)) return undefined;
    } else if (after.type === 'file') {
      if (this.#context.quick === true) {
        const equal = same && before.size === after.size && before.mtimeNs === after.mtimeNs;
        if (equal) return fileMetadataKind(before, after);
        return before === undefined ? 'added' : same ? 'modified' : 'type';
      }
      const equal = withFd(layer.openFile(place.upper, name), (upper) =>
        compareFile(native, upper, same ? place.host : undefined, name, before, after, flags),
      );
      if (equal && before !== undefined) {
        return fileMetadataKind(before, after) ?? (flags.includes('xattr') ? 'xattr' : undefined);
      }
    }
    if (before === undefined) return 'added';
    return same ? 'modified' : 'type';
  }

  #deletedChildren(parent: number, name: Buffer, path: Buffer, depth: number, block: Block): Block {
    let fd: number;
    try {
      fd = openDirectoryPath(this.#context.native, parent, name);
    } catch (error) {
      return errnoOf(error) === 'EXDEV' ? 'mount-point' : 'unreadable';
    }
    try {
      if (depth >= maxDepth) return 'unreadable';
      for (const child of names(fd)) {
        this.#deleted(fd, child, joinPath(path, child), depth + 1, block);
      }
      return block;
    } catch (error) {
      if (errnoOf(error) !== 'EACCES') throw error;
      return 'unreadable';
    } finally {
      closeDescriptor(fd);
    }
  }

  #deleted(parent: number, name: Buffer, path: Buffer, depth: number, block: Block): void {
    const before = stateAt(parent, name);
    if (before === undefined) return;
    let blocked = block;
    if (before.type === 'directory') {
      blocked = this.#deletedChildren(parent, name, path, depth, block);
    }
    if (this.#list.wasApplied(path)) {
      this.#list.markApplied(path);
      return;
    }
    const hostChanged = this.#list.look(path, before);
    const found = { kind: 'deleted', path, before, after: undefined, flags: [] } as const;
    this.#list.add({ ...found, hostChanged, block: blocked });
  }
}

/** Compares a layer with the host; saves the host's state, see {@link Base}. */
export function scanLayer(context: ScanContext): readonly Change[] {
  return new Scanner(context).run();
}
