/** The system calls that Node lacks, as far as the image store needs them. */
import type { ChangesNative } from '../changes/index.js';

export type StoreNative = ChangesNative;
