/**
 * Asks the machine for what wasbox needs, behind one interface: the real host, one that records its answers, one that
 * caches them.
 */

export { accountIn } from './accounts.js';
export { cachedHost, isSystemPath, memoryMs } from './cached.js';
export { monotonicMs } from './clock.js';
export { fairBelow } from './fair.js';
export { installedFile, nativeVariable, placesOf } from './installation.js';
export type {
  DirectoryListing,
  FileInfo,
  FileKind,
  Host,
  HostFiles,
  HostUser,
  MountPaths,
  SpecialKind,
  StreamIndex,
  StreamKind,
} from './interface.js';
export { opaqueAttribute, opaqueValue } from './interface.js';
export { isBefore } from './kernel.js';
export {
  landlockIsolationAbi,
  landlockMinimumAbi,
  landlockNetworkAbi,
  landlockObstacle,
} from './landlock.js';
export { layerObstacle } from './layer-obstacle.js';
export { mountPathsFrom, procMountsFrom } from './mount-paths.js';
export { realHost } from './node.js';
export { isWithin } from './path.js';
export {
  type Agreement,
  answersSo,
  type RecordedRead,
  type RepeatedHost,
} from './questions.js';
export { randomBelow } from './random.js';
export { type Recording, recordedHost } from './recorded.js';
export {
  encodeRequest,
  type Found,
  type NameTest,
  nameTest,
  readFound,
} from './search-request.js';
export type { HostFacts } from './settings.js';
export { hostFacts, refusePlace } from './settings.js';
export { findSpecials } from './specials.js';
export {
  elsewhereHint,
  homeState,
  namedState,
  type StateDirectory,
  stateDirectory,
} from './state-directory.js';
export { callersUmask, keepOwnRights } from './umask.js';
