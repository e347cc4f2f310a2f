/** How a run ended, and what happens to its changes. */
import type { OnProgress, RunRecord } from '../model/index.js';

export type FinishMode = 'keep' | 'apply' | 'discard';

/** How the run ended. */
export interface RunEnd {
  /** Only a successful run is applied or discarded; any other is saved. */
  readonly succeeded: boolean;
  readonly exitCode?: number | undefined;
  readonly signal?: number | undefined;
  /** For the journal entry, instead of the command that the run started with. */
  readonly command?: Pick<RunRecord, 'command' | 'argv'> | undefined;
  /** How many files the payload has written, if known. */
  readonly files?: number | undefined;
  /** Called often. */
  readonly onProgress?: OnProgress | undefined;
  /** See `maxAllPathBytes` of the comparison. @default 256 MiB */
  readonly maxAllPathBytes?: number | undefined;
  /** @default the clock */
  readonly now?: Date | undefined;
}
