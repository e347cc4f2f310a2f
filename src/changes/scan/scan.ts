/**
 * Compares a run's layer with the host: the list of changes.
 *
 * The walk goes down the layer and the host's tree together, by descriptors, and yields changes in
 * the order in which they can be applied: a directory before what is added in it, and after what
 * is deleted from it. A file that was only copied up is no change.
 */
import { closeSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { ChangesError } from '../../errors/index.js';
import { type Configured, configuredPaths } from '../auto-executed/configured.js';
import { readLayerAttributes } from '../files/attributes.js';
import {
  at,
  errnoOf,
  names,
  openDirectoryPath,
  stateAt,
  stateOfFd,
  withFd,
} from '../files/fdtree.js';
import { type LayerEntry, maxDepth } from '../files/layer.js';
import { emptyPath, joinPath, pathKey } from '../files/path.js';
import type { Change, ChangeFlag, ChangeKind, ChangeSummary, FileState } from '../model.js';
import { Base } from '../store/base.js';
import { countChanges, fileMetadataKind, inodeKey, metadataDiffers } from './compare.js';
import { compareFile, directoryFlags } from './compare-entry.js';
import type { Place, Scan, ScanContext } from './context.js';
import { type Block, describeChange, nameRules } from './describe.js';
import { lookupsInAScan, type MergedTree } from './merged-tree.js';
import { SystemPlaces } from './system-path.js';

/** PATH_MAX: no call takes a longer path, and the payload can make very many of them. */
const maxPathBytes = 4096;
const defaultMaxAllPathBytes = 256 * 1024 * 1024;

/** The list of changes would fit no memory. */
export class TooManyChangesError extends ChangesError {
  /** Of those that were seen before. */
  readonly summary: ChangeSummary;

  constructor(id: string, seen: readonly Change[]) {
    super('ERR_STATE_DIR', `Run ${id} changed too many paths to list them.`, {
      hint: `They are in its layer still. To drop them: wasbox discard ${id}`,
    });
    this.summary = countChanges(seen);
  }
}

class Scanner {
  readonly #context: ScanContext;
  readonly #base: Base;
  readonly #tree: MergedTree;
  readonly #changes: Change[] = [];
  #trash = 0;
  #looks = 0;
  #pathBytesLeft: number;

  constructor(context: ScanContext) {
    this.#context = context;
    this.#pathBytesLeft = context.maxAllPathBytes ?? defaultMaxAllPathBytes;
    const { native, directory, root, startNs, layer, host } = context;
    this.#base = Base.read(native, directory, startNs);
    let steered: Configured | undefined;
    this.#tree = {
      native,
      layer,
      host,
      workdir: Buffer.from(root),
      system: new SystemPlaces(native),
      steered: () => {
        if (context.glance === true) return undefined;
        steered ??= configuredPaths(this.#tree, nameRules(context, this.#tree));
        return steered;
      },
      gitDirectories: new Map(),
      known: new Map(),
      lookupsLeft: lookupsInAScan,
    };
  }

  run(): Scan {
    const { layer, host, native, directory } = this.#context;
    const before = stateOfFd(host);
    // Who owns the layer's root is wasbox's choice, not the payload's.
    const after = { ...layer.rootState(), uid: before.uid, gid: before.gid };
    // The layer's root is made by wasbox, without attributes: only what it has by now was set there.
    const own = readLayerAttributes(native, layer.root).own.size > 0;
    const flags = own ? directoryFlags(native, layer.root, host) : [];
    this.#compareDirectory(emptyPath, before, after, undefined, flags);
    this.#directory({
      upper: layer.root,
      host,
      path: emptyPath,
      depth: 0,
      block: undefined,
      opaque: false,
    });
    if (this.#context.glance !== true) this.#base.write(native, directory);
    return { changes: this.#changes };
  }

  #look(path: Buffer, before: FileState | undefined): boolean {
    const { applied, onProgress } = this.#context;
    onProgress?.({ stage: applied === undefined ? 'compare' : 'settle', done: this.#looks++ });
    // What is there again after its deletion was applied is the user's.
    if (this.#wasApplied(path)) {
      this.#base.markApplied(path);
      return false;
    }
    const own = this.#context.ownCtimes;
    const ours = before !== undefined && own?.get(inodeKey(before)) === before.ctimeNs;
    return this.#base.look(path, before, ours);
  }

  #wasApplied(path: Buffer): boolean {
    const { applied } = this.#context;
    return applied?.has(pathKey(path)) === true || this.#base.wasApplied(path);
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
    // Also below an opaque directory: what is in it was never merged with the host's.
    if (!opaque || place.host === undefined) return;
    for (const name of names(place.host)) {
      if (!seen.has(name.toString('latin1'))) {
        this.#deleted(place.host, name, joinPath(place.path, name), place.depth, place.block);
      }
    }
  }

  #entry(place: Place, name: Buffer, xattrWhiteouts: boolean): void {
    const path = joinPath(place.path, name);
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
        const count = this.#changes.length;
        this.#deleted(place.host, name, path, place.depth, block);
        if (this.#changes.length === count) this.#prune(place, name);
      } else if (block === undefined) {
        this.#look(path, undefined);
        this.#prune(place, name);
      }
    } else if (entry.state.type === 'directory') {
      this.#upperDirectory({ ...place, path, block }, place, name, before, entry.state);
    } else {
      this.#upperFile({ ...place, block }, name, path, before, entry);
    }
  }

  #prune(place: Place, name: Buffer): void {
    if (this.#context.prune && !place.opaque) unlinkSync(at(place.upper, name));
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
    const count = this.#changes.length;
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
      const flags = this.#context.glance === true ? [] : directoryFlags(native, upper, host);
      if (deep) flags.push('too-deep');
      this.#compareDirectory(path, before, after, block, flags);
      opacity = layer.opacity(upper);
      if (!deep) {
        this.#directory({ ...place, upper, host, block, depth: place.depth + 1 });
      }
    } finally {
      if (host !== undefined) closeSync(host);
      closeSync(upper);
    }
    if (this.#context.prune && !parent.opaque && this.#changes.length === count) {
      this.#pruneDirectory(parent.upper, name, opacity === 'y');
    }
  }

  /** Removes a directory that says nothing any more. An opaque one goes whole, or not at all. */
  #pruneDirectory(parent: number, name: Buffer, opaque: boolean): void {
    if (!opaque) {
      try {
        rmdirSync(at(parent, name));
      } catch (error) {
        if (errnoOf(error) !== 'ENOTEMPTY') throw error;
      }
      return;
    }
    // `trash-*` in the tree's directory is emptied when the run is next put in order.
    const target = Buffer.from(`trash-${process.pid}-${this.#trash++}`);
    renameSync(at(parent, name), at(this.#context.directory, target));
  }

  #compareDirectory(
    path: Buffer,
    before: FileState | undefined,
    after: FileState,
    block: Block,
    flags: readonly ChangeFlag[],
  ): void {
    const changed = this.#look(path, before);
    if (this.#wasApplied(path)) return;
    if (before === undefined) this.#emit('added', path, before, after, flags, false, block);
    else if (before.type !== 'directory')
      this.#emit('type', path, before, after, flags, changed, block);
    else if (metadataDiffers(before, after))
      this.#emit('mode', path, before, after, flags, changed, block);
    else if (flags.includes('xattr'))
      this.#emit('xattr', path, before, after, flags, changed, block);
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
    if (before?.type === 'directory' && place.host !== undefined) {
      this.#deletedChildren(place.host, name, path, place.depth, place.block);
    }
    const kind = this.#wasApplied(path)
      ? undefined
      : this.#fileKind(place, name, before, after, flags);
    const changed = this.#look(path, before);
    if (kind === undefined) this.#prune(place, name);
    else this.#emit(kind, path, before, after, flags, changed, place.block);
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
      if (this.#context.glance === true) {
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
      closeSync(fd);
    }
  }

  #deleted(parent: number, name: Buffer, path: Buffer, depth: number, block: Block): void {
    const before = stateAt(parent, name);
    if (before === undefined) return;
    let blocked = block;
    if (before.type === 'directory') {
      blocked = this.#deletedChildren(parent, name, path, depth, block);
    }
    if (this.#wasApplied(path)) {
      this.#base.markApplied(path); // what is there is to stay
      return;
    }
    const changed = this.#look(path, before);
    this.#emit('deleted', path, before, undefined, [], changed, blocked);
  }

  #emit(
    kind: ChangeKind,
    path: Buffer,
    before: FileState | undefined,
    after: FileState | undefined,
    flags: readonly ChangeFlag[],
    hostChanged: boolean,
    block: Block,
  ): void {
    this.#pathBytesLeft -= path.length;
    if (this.#pathBytesLeft < 0) throw new TooManyChangesError(this.#context.id, this.#changes);
    this.#changes.push(
      describeChange(this.#context, this.#tree, {
        kind,
        path,
        before,
        after,
        flags,
        hostChanged,
        block,
      }),
    );
  }
}

/** Compares a layer with the host. Writes down what the host had, see {@link Base}. */
export function scanLayer(context: ScanContext): Scan {
  return new Scanner(context).run();
}
