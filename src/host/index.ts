/** What wasbox asks of the machine, behind one interface: the real host, one that records its answers, one that caches them. */
export { cachedHost, isSystemPath, memoryMs } from './cached.js';
export { monotonicMs } from './clock.js';
export type {
  DirectoryListing,
  FileInfo,
  FileKind,
  Host,
  HostUser,
  SpecialKind,
} from './interface.js';
export { appearancesOf, type MountsSeen } from './mount-paths.js';
export { realHost } from './node.js';
export { isWithin } from './path.js';
export { randomBelow } from './random.js';
export { type RecordedRead, type Recording, recordedHost } from './recorded.js';
export type { HostFacts } from './settings.js';
export { hostFacts, refusePlace } from './settings.js';
export { callersUmask, keepOwnRights } from './umask.js';
