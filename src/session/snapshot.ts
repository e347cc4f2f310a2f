/** A state of a session's files, to go back to or to fork from. */
import type { FrozenLayer } from '../changes/index.js';
import { LaunchError, misuse } from '../errors/index.js';
import type { SessionLayers } from './layers.js';

/** Where and by whom it is held. */
interface Held {
  readonly layers: SessionLayers;
  readonly layer: FrozenLayer;
}

const held = new WeakMap<Snapshot, Held>();

/**
 * A state of a session's files. It takes no room of its own, but holds what was there when it was taken: until
 * it is released, or the session that took it ends.
 */
export class Snapshot {
  /** Unique among the snapshots of this user. */
  readonly id: string;
  /** When it was taken. */
  readonly takenAt: Date;

  /** @internal */
  constructor(held: Held) {
    this.id = held.layer.name;
    this.takenAt = new Date();
    held.layers.keep(held.layer);
    keep(this, held);
  }

  /** It is needed no more: what only it holds is removed. */
  release(): void {
    const found = held.get(this);
    held.delete(this);
    found?.layers.release(found.layer);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Returns what JSON has of it. */
  toJSON(): { readonly id: string; readonly takenAt: Date } {
    return { id: this.id, takenAt: this.takenAt };
  }
}

const keep = (snapshot: Snapshot, place: Held): void => {
  held.set(snapshot, place);
};

/**
 * The layer of a snapshot that a session of the same files may use.
 * @param isAlive whether the session is alive whose files these are
 * @throws UsageError, LaunchError ERR_SNAPSHOT
 */
export function layerOf(
  call: string,
  snapshot: unknown,
  own: SessionLayers,
  isAlive: (layers: SessionLayers) => boolean,
): FrozenLayer {
  if (!(snapshot instanceof Snapshot)) {
    throw misuse(`session.${call}(snapshot): expected what session.snapshot() gave`);
  }
  const found = held.get(snapshot);
  if (found !== undefined && isAlive(found.layers)) {
    if (isRelated(found.layers, own)) return found.layer;
    throw new LaunchError('ERR_SNAPSHOT', `session.${call}: the snapshot is of another session`, {
      hint: 'Use it with the session that took it, or with a fork of that one.',
    });
  }
  throw new LaunchError('ERR_SNAPSHOT', `session.${call}: the snapshot was released`, {
    hint: 'A snapshot goes with the session that took it. To keep its files, fork it before.',
  });
}

/** Sessions that were forked from each other show the same places. */
const isRelated = (a: SessionLayers, b: SessionLayers): boolean => a.family === b.family;
