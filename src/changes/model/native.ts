/** The system calls that Node lacks. */
import type { Native, NativeRuns } from '../../native/index.js';

/** Injected, so that src/changes does not load the addon itself. */
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
  | 'makeNode'
  | 'tryLock'
  | 'syncfs'
  | 'captureWorkingCopy'
  | 'textJunk'
  | 'lineChanges'
  | 'search'
  | keyof NativeRuns
>;
