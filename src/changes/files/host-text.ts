/** The beginning of small text files of a tree, read without following links. */
import { readSync } from 'node:fs';
import type { ChangesNative } from '../model/index.js';
import { errnoOf, openDirectoryPath, openToRead, stateOfFd, withFd } from './fdtree.js';
import type { Names } from './path.js';

const maxBytes = 1 << 18;

export interface Text {
  /** One character per byte. */
  readonly text: string;
  /** True if the file is longer. */
  readonly cut: boolean;
}

/** A regular file's text; undefined if there is no such file or it cannot be read. */
export function readText(native: ChangesNative, root: number, path: Names): Text | undefined {
  return withFile(native, root, path, (file) => {
    const bytes = Buffer.alloc(maxBytes);
    let length = 0;
    for (let n = 1; n > 0 && length < bytes.length; length += n) {
      n = readSync(file, bytes, length, bytes.length - length, null);
    }
    return { text: bytes.toString('latin1', 0, length), cut: length === bytes.length };
  });
}

/** Uses a regular file below a directory; undefined where there is none, or it cannot be read. */
export function withFile<T>(
  native: ChangesNative,
  root: number,
  path: Names,
  use: (file: number, size: number) => T,
): T | undefined {
  const parent = Buffer.from(path.slice(0, -1).join('/') || '.', 'latin1');
  try {
    return withFd(openDirectoryPath(native, root, parent), (fd) =>
      withFd(openToRead(native, fd, Buffer.from(path.at(-1) ?? '.', 'latin1')), (file) => {
        const { type, size } = stateOfFd(file);
        return type === 'file' ? use(file, size) : undefined;
      }),
    );
  } catch (error) {
    errnoOf(error);
    return undefined;
  }
}
