/** The system calls that Node lacks. */
import type { Native } from '../../native/index.js';

/** The calls that Node lacks; injected, so that this folder starts nothing. */
export type ChangesNative = Pick<
  Native,
  | 'openat2'
  | 'renameat2'
  | 'fgetxattr'
  | 'flistxattr'
  | 'fsetxattr'
  | 'fremovexattr'
  | 'hasNoWriter'
  | 'reflink'
  | 'setTimes'
  | 'setTimesAt'
  | 'dataRange'
  | 'tryLock'
>;
