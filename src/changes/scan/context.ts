/** What a comparison of layer and host works on, and where in it a walk stands. */

import type { Layer } from '../files/layer.js';
import type { ChangesNative, OnProgress } from '../model/index.js';
import type { Block, TreePlace } from './describe.js';

export interface ScanContext extends TreePlace {
  /** The run, for errors. */
  readonly id: string;
  readonly native: ChangesNative;
  /** Holds the tree's notes. */
  readonly directory: number;
  readonly layer: Layer;
  /** The tree on the host. */
  readonly host: number;
  /** See `baselineNs` of the journal entry. */
  readonly startNs: bigint;
  /** Removes from the layer what equals the host. */
  readonly prune: boolean;
  /**
   * For a run that is dropped: opens no file, writes nothing down, and takes a file for changed by
   * its size, times, mode and owner alone. @default false
   */
  readonly quick?: boolean | undefined;
  /** Bytes of all paths that differ; what is beyond fits no memory. @default 256 MiB */
  readonly maxAllPathBytes?: number | undefined;
  /** `dev:ino` to the ctime that wasbox itself gave a host file. */
  readonly ownCtimes?: ReadonlyMap<string, bigint> | undefined;
  /** Keys of paths that were applied just now: not compared again, and dropped from the layer. */
  readonly applied?: ReadonlySet<string> | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface Place {
  /** Open directory of the layer; undefined below what was deleted. */
  readonly upper: number;
  readonly host: number | undefined;
  readonly path: Buffer;
  readonly depth: number;
  readonly block: Block;
  /** An opaque directory hides the host's, so nothing may be pruned from it piecemeal. */
  readonly opaque: boolean;
}
