/**
 * One run's layer as overlayfs wrote it: whiteouts, opaque directories, modes.
 *
 * The payload may leave files that their owner cannot read. Before such a mode is relaxed, it is written
 * to the file `modes`, so that it survives a kill.
 */

import {
  type BigIntStats,
  chmodSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readlinkSync,
  writeSync,
} from 'node:fs';
import { opaqueAttribute } from '../../host/index.js';
import { closeDescriptor } from '../../native/index.js';
import type { ChangesNative, FileState } from '../model/index.js';
import {
  at,
  errnoOf,
  lstatAt,
  names,
  openBelow,
  openDirectory,
  openHandle,
  openToRead,
  self,
  stateOf,
  withFd,
} from './fdtree.js';
import { splitPath } from './path.js';

/** Deeper directories are not read: each level costs descriptors. */
export const maxDepth = 200;

const modesName = Buffer.from('modes');

export interface LayerEntry {
  readonly state: FileState;
  readonly whiteout: boolean;
}

export class Layer {
  readonly native: ChangesNative;
  /** The open `upper` directory. */
  readonly root: number;
  /** Modes by inode: a file with several names is relaxed once. */
  readonly #modes = new Map<bigint, number>();
  readonly #modesFd: number;
  readonly #plain: boolean;
  /** Counts by inode, in a layer whose files other layers may share, how many names a file has in this one. */
  #names: Map<bigint, number> | undefined;
  readonly #shared: boolean;

  /**
   * The caller still owns `runDirectory`.
   *
   * @param plain whether no overlay showed it, so that nothing in it hides what the host has, whatever
   * attributes the payload set
   * @param shared whether files of it may have names in other layers
   */
  constructor(native: ChangesNative, runDirectory: number, plain = false, shared = false) {
    this.native = native;
    this.#plain = plain;
    this.#shared = shared;
    this.#modesFd = openSync(
      at(runDirectory, modesName),
      constants.O_RDWR |
        constants.O_CREAT |
        constants.O_APPEND |
        constants.O_NOFOLLOW |
        constants.O_NONBLOCK,
      0o600,
    );
    try {
      for (const line of readFileSync(this.#modesFd, 'latin1').split('\n')) {
        const [mode, key] = line.split(' ');
        if (key !== undefined && /^\d+\.$/.test(key)) {
          this.#modes.set(BigInt(key.slice(0, -1)), Number(mode));
        }
      }
      this.root = withFd(openDirectory(native, runDirectory, Buffer.from('layers')), (layers) =>
        withFd(openDirectory(native, layers, Buffer.from('0')), (layer) =>
          this.openDirectory(layer, Buffer.from('upper')),
        ),
      );
    } catch (error) {
      closeDescriptor(this.#modesFd);
      throw error;
    }
  }

  close(): void {
    closeDescriptor(this.root);
    closeDescriptor(this.#modesFd);
  }

  /** The layer's root, with the mode that the payload gave it. */
  rootState(): FileState {
    return this.#trueState(stateOf(fstatSync(this.root, { bigint: true })));
  }

  /** The state with the mode that the payload set, even if it was relaxed since. */
  #trueState(state: FileState): FileState {
    const mode = this.#modes.get(state.ino);
    return mode === undefined ? state : { ...state, mode };
  }

  #relax(parent: number, name: Buffer, wanted: number): void {
    const stat = lstatAt(parent, name);
    if (stat === undefined) return;
    const mode = Number(stat.mode & 0o7777n);
    if ((mode & wanted) === wanted) return;
    if (!this.#modes.has(stat.ino)) this.#note(stat.ino, mode);
    withFd(openHandle(this.native, parent, name), (fd) => chmodSync(self(fd), mode | wanted));
  }

  /** The period marks a line that was written completely. */
  #note(ino: bigint, mode: number): void {
    writeSync(this.#modesFd, `${mode} ${ino}.\n`);
    this.#modes.set(ino, mode);
  }

  /** Restores the modes that the payload set, so that another run can continue. */
  restoreModes(): void {
    if (this.#modes.size === 0) return;
    this.#restoreBelow(this.root, 0);
    const root = fstatSync(this.root, { bigint: true });
    const mode = this.#modes.get(root.ino);
    if (mode !== undefined) chmodSync(self(this.root), mode);
    ftruncateSync(this.#modesFd);
    this.#modes.clear();
  }

  /** Stops at the depth at which modes are relaxed. */
  #restoreBelow(directory: number, depth: number): void {
    for (const name of names(directory)) {
      const stat = lstatAt(directory, name);
      if (stat === undefined || stat.isSymbolicLink()) continue;
      if (stat.isDirectory() && depth <= maxDepth) {
        withFd(openDirectory(this.native, directory, name), (fd) =>
          this.#restoreBelow(fd, depth + 1),
        );
      }
      const mode = this.#modes.get(stat.ino);
      if (mode === undefined) continue;
      withFd(openHandle(this.native, directory, name), (fd) => chmodSync(self(fd), mode));
    }
  }

  /** Opens a directory of the layer so that it can be read and changed. */
  openDirectory(parent: number, name: Buffer): number {
    this.#relax(parent, name, 0o700);
    return openDirectory(this.native, parent, name);
  }

  /** Opens the directory at a path of the layer. */
  openPath(path: Buffer): number {
    const root = openDirectory(this.native, this.root, Buffer.from('.'));
    return openBelow(root, splitPath(path), (parent, name) => this.openDirectory(parent, name));
  }

  /** Opens a regular file of the layer to read it. */
  openFile(parent: number, name: Buffer): number {
    try {
      return openToRead(this.native, parent, name);
    } catch (error) {
      if (errnoOf(error) !== 'EACCES') throw error;
    }
    this.#relax(parent, name, 0o400);
    return openToRead(this.native, parent, name);
  }

  /** Changes the mode of an open file or directory of the layer permanently. */
  setMode(fd: number, mode: number): void {
    const { ino } = fstatSync(fd, { bigint: true });
    if (this.#modes.has(ino)) this.#note(ino, mode);
    chmodSync(self(fd), mode);
  }

  entry(parent: number, name: Buffer, xattrWhiteouts: boolean): LayerEntry | undefined {
    const stat = lstatAt(parent, name);
    if (stat === undefined) return undefined;
    const link = stat.isSymbolicLink()
      ? readlinkSync(at(parent, name), { encoding: 'buffer' })
      : undefined;
    const state = this.#ownLinks(this.#trueState(stateOf(stat, link)));
    return { state, whiteout: this.#isWhiteout(parent, name, stat, xattrWhiteouts) };
  }

  /** The state with the names that a file has in this layer only. */
  #ownLinks(state: FileState): FileState {
    if (!this.#shared || state.type !== 'file' || state.links < 2) return state;
    if (this.#names === undefined) {
      this.#names = new Map();
      this.#countNames(this.root, this.#names, 0);
    }
    return { ...state, links: this.#names.get(state.ino) ?? 1 };
  }

  #countNames(directory: number, found: Map<bigint, number>, depth: number): void {
    for (const name of names(directory)) {
      const stat = lstatAt(directory, name);
      if (stat?.isFile() === true && stat.nlink > 1n) {
        found.set(stat.ino, (found.get(stat.ino) ?? 0) + 1);
      } else if (stat?.isDirectory() === true && depth <= maxDepth) {
        withFd(this.openDirectory(directory, name), (fd) => this.#countNames(fd, found, depth + 1));
      }
    }
  }

  #isWhiteout(parent: number, name: Buffer, stat: BigIntStats, xattrWhiteouts: boolean): boolean {
    if (this.#plain) return false;
    if (stat.isCharacterDevice()) return stat.rdev === 0n;
    if (!xattrWhiteouts || !stat.isFile() || stat.size !== 0n) return false;
    return withFd(
      this.openFile(parent, name),
      (fd) => this.native.fgetxattr(fd, whiteoutName) !== undefined,
    );
  }

  /** `y`: hides the host's directory. `x`: may hold whiteouts that are marked by an attribute. */
  opacity(fd: number): 'y' | 'x' | '' {
    return this.#plain ? '' : opacityOf(this.native, fd);
  }
}

export const opaqueName: string = opaqueAttribute;
/** Makes an empty file a whiteout, in a directory whose opacity is `x`. */
export const whiteoutName = 'user.overlay.whiteout';

/** Returns what overlayfs's own attribute says of an open directory: see {@link Layer.opacity}. */
export function opacityOf(native: ChangesNative, fd: number): 'y' | 'x' | '' {
  const value = native.fgetxattr(fd, opaqueName);
  const text = value === undefined ? '' : Buffer.from(value).toString('latin1');
  return text === 'y' || text === 'x' ? text : '';
}

/** Runs `use`; gives undefined if the entry is gone or cannot be accessed. */
export function unlessDenied<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch (error) {
    const code = errnoOf(error);
    if (
      [
        'EACCES',
        'EPERM',
        'ENOENT',
        'ENOTDIR',
        'ELOOP',
        'EXDEV',
        'EIO',
        'ENAMETOOLONG',
        'EINVAL',
        'EISDIR',
        'ENXIO',
        'ENODEV',
      ].includes(code)
    ) {
      return undefined;
    }
    throw error;
  }
}
