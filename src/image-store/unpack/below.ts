/** The layers below one that is being unpacked, seen as overlayfs will show them. */
import { constants, fstatSync, readlinkSync } from 'node:fs';
import { at, lstatAt, opaqueName, openDirectory, openRoot } from '../../changes/index.js';
import { opaqueValue } from '../../host/index.js';
import { closeDescriptor } from '../../native/index.js';
import type { StoreNative } from '../native.js';

export type Below =
  | { readonly kind: 'directory'; readonly mode: number; readonly mtimeNs: bigint }
  | { readonly kind: 'symlink'; readonly target: Buffer }
  | { readonly kind: 'other' };

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
    let hidden = false;
    try {
      let fd = root;
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
        fd = openDirectory(this.#native, fd, name);
        opened.push(fd);
        hidden ||= isOpaque(this.#native, fd);
      }
      const { mode, mtimeNs } = fstatSync(fd, { bigint: true });
      return {
        found: { kind: 'directory', mode: Number(mode & 0o7777n), mtimeNs },
        hidden: true,
      };
    } finally {
      for (const fd of opened) closeDescriptor(fd);
    }
  }
}

const isOpaque = (native: StoreNative, fd: number): boolean =>
  native.fgetxattr(fd, opaqueName)?.[0] === opaqueValue;

export const WHITEOUT: number = constants.S_IFCHR;
