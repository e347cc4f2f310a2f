/** Keeps an image in the store between the sandboxes of a session or a pool, each of which holds it only while it runs. */
import { closeSync, constants, openSync } from 'node:fs';
import { loadNative, SharedHolds } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';

/** Images that are held, by the path of their lock: forks share one. */
const held = new SharedHolds<number>();

/**
 * Takes the lock of an image that a sandbox holds now. Where it cannot be had, the next sandbox says why.
 * @returns lets go of it
 */
export function holdImage({ image }: Pick<SandboxSpec, 'image'>): () => void {
  const path = image?.lock;
  return path === undefined ? () => {} : held.hold(path, () => take(path), closeSync);
}

function take(path: string): number | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return undefined; // a store that cannot be written to
  }
  if (loadNative().native.tryLock(fd, true)) return fd;
  closeSync(fd);
  return undefined;
}
