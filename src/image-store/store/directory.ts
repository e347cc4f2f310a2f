/** The store's directories in the user's state, and the locks that guard what is made in them. */
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openOwn, openRoot, removeTree, type Store } from '../../changes/index.js';
import { ImageError } from '../../errors/index.js';
import { imagesDirectory } from '../../image/index.js';
import { closeDescriptor } from '../../native/index.js';

/**
 * `refs`, `ids`: records (src/image). `layers`: unpacked ones. `partial`: blobs while they are downloaded.
 * `making`: layers while they are unpacked or removed. `locks`: files to lock.
 */
const parts = ['refs', 'ids', 'layers', 'partial', 'making', 'locks'] as const;
type Part = (typeof parts)[number];

export interface ImageStore {
  readonly store: Store;
  readonly directory: string;
}

const pollMs = 100;

/** Makes the directories where they are missing; none may be another user's. */
export function openImageStore(store: Store): ImageStore {
  closeDescriptor(openOwn(store, 'images', true));
  const directory = imagesDirectory(store.directory);
  for (const part of parts) {
    try {
      mkdirSync(`${directory}/${part}`, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw storeError(directory, error);
    }
    // None of them may be a link.
    closeDescriptor(openRoot(store.native, `${directory}/${part}`));
  }
  return { store, directory };
}

export const pathIn = ({ directory }: ImageStore, part: Part, name: string): string =>
  `${directory}/${part}/${name}`;

export const namesIn = ({ directory }: ImageStore, part: Part): string[] =>
  readdirSync(`${directory}/${part}`).sort();

/** Explains why a file of the store could not be written. */
export function storeError(directory: string, error: unknown): unknown {
  const { code } = error as { readonly code?: unknown };
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ImageError('ERR_IMAGE_STORE', `No space is left for images in ${directory}.`, {
      cause: error,
      hint: 'Remove images that you no longer need:\n  wasbox image prune --all',
    });
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EIO') {
    return new ImageError('ERR_IMAGE_STORE', `Cannot write to ${directory}: ${code}`, {
      cause: error,
    });
  }
  return error;
}

function openLock(images: ImageStore, name: string): number {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  return openSync(pathIn(images, 'locks', name), flags, 0o600);
}

/**
 * Holds the lock of that name while `use` runs. Another process that has it is waited for.
 * @param onWait called once, where there is something to wait for
 */
export async function locked<T>(
  images: ImageStore,
  name: string,
  use: () => Promise<T> | T,
  onWait?: (() => void) | undefined,
  signal?: AbortSignal | undefined,
): Promise<T> {
  const fd = openLock(images, name);
  try {
    for (let waited = false; !images.store.native.tryLock(fd); waited = true) {
      if (!waited) onWait?.();
      await sleep(pollMs, undefined, { signal });
    }
    return await use();
  } finally {
    closeSync(fd);
  }
}

/** Returns whether no process holds the lock now; runs `use` while it is held. */
export function ifUnlocked(images: ImageStore, name: string, use: () => void): boolean {
  const fd = openLock(images, name);
  try {
    if (!images.store.native.tryLock(fd)) return false;
    use();
    return true;
  } finally {
    closeSync(fd);
  }
}

/**
 * Locks of that name that no process holds, not even shared; to be let go when what they guard is gone.
 * Undefined where a process does.
 */
export function heldAlone(images: ImageStore, name: string): number | undefined {
  const fd = openLock(images, name);
  if (images.store.native.tryLock(fd)) return fd;
  closeSync(fd);
  return undefined;
}

/** Guards records, and which layers they need. */
export const recordsLock = 'records';

/** Removes what is in `making` under that name, modes notwithstanding. */
export function removeMade(images: ImageStore, name: string): void {
  const { native } = images.store;
  const fd = openRoot(native, `${images.directory}/making`);
  try {
    removeTree(native, fd, Buffer.from(name));
  } finally {
    closeDescriptor(fd);
  }
}

/** A layer vanishes whole: first by its name. */
export function removeLayer(images: ImageStore, key: string): void {
  const path = pathIn(images, 'layers', key);
  if (!existsSync(path)) return;
  const name = `removed-${key}`;
  removeMade(images, name);
  renameSync(path, pathIn(images, 'making', name));
  removeMade(images, name);
}

/** Writes a directory's names to the disk, where its file system can. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    closeSync(fd);
  }
}

export const removeFile = (path: string): void => rmSync(path, { force: true });
