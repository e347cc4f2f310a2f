/** Keeps an image in the store between the sandboxes of a session or a pool, each of which holds it only while it runs. */
import { closeSync, constants, openSync } from 'node:fs';
import { loadNative } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';

interface Held {
  readonly fd: number;
  users: number;
}

/** By the path of its lock: forks share one. */
const held = new Map<string, Held>();

/**
 * Takes the lock of an image that a sandbox holds now. Where it cannot be had, the next sandbox says why.
 * @returns lets go of it
 */
export function holdImage({ image }: Pick<SandboxSpec, 'image'>): () => void {
  const path = image?.lock;
  const one = path === undefined ? undefined : (held.get(path) ?? take(path));
  if (path === undefined || one === undefined) return () => {};
  held.set(path, one);
  one.users++;
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    if (--one.users > 0) return;
    held.delete(path);
    closeSync(one.fd);
  };
}

function take(path: string): Held | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return undefined; // a store that cannot be written to
  }
  if (loadNative().native.tryLock(fd, true)) return { fd, users: 0 };
  closeSync(fd);
  return undefined;
}
