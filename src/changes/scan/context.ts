/** The input of a comparison of layer and host, and the position of its walk. */

import type { Layer } from '../files/layer.js';
import type { ChangesNative, DroppedFiles, OnProgress } from '../model/index.js';
import type { Block, TreePlace } from './describe.js';

export interface ScanContext extends TreePlace {
  /** The run, for errors. */
  readonly id: string;
  readonly native: ChangesNative;
  /** The directory with the tree's records. */
  readonly directory: number;
  readonly layer: Layer;
  /** The tree on the host. */
  readonly host: number;
  /** See `baselineNs` of the journal entry. */
  readonly startNs: bigint;
  /** Removes from the layer what equals the host. */
  readonly prune: boolean;
  /**
   * Set for a run that is discarded: opens no file, saves nothing, and compares files only by size, time, mode and
   * owner. @default false
   */
  readonly quick?: boolean | undefined;
  /** Keys of paths at which the sandbox itself made mount points and links: no changes. */
  readonly placed?: ReadonlySet<string> | undefined;
  /** Limit for the bytes of all changed paths. @default 256 MiB */
  readonly maxAllPathBytes?: number | undefined;
  /** `dev:ino` to the ctime that wasbox itself gave a host file. */
  readonly ownCtimes?: ReadonlyMap<string, bigint> | undefined;
  /** Keys of paths that were just applied: not compared again, and removed from the layer. */
  readonly applied?: ReadonlySet<string> | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Called with what is left out, because no user reviews it. */
  readonly onDropped?: ((dropped: DroppedFiles) => void) | undefined;
}

export interface Place {
  /** The open directory of the layer. */
  readonly upper: number;
  readonly host: number | undefined;
  readonly path: Buffer;
  readonly depth: number;
  readonly block: Block;
  /** An opaque directory hides the host's, so nothing in it can be removed alone. */
  readonly opaque: boolean;
}
