/** The layers below one that is being unpacked, seen as overlayfs will show them. */
import { type BigIntStats, constants, readlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { at, errnoOf, inClosed, lstatAt, opaqueName, openRoot } from '../../changes/index.js';
import { opaqueValue } from '../../host/index.js';
import { closeDescriptor } from '../../native/index.js';
import type { StoreNative } from '../native.js';

export type Below =
  | { readonly kind: 'directory'; readonly mode: number; readonly mtimeNs: bigint }
  | { readonly kind: 'symlink'; readonly target: Buffer }
  | { readonly kind: 'other' };

interface Root {
  /** The directory around it, so that a root which its mode closes can be opened, too. */
  readonly parent: number;
  readonly name: Buffer;
}

/** `hidden`: whether the layer hides what the layers below it have there. */
interface Look {
  readonly found?: Below;
  readonly hidden: boolean;
}

/** The roots of lower layers, topmost first. */
export class LayersBelow {
  readonly #native: StoreNative;
  readonly #roots: Root[];

  /** @param directories the roots of the layers, topmost first */
  constructor(native: StoreNative, directories: readonly string[]) {
    this.#native = native;
    this.#roots = directories.map((path) => ({
      parent: openRoot(native, dirname(path)),
      name: Buffer.from(basename(path)),
    }));
  }

  get count(): number {
    return this.#roots.length;
  }

  close(): void {
    for (const { parent } of this.#roots.splice(0)) closeDescriptor(parent);
  }

  /** Returns what is at a path that no symbolic link is part of; undefined where there is nothing. */
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
    for (const { parent, name } of this.#roots) {
      // A run with this layer sees a closed directory open for a moment.
      const { found, hidden } = inClosed(this.#native, parent, name, (root) =>
        this.#look(root, names, false),
      );
      if (found !== undefined) return found;
      if (hidden) return undefined;
    }
    return undefined;
  }

  #look(directory: number, [name, ...rest]: readonly Buffer[], hidden: boolean): Look {
    const stat = name === undefined ? undefined : lstatAt(directory, name);
    if (name === undefined || stat === undefined) return { hidden };
    if (stat.isCharacterDevice()) return { hidden: true };
    const isLast = rest.length === 0;
    if (!stat.isDirectory()) {
      return isLast ? { found: fileAt(directory, name, stat), hidden: true } : { hidden: true };
    }
    if (isLast) {
      const { mode, mtimeNs } = stat;
      const found = { kind: 'directory', mode: Number(mode & 0o7777n), mtimeNs } as const;
      return { found, hidden: true };
    }
    return inClosed(this.#native, directory, name, (fd) =>
      this.#look(fd, rest, hidden || isOpaque(this.#native, fd)),
    );
  }
}

const fileAt = (directory: number, name: Buffer, stat: BigIntStats): Below =>
  stat.isSymbolicLink()
    ? { kind: 'symlink', target: readlinkSync(at(directory, name), { encoding: 'buffer' }) }
    : { kind: 'other' };

const isOpaque = (native: StoreNative, fd: number): boolean =>
  native.fgetxattr(fd, opaqueName)?.[0] === opaqueValue;

export const WHITEOUT: number = constants.S_IFCHR;
