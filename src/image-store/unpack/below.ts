/** The layers below one that is being unpacked, seen as overlayfs will show them. */
import { chmodSync, constants, fstatSync, readlinkSync } from 'node:fs';
import { at, errnoOf, lstatAt, opaqueName, openDirectory, openRoot } from '../../changes/index.js';
import { opaqueValue } from '../../host/index.js';
import { closeDescriptor } from '../../native/index.js';
import type { StoreNative } from '../native.js';

export type Below =
  | { readonly kind: 'directory'; readonly mode: number; readonly mtimeNs: bigint }
  | { readonly kind: 'symlink'; readonly target: Buffer }
  | { readonly kind: 'other' };

/** What a directory's owner needs to look into it; the kernel asks no root for it. */
const LOOK = 0o500;

/** Whether an image's mode closes a directory to the user who unpacks it. */
const isClosed = (mode: number): boolean => (mode & LOOK) !== LOOK && process.geteuid?.() !== 0;

const modeOf = ({ mode }: { readonly mode: bigint }): number => Number(mode & 0o7777n);

/** An open directory, and the mode that it is to have again. */
interface Closed {
  readonly fd: number;
  readonly mode: number;
}

const closeAgain = (closed: readonly Closed[]): void => {
  for (const { fd, mode } of closed) chmodSync(`/proc/self/fd/${fd}`, mode);
};

/** Opened directories of lower layers, topmost first. */
export class LayersBelow {
  readonly #native: StoreNative;
  readonly #roots: number[];

  /** @param directories the roots of the layers, topmost first */
  constructor(native: StoreNative, directories: readonly string[]) {
    this.#native = native;
    this.#roots = directories.map((path) => openRoot(native, path));
  }

  get count(): number {
    return this.#roots.length;
  }

  close(): void {
    for (const fd of this.#roots.splice(0)) closeDescriptor(fd);
  }

  /** What is at a path that no symbolic link is part of; undefined where there is nothing. */
  find(names: readonly Buffer[]): Below | undefined {
    // A process that unpacks another image above the same layer may close a directory at the same time.
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#find(names);
      } catch (error) {
        if (attempt === 100 || errnoOf(error) !== 'EACCES') throw error;
      }
    }
  }

  #find(names: readonly Buffer[]): Below | undefined {
    for (const root of this.#roots) {
      const { found, hidden } = this.#findIn(root, names);
      if (found !== undefined) return found;
      if (hidden) return undefined;
    }
    return undefined;
  }

  /** @returns `hidden` where this layer hides what the layers below it have there */
  #findIn(root: number, names: readonly Buffer[]): { found?: Below; hidden: boolean } {
    const opened: number[] = [];
    const closed: Closed[] = [];
    let hidden = false;
    try {
      let fd = root;
      const ownMode = modeOf(fstatSync(root, { bigint: true }));
      if (isClosed(ownMode)) {
        closed.push({ fd, mode: ownMode });
        chmodSync(`/proc/self/fd/${fd}`, ownMode | LOOK);
      }
      for (const [i, name] of names.entries()) {
        const stat = lstatAt(fd, name);
        if (stat === undefined) return { hidden };
        if (stat.isCharacterDevice()) return { hidden: true };
        if (stat.isSymbolicLink() && i === names.length - 1) {
          const target = readlinkSync(at(fd, name), { encoding: 'buffer' });
          return { found: { kind: 'symlink', target }, hidden: true };
        }
        if (!stat.isDirectory()) {
          return i === names.length - 1
            ? { found: { kind: 'other' }, hidden: true }
            : { hidden: true };
        }
        const { mtimeNs } = stat;
        const mode = modeOf(stat);
        if (i === names.length - 1) {
          return { found: { kind: 'directory', mode, mtimeNs }, hidden: true };
        }
        const path = at(fd, name);
        // What runs with this layer sees it open for a moment.
        if (isClosed(mode)) chmodSync(path, mode | LOOK);
        try {
          fd = openDirectory(this.#native, fd, name);
        } catch (error) {
          if (isClosed(mode)) chmodSync(path, mode);
          throw error;
        }
        opened.push(fd);
        if (isClosed(mode)) closed.push({ fd, mode });
        hidden ||= isOpaque(this.#native, fd);
      }
      return { hidden }; // no name: the root
    } finally {
      closeAgain(closed);
      for (const fd of opened) closeDescriptor(fd);
    }
  }
}

const isOpaque = (native: StoreNative, fd: number): boolean =>
  native.fgetxattr(fd, opaqueName)?.[0] === opaqueValue;

export const WHITEOUT: number = constants.S_IFCHR;
